"""Posed RGB-D folders to a Capture: read, undistorted once, checked against their own depth."""

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from PIL import Image

from lyra_sim.capture.cameras.camera_files import CameraTable
from lyra_sim.capture.frame.provisional_frame import provisional_frame
from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.intake.colour_notes import colour_remarks
from lyra_sim.capture.intake.colour_profiles import ColourReading
from lyra_sim.capture.intake.images import colours_of, open_image, read_colour
from lyra_sim.capture.intake.undistort import Undistortion
from lyra_sim.capture.kept_apart import DEPTH_FROM, kept_apart
from lyra_sim.capture.masks import read_mask, told_of
from lyra_sim.capture.rgbd_layouts.depth_files import DepthReader, is_float
from lyra_sim.capture.rgbd_layouts.reading import read_recording
from lyra_sim.capture.rgbd_layouts.recording import Recording
from lyra_sim.capture.trust.colour_check import check_colour
from lyra_sim.capture.trust.depth_check import Agreement, check_frames, step_of
from lyra_sim.capture.trust.depth_readings import ray_lengths
from lyra_sim.conventions import METRES_PER_UNIT
from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.given import ReadingNotes
from lyra_sim.data.posed import Lens
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.views import Views
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
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
    frames = RecordedFrames.of(recording, source, stated, limits, out=out)
    measured = frames.write_all()
    if (out / VIDEO_FRAMES).is_dir():
        shutil.rmtree(out / VIDEO_FRAMES)
    agreement = frames.check(frames.views)
    views, cameras, (world_from_capture, scale, up_source) = frames.views, frames.cameras, frames.frame
    return Capture(
        views=views,
        cameras=cameras,
        world_from_capture=world_from_capture,
        scale=scale,
        held_out=kept_apart(len(views), limits.hold_out_every, auto_from=DEPTH_FROM, left=1),
        frame_agreement=agreement.share if agreement.telling else None,
        up_source=up_source,
        depth=DepthFacts(kind="measured", sigma_relative=0.0, figures={"measured": round(measured, 5)}),
        reading=(frames.notes,),
    )


