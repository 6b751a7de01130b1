"""Posed RGB-D folders to a Capture: read, undistorted once, checked against their own depth."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.capture.cameras.camera_files import CameraTable
from lyra_sim.capture.frame.provisional_frame import provisional_frame
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.intake.colour_notes import colour_remarks
from lyra_sim.capture.intake.colour_profiles import ColourReading
from lyra_sim.capture.intake.images import colours_of, open_image, read_colour
from lyra_sim.capture.intake.undistort import Undistortion
from lyra_sim.capture.rgbd_layouts.depth_files import DepthReader, is_float
from lyra_sim.capture.rgbd_layouts.reading import read_recording
from lyra_sim.capture.rgbd_layouts.recording import Recording
from lyra_sim.capture.trust.colour_check import check_colour
from lyra_sim.capture.trust.depth_check import check_frames, step_of
from lyra_sim.capture.trust.depth_readings import ray_lengths
from lyra_sim.conventions import METRES_PER_UNIT
from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.posed import Lens
from lyra_sim.data.views import Views
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig

VIDEO_FRAMES = "video_frames"
"""In a capture's folder while it is written, where colour is a video."""


def capture_rgbd(source: RgbdSource, stated: Stated, limits: CaptureConfig, *, out: Path) -> Capture:
    """Read posed frames with depth into ``out`` (``rgb/``, ``z_depth/``, ``valid.png``, cameras) and check its frames.

    The capture frame is the input file's own world in its own unit; depth is brought to that unit.

    Raises:
        SpecError: The scene has no such source.
        InputError: A file is missing or broken, an image has no depth or camera, or every view is held out.
        FrameError: Cameras and depth contradict each other.
    """
    recording = read_recording(source, limits, scratch=out / VIDEO_FRAMES)
    table, source = recording.table, source.model_copy(update={"depth_unit": recording.depth_unit})
    cameras = CameraPath(c2w=table.c2w, K=table.K, width=table.width, height=table.height)
    world_from_capture, scale, up_source = provisional_frame(source, stated, cameras)
    unit = recording.depth_unit
    depths = DepthReader(
        unit=METRES_PER_UNIT[unit] if isinstance(unit, str) else unit,
        floats=is_float(recording.frames[0].depth, max_pixels=limits.max_pixels),
        farthest=limits.rgbd_max_depth * (float(ray_lengths(cameras).max()) if source.depth_kind == "ray" else 1.0),
        max_pixels=limits.max_pixels,
        depth_K=recording.depth_K,
    )
    colours = [colours_of(frame.colour, max_pixels=limits.max_pixels) for frame in recording.frames]
    changed = any(one.to_srgb is not None for one in colours)
    measured = _write_views(recording, depths, cameras, limits, depth_kind=source.depth_kind, as_they_are=not changed, out=out)
    if (out / VIDEO_FRAMES).is_dir():
        shutil.rmtree(out / VIDEO_FRAMES)
    suffix = ".png" if table.distortion.any() or changed else recording.frames[0].colour.suffix.lower()
    per_count = depths.metres_per_count / scale.metres_per_unit
    names = tuple(frame.name for frame in recording.frames)
    views = Views(folder=out, names=names, rgb_suffix=suffix, units_per_depth_count=per_count)
    agreement = check_frames(
        cameras,
        views,
        subject=recording.subject.name,
        scene=stated.scene,
        axes=table.axes,
        depth_unit=unit,
        depth_kind=source.depth_kind,
    )
    images = recording.frames[0].colour.parent.name if source.frames is None else source.frames.name
    check_colour(list(agreement.same), views, step=step_of(cameras), subject=images, scene=stated.scene)
    held_out = tuple(range(0, len(views), limits.hold_out_every)) if limits.hold_out_every else ()
    if len(views) - len(held_out) < 1:
        raise InputError(
            "capture.hold_out_every", f"every one of {len(views)} views is held out", expected="views left to build from"
        )
    return Capture(
        views=views,
        cameras=cameras,
        world_from_capture=world_from_capture,
        scale=scale,
        held_out=held_out,
        frame_agreement=agreement.share if agreement.telling else None,
        up_source=up_source,
        depth=DepthFacts(kind="measured", sigma_relative=0.0, figures={"measured": round(measured, 5)}),
        reading=(_with_notes(recording, depths, cameras, colours),),
    )


