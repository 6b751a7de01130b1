"""From a scene's source to a recording: which files, which belong together, and what was left out or guessed."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from lyra_sim.capture.cameras.camera_files import read_cameras
from lyra_sim.capture.intake.images import COLOUR_SUFFIXES, list_images
from lyra_sim.capture.masks import masks_beside
from lyra_sim.capture.rgbd_layouts.depth_files import is_float, list_depths
from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.known import parts_of
from lyra_sim.capture.rgbd_layouts.pairing import depth_of, in_order, posed
from lyra_sim.capture.rgbd_layouts.recording import Frame, Parts, Recording
from lyra_sim.data.given import LeftOut, ReadingNotes
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig


def read_recording(source: RgbdSource, limits: CaptureConfig, *, scratch: Path) -> Recording:
    """Frames of a source with the depth and the camera of each, in order of time or number.

    Args:
        source: A folder whose layout is known, or folders that are named.
        limits: Caps of what is read.
        scratch: Folder for frames of a video or of a recording that is one file, made if there is one; the caller removes it.

    Raises:
        InputError: The layout is unknown, a file is missing or broken, or nothing belongs together.
    """
    parts = _stated(source, limits) if source.folder is None else _found(source, limits, scratch)
    if parts.video is not None:
        parts = _with_frames_of_video(parts, parts.video, limits, scratch)
    frames, left_out = _paired(parts)
    doubted = sum(frame.confidence is None for frame in frames) if parts.confidences else 0
    table = read_cameras(parts.cameras, intrinsics=parts.intrinsics, axes=parts.axes, pixel_centres=parts.pixel_centres)
    kept, table = posed(table, [frame.name for frame in frames], subject=parts.cameras)
    unposed = len(frames) - len(kept)
    if unposed:
        left_out.append(LeftOut(what="frames", count=unposed, why=f"{parts.cameras.name} has no camera for them"))
    unit, unit_said = _unit(source, parts, floats=is_float(frames[0].depth, max_pixels=limits.max_pixels))
    remarks: tuple[str, ...] = ()
    if source.folder is not None:
        cameras_said = f"cameras from {source.cameras.name}" if source.cameras is not None else parts.cameras_said
        told = (f"read as {parts.layout}", cameras_said, unit_said, *parts.remarks)
        remarks = tuple(line for line in told if line)
    if source.folder is not None and source.intrinsics is not None and parts.intrinsics is None:
        remarks += (f"rgbd.intrinsics isn't used: {parts.cameras.name} has its own",)
    if doubted:
        remarks += (f"{doubted} depth images have no confidence, and were taken whole",)
    return Recording(
        frames=tuple(frames[index] for index in kept),
        table=table,
        subject=parts.cameras,
        depth_unit=unit,
        depth_K=parts.depth_K,
        notes=ReadingNotes(
            file=(source.folder or parts.cameras).name,
            format=parts.layout,
            held={"depth images": len(parts.depths), "images": len(parts.colours)},
            taken={"depth images": len(kept), "images": len(kept)},
            left_out=tuple(left_out),
            remarks=remarks,
        ),
    )


def _found(source: RgbdSource, limits: CaptureConfig, scratch: Path) -> Parts:
    """A folder's layout; what the scene states beside it counts before what the layout says."""
    assert source.folder is not None
    inside = Inside(folder=source.folder, limits=limits, stated_intrinsics=source.intrinsics, scratch=scratch)
    parts = parts_of(inside, source.layout)
    parts = replace(parts, axes=source.axes, pixel_centres=source.pixel_centres)
    if not parts.masks and parts.colours and parts.colours[0].parent != source.folder:
        parts = replace(parts, masks=masks_beside(parts.colours, parts.colours[0].parent))
    if source.cameras is not None:
        parts = replace(parts, cameras=source.cameras, intrinsics=parts.intrinsics or source.intrinsics)
    return parts