@dataclass(frozen=True, kw_only=True)
class RecordedFrames:
    """A recording on its way to views: what is known before a frame is written, and the one way to write and to doubt them."""

    recording: Recording
    cameras: CameraPath
    """In the recording's own world and unit, distortion aside."""
    frame: tuple[Similarity, ScaleEstimate, str]
    """``world_from_capture``, the scale behind it, and where up comes from."""
    depths: DepthReader
    limits: CaptureConfig
    source: RgbdSource
    """With the unit that depth turned out to have."""
    scene: str
    out: Path
    """Where views are written."""
    lens: Undistortion | None
    """None: a pinhole already."""
    colours: tuple[ColourReading, ...]
    """Of every frame."""
    ray_per_z: Float32[np.ndarray, "h w"] | None
    """Distance along the ray of every pixel at z-depth 1; None: depth is z."""
    masked: list[float] = field(default_factory=list)
    """Share of each masked view that its mask left out, of those written so far."""

    @classmethod
    def of(
        cls, recording: Recording, source: RgbdSource, stated: Stated, limits: CaptureConfig, *, out: Path
    ) -> "RecordedFrames":
        """Nothing is written yet but folders and ``valid.png``.

        Raises:
            SpecError: The stated scale can't be that of depth images.
            InputError: The lens can't be undone, or colour images are of several kinds.
        """
        table, source = recording.table, source.model_copy(update={"depth_unit": recording.depth_unit})
        cameras = CameraPath(c2w=table.c2w, K=table.K, width=table.width, height=table.height)
        ray_per_z = ray_lengths(cameras) if source.depth_kind == "ray" else None
        unit, distorted = recording.depth_unit, bool(table.distortion.any())
        if distorted and np.ptp(cameras.K, axis=0).max() > 1e-6:
            raise InputError(
                recording.subject.name,
                "a distorted lens whose intrinsics change from frame to frame",
                expected="one lens for all frames",
                next_step="Undistort the images first.",
            )
        colours = tuple(colours_of(frame.colour, max_pixels=limits.max_pixels) for frame in recording.frames)
        rewritten = distorted or any(one.to_srgb is not None for one in colours)
        suffixes = {frame.colour.suffix.lower() for frame in recording.frames}
        if not rewritten and len(suffixes) > 1:
            folder = str(recording.frames[0].colour.parent)
            raise InputError(folder, f"images of several kinds ({', '.join(sorted(suffixes))})", expected="one kind")
        frames = cls(
            recording=recording,
            cameras=cameras,
            frame=provisional_frame(source, stated, cameras),
            depths=DepthReader(
                unit=METRES_PER_UNIT[unit] if isinstance(unit, str) else unit,
                floats=is_float(recording.frames[0].depth, max_pixels=limits.max_pixels),
                farthest=limits.rgbd_max_depth * (1.0 if ray_per_z is None else float(ray_per_z.max())),
                max_pixels=limits.max_pixels,
                depth_K=recording.depth_K,
            ),
            limits=limits,
            source=source,
            scene=stated.scene,
            out=out,
            lens=_undistortion(cameras, table) if distorted else None,
            colours=colours,
            ray_per_z=ray_per_z,
        )
        (out / "rgb").mkdir(parents=True)
        (out / "z_depth").mkdir()
        valid = frames.lens.valid if frames.lens is not None else np.ones((cameras.height, cameras.width), bool)
        Image.fromarray(valid.astype(np.uint8) * 255).save(out / "valid.png")
        return frames

    @property
    def rewritten(self) -> bool:
        """Colour images aren't copied: a lens or a colour profile is undone."""
        return self.lens is not None or any(one.to_srgb is not None for one in self.colours)

    @property
    def views(self) -> Views:
        """As they are once they are written."""
        suffix = ".png" if self.rewritten else self.recording.frames[0].colour.suffix.lower()
        names = tuple(frame.name for frame in self.recording.frames)
        per_count = self.depths.metres_per_count / self.frame[1].metres_per_unit
        return Views(folder=self.out, names=names, rgb_suffix=suffix, units_per_depth_count=per_count)

    @property
    def notes(self) -> ReadingNotes:
        """What was left out or guessed, with what became of the depth that was written so far."""
        notes = _with_notes(self.recording, self.depths, self.cameras, self.colours)
        said = told_of(len(self.masked), float(np.mean(self.masked)), what="frames") if self.masked else ()
        return replace(notes, remarks=(*notes.remarks, *said))

    def write_all(self) -> float:
        """Write every view; the share of pixels with depth, 0..1.

        Raises:
            InputError: A file is broken, or hardly any depth is within reach.
        """
        limits = self.limits
        measured = sum(self.write(index) for index in range(len(self.recording.frames)))
        looked_at = len(self.recording.frames) - sum(self.masked)
        share = measured / max(looked_at * self.cameras.height * self.cameras.width, 1)
        if share < 0.1:
            unit = f"The depth isn't in '{self.recording.depth_unit}'."
            raise InputError(
                str(self.recording.frames[0].depth.parent),
                f"{share:.2%} of the pixels lie between {limits.min_depth} and {limits.rgbd_max_depth} m",
                expected="at least 10 %",
                likely=unit if looked_at > 0 else "Masks leave out all of it: black isn't looked at.",
                next_step="Set rgbd.depth_unit, or capture.min_depth and capture.max_depth.",
            )
        return share

    def write(self, index: int) -> int:
        """Write one view; how many of its pixels have depth.

        Raises:
            InputError: A file of it is broken, or of another size than the camera says.
        """
        frame, depths, size = self.recording.frames[index], self.depths, (self.cameras.height, self.cameras.width)
        path, name = frame.colour, frame.name
        with open_image(path, max_pixels=self.limits.max_pixels) as image:
            found = (image.height, image.width)
        if found != size:
            expected = f"{size[1]}x{size[0]} as in {self.recording.subject.name}"
            raise InputError(str(path), f"{found[1]}x{found[0]} pixels", expected=expected)
        rgb = read_colour(path, max_pixels=self.limits.max_pixels)
        if self.lens is not None:
            Image.fromarray(self.lens.colour(rgb)).save(self.out / "rgb" / f"{name}.png")
        elif self.rewritten:
            Image.fromarray(rgb).save(self.out / "rgb" / f"{name}.png", compress_level=3)
        else:
            shutil.copyfile(path, self.out / "rgb" / f"{name}{path.suffix.lower()}")
        counts = depths.counts(frame.depth, frame.confidence, K=self.cameras.K[index], size=size)
        counts = self.lens.depth_counts(counts) if self.lens is not None else counts
        if frame.mask is not None:
            counts[~self._kept(frame.mask, name)] = 0
        if self.ray_per_z is not None:
            counts = np.round(counts / self.ray_per_z).astype(np.uint16)
        least, most = (limit / depths.metres_per_count for limit in (self.limits.min_depth, self.limits.rgbd_max_depth))
        counts[(counts < least) | (counts > most)] = 0
        Image.fromarray(counts).save(self.out / "z_depth" / f"{name}.png", compress_level=3)
        return int((counts > 0).sum())

    def _kept(self, mask: Path, name: str) -> Bool[np.ndarray, "h w"]:
        """Pixels of a view that its mask leaves; the others are written as not valid."""
        width, height = self.cameras.width, self.cameras.height
        kept = read_mask(mask, width=width, height=height, max_pixels=self.limits.max_pixels)
        kept = self.lens.kept(kept) if self.lens is not None else kept
        (self.out / "valid").mkdir(exist_ok=True)
        Image.fromarray(kept.astype(np.uint8) * 255).save(self.out / "valid" / f"{name}.png")
        self.masked.append(1 - float(kept.mean()))
        return kept

    def check(self, views: Views) -> Agreement:
        """Doubt cameras, depth and colours by what pairs of views share.

        Args:
            views: Of this recording; only those that are compared are looked at.

        Raises:
            FrameError: They contradict each other; the reading that fits better is named.
        """
        agreement = check_frames(
            self.cameras,
            views,
            subject=self.recording.subject.name,
            scene=self.scene,
            axes=self.recording.table.axes,
            depth_unit=self.recording.depth_unit,
            depth_kind=self.source.depth_kind,
        )
        images = self.recording.frames[0].colour.parent.name if self.source.frames is None else self.source.frames.name
        check_colour(list(agreement.same), views, step=step_of(self.cameras), subject=images, scene=self.scene)
        return agreement


def _with_notes(
    recording: Recording, depths: DepthReader, cameras: CameraPath, colours: tuple[ColourReading, ...]
) -> ReadingNotes:
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