def _write_views(
    recording: Recording,
    depths: DepthReader,
    cameras: CameraPath,
    limits: CaptureConfig,
    *,
    depth_kind: str,
    as_they_are: bool,
    out: Path,
) -> float:
    """Write every view; the share of pixels with depth, 0..1."""
    (out / "rgb").mkdir(parents=True)
    (out / "z_depth").mkdir()
    table, subject = recording.table, recording.subject.name
    suffixes = {frame.colour.suffix.lower() for frame in recording.frames}
    size = (cameras.height, cameras.width)
    if table.distortion.any() and np.ptp(cameras.K, axis=0).max() > 1e-6:
        raise InputError(
            subject,
            "a distorted lens whose intrinsics change from frame to frame",
            expected="one lens for all frames",
            next_step="Undistort the images first.",
        )
    lens = _undistortion(cameras, table) if table.distortion.any() else None
    per_z = ray_lengths(cameras) if depth_kind == "ray" else None
    reach = (limits.min_depth / depths.metres_per_count, limits.rgbd_max_depth / depths.metres_per_count)
    measured = 0
    for frame, K in zip(recording.frames, cameras.K, strict=True):
        path, name = frame.colour, frame.name
        with open_image(path, max_pixels=limits.max_pixels) as image:
            found = (image.height, image.width)
        if found != size:
            raise InputError(str(path), f"{found[1]}x{found[0]} pixels", expected=f"{size[1]}x{size[0]} as in {subject}")
        rgb = read_colour(path, max_pixels=limits.max_pixels)
        if lens is not None:
            Image.fromarray(lens.colour(rgb)).save(out / "rgb" / f"{name}.png")
        elif not as_they_are:
            Image.fromarray(rgb).save(out / "rgb" / f"{name}.png", compress_level=3)
        elif len(suffixes) == 1:
            shutil.copyfile(path, out / "rgb" / f"{name}{path.suffix.lower()}")
        else:
            raise InputError(str(path.parent), f"images of several kinds ({', '.join(sorted(suffixes))})", expected="one kind")
        counts = depths.counts(frame.depth, frame.confidence, K=K, size=size)
        counts = lens.depth_counts(counts) if lens is not None else counts
        if per_z is not None:
            counts = np.round(counts / per_z).astype(np.uint16)
        counts[(counts < reach[0]) | (counts > reach[1])] = 0
        measured += int((counts > 0).sum())
        Image.fromarray(counts).save(out / "z_depth" / f"{name}.png", compress_level=3)
    valid = lens.valid if lens is not None else np.ones(size, bool)
    Image.fromarray(valid.astype(np.uint8) * 255).save(out / "valid.png")
    share = measured / (len(recording.frames) * size[0] * size[1])
    if share < 0.1:
        raise InputError(
            str(recording.frames[0].depth.parent),
            f"{share:.2%} of the pixels lie between {limits.min_depth} and {limits.rgbd_max_depth} m",
            expected="at least 10 %",
            likely=f"The depth isn't in '{recording.depth_unit}'.",
            next_step="Set rgbd.depth_unit, or capture.min_depth and capture.max_depth.",
        )
    return share


def _with_notes(recording: Recording, depths: DepthReader, cameras: CameraPath, colours: list[ColourReading]) -> ReadingNotes:
    """What became of the depth images on their way to the colour image's size, and of colours on theirs to sRGB."""
    said = [
        f"depth of {width}x{height} pixels was taken to the colour's {cameras.width}x{cameras.height} by nearest neighbour, "
        + ("as the same field of view" if depths.depth_K is None else "by the intrinsics of both")
        for width, height in sorted(depths.sizes)
    ]
    if depths.low_confidence:
        said.append(f"{depths.low_confidence / depths.measured:.1%} of the depth was dropped for its low confidence")
    faults = [(frame.name, one.fault) for frame, one in zip(recording.frames, colours, strict=True) if one.fault]
    said += colour_remarks([one.source for one in colours], faults)
    notes = recording.notes
    return replace(notes, remarks=(*notes.remarks, *said))


def _undistortion(cameras: CameraPath, table: CameraTable) -> Undistortion:
    """The pinhole keeps the source's intrinsics, so straight-line geometry needs no new numbers."""
    K = cameras.K[0]
    lens = Lens(K=K, distortion=table.distortion, width=cameras.width, height=cameras.height)
    return Undistortion.onto(K, lens, cameras.width, cameras.height)
