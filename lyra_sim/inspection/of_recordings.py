"""Frames with depth: read as a build reads them, and doubted by the very pairs of views that it compares."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.capture.frame.stated import Stated
from lyra_sim.capture.rgbd import RecordedFrames
from lyra_sim.capture.rgbd_layouts.reading import read_recording
from lyra_sim.data.capture import UNPROVEN
from lyra_sim.data.views import Views
from lyra_sim.inspection.findings import Doubt, Frame, Reading
from lyra_sim.inspection.found import Found
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import CaptureConfig


@dataclass(frozen=True, kw_only=True)
class ViewsOnDemand(Views):
    """Views of a recording that are written when they are first looked at: a doubt looks at a few of thousands."""

    write: Callable[[int], int]
    written: set[int] = field(default_factory=set)

    def rgb(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """Display-referred sRGB."""
        self._have(index)
        return super().rgb(index)

    def z_depth(self, index: int) -> Float32[np.ndarray, "h w"]:
        """Distance along the optical axis [capture units]; NaN where nothing was measured."""
        self._have(index)
        return super().z_depth(index)

    def _have(self, index: int) -> None:
        if index not in self.written:
            self.write(index)
            self.written.add(index)


def look_at_recording(source: RgbdSource, stated: Stated, limits: CaptureConfig, found: Found, *, scratch: Path) -> None:
    """Fill ``found``.

    Args:
        source: The recording.
        stated: What the scene says of its frame.
        limits: Caps of what is read.
        found: To be filled.
        scratch: An empty folder for frames that are looked at; the caller removes it.

    Raises:
        LyraSimError: A build would end with it.
    """
    recording = read_recording(source, limits, scratch=scratch / "video_frames")
    found.readings = (Reading.of(recording.notes),)
    count, cameras = len(recording.frames), recording.table
    found.facts |= {
        "frames": count,
        "image size [px]": f"{cameras.width}x{cameras.height}",
        "focal length [px]": round(float(cameras.K[:, 0, 0].mean()), 2),
        "camera axes": cameras.axes,
        "depth unit": str(recording.depth_unit),
        "depth kind": source.depth_kind,
    }
    if cameras.distortion.any():
        found.facts["distortion k1 k2 p1 p2"] = " ".join(f"{value:.4g}" for value in cameras.distortion)
    frames = RecordedFrames.of(recording, source, stated, limits, out=scratch / "views")
    _, scale, up = frames.frame
    found.frame = Frame.of(up, scale)
    plain = frames.views
    views = ViewsOnDemand(
        folder=plain.folder,
        names=plain.names,
        rgb_suffix=plain.rgb_suffix,
        units_per_depth_count=plain.units_per_depth_count,
        write=frames.write,
    )
    if count == 1:
        views.z_depth(0)
    agreement = frames.check(views)
    found.readings = (Reading.of(frames.notes),)
    looked_at = len(views.written)
    if looked_at < count:
        found.unchecked += (f"{count - looked_at} of {count} frames, whose images aren't decoded here",)
    if agreement.telling:
        said = f"{agreement.share:.0%} of the depth agrees between {agreement.telling} pairs of views"
        found.doubts += (Doubt(about="cameras and depth", outcome="held", said=said),)
    else:
        said = UNPROVEN if count > 1 else "one view alone can't be checked"
        found.doubts += (Doubt(about="cameras and depth", outcome="nothing to tell by", said=said),)
        found.told += (UNPROVEN,) if count > 1 else ()