def _unit(source: RgbdSource, parts: Parts, *, floats: bool) -> tuple[float | str, str]:
    """Unit of the depth files, and what to tell of it: what is stated counts, fractions are metres else."""
    if source.depth_unit != "auto":
        return source.depth_unit, ""
    if floats:
        return "m", "depth read as metres: it has fractions"
    unit = "mm" if parts.depth_unit == "auto" else parts.depth_unit
    return unit, parts.unit_said or f"a depth count read as 1 {unit}"


def _stated(source: RgbdSource, limits: CaptureConfig) -> Parts:
    assert source.frames is not None and source.depth is not None and source.cameras is not None
    most = limits.max_views
    if source.frames.resolve() == source.depth.resolve():  # one folder for both, as Replica has it
        every = list_images(source.frames, suffixes=COLOUR_SUFFIXES, max_count=2 * most)
        colours = [path for path in every if "depth" not in path.name.lower()]
        depths = list(list_depths(source.depth, max_count=2 * most, without=colours)) if colours else []
        if not colours or not depths:
            raise InputError(
                str(source.frames),
                "colour and depth lie in one folder, and their names don't tell which is which",
                expected="'depth' in the names of the depth images",
            )
    else:
        colours = list_images(source.frames, suffixes=COLOUR_SUFFIXES, max_count=most)
        depths = list(list_depths(source.depth, max_count=most))
    return Parts(
        layout="named folders",
        colours=in_order(colours),
        depths=in_order(depths),
        cameras=source.cameras,
        intrinsics=source.intrinsics,
        depth_unit=source.depth_unit,
        axes=source.axes,
        pixel_centres=source.pixel_centres,
    )


def _paired(parts: Parts) -> tuple[list[Frame], list[LeftOut]]:
    """Frames that have depth, and what was left out."""
    if parts.paired:
        found: list[Path | None] = list(parts.depths)
    else:
        formats = Counter(path.suffix.lower() for path in parts.depths)
        if len(formats) > 1:
            listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(formats.items()))
            raise InputError(str(parts.depths[0].parent), f"depth in several formats: {listed}", expected="one format")
        found = depth_of(parts.colours, parts.depths, subject=parts.depths[0].parent)
    trust = {path.stem: path for path in parts.confidences}
    masks = parts.masks
    frames = [
        Frame(name=colour.stem, colour=colour, depth=depth, confidence=trust.get(depth.stem), mask=masks.get(colour))
        for colour, depth in zip(parts.colours, found, strict=True)
        if depth is not None
    ]
    left_out = []
    if lonely := len(found) - len(frames):
        left_out.append(LeftOut(what="images", count=lonely, why="no depth was taken within 20 ms of them"))
    if spare := len(parts.depths) - len(frames):
        left_out.append(LeftOut(what="depth images", count=spare, why="no image belongs to them"))
    return frames, left_out


def _with_frames_of_video(parts: Parts, video: Path, limits: CaptureConfig, scratch: Path) -> Parts:
    """Depth file k belongs to frame k of the video."""
    from lyra_sim.capture.rgbd_layouts.video_frames import keep_frames

    numbers = {path: int(path.stem) for path in parts.depths if path.stem.isascii() and path.stem.isdecimal()}
    if len(numbers) < len(parts.depths):
        odd = next(path for path in parts.depths if path not in numbers)
        raise InputError(str(odd), "its name is no number", expected="the number of its frame in the video")
    kept = keep_frames(video, set(numbers.values()), scratch, max_pixels=limits.max_pixels)
    pairs = [(kept[number], path) for path, number in numbers.items() if number in kept]
    if not pairs:
        raise InputError(str(video), "no frame of it has depth", expected="a frame for each depth file")
    without = len(parts.depths) - len(pairs)
    said = (f"{without} depth images lie beyond the end of {video.name}, and were left out",) if without else ()
    return replace(
        parts,
        colours=tuple(colour for colour, _ in pairs),
        depths=tuple(depth for _, depth in pairs),
        paired=True,
        remarks=(*parts.remarks, *said),
    )
