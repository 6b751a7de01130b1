"""Depth of a chunk of frames: the network looks at every eighth one, and nothing is claimed for those between.

That is what later asks for: every eighth frame enters the memory and may add to the world (Lyra 2.0, 2026).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from lyra_sim.depth.providers.per_frame import fitted_per_frame
from lyra_sim.depth.providers.provider import DepthProvider
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath


@dataclass(frozen=True, kw_only=True)
class Motion:
    """The same cameras twice: where they were told to be, and where a depth provider saw them.

    Raises:
        GeometryError: As many cameras weren't seen as were commanded.
    """

    commanded: CameraPath
    seen: CameraPath
    """In a frame of their own, in the units of the depth that came with them."""

    def __post_init__(self) -> None:
        if len(self.commanded) != len(self.seen):
            raise GeometryError(
                "motion", f"{len(self.seen)} cameras seen for {len(self.commanded)} commanded", expected="as many of both"
            )


@dataclass(frozen=True, kw_only=True)
class ChunkDepth:
    """Depth of all frames of a chunk."""

    z_depth: Float32[np.ndarray, "n h w"]
    """Along the optical axis; NaN where none is claimed, which is everywhere in frames that weren't looked at."""
    confidence: Float32[np.ndarray, "n h w"]
    """0..1, 0 where ``z_depth`` is NaN."""
    looked_at: Int64[np.ndarray, "k"]
    """Indices of the frames that were looked at."""
    in_scale: bool
    """It was fitted to known depth. False: right up to one factor for the whole chunk."""
    motion: Motion | None
    """What the cameras say about that factor; None where the provider saw none."""


def key_frames(count: int, *, every: int) -> Int64[np.ndarray, "k"]:
    """The last of ``count`` frames and every n-th before it, in order."""
    return np.arange((count - 1) % every, count, every, dtype=np.int64)


def depth_of_chunk(
    provider: DepthProvider,
    frames: UInt8[np.ndarray, "n h w 3"],
    cameras: CameraPath,
    *,
    every: int = 8,
    known: Callable[[CameraPath], Float32[np.ndarray, "k h w"]] | None = None,
    before: tuple[UInt8[np.ndarray, "m h w 3"], CameraPath] | None = None,
) -> ChunkDepth:
    """Depth of the frames that later is built on.

    Args:
        provider: Tells depth; all its frames are asked for at once.
        frames: Of the chunk, in order.
        cameras: As commanded, in the frame and units of the world.
        every: Every n-th frame back from the last one is looked at.
        known: Known depth seen from some cameras, NaN elsewhere; only asked where a provider has a scale for each frame.
        before: Frames of an earlier time that are looked at too, such as the first of the video. Neither their depth nor their
            cameras are given back: one camera far away that was seen wrongly would outweigh all those of the chunk.
    """
    looked_at = key_frames(len(frames), every=every)
    views, shown = cameras.select(looked_at), frames[looked_at]
    earlier = 0
    if before is not None:
        earlier = len(before[0])
        shown = np.concatenate([before[0], shown])
        views = CameraPath(
            c2w=np.concatenate([before[1].c2w, views.c2w]),
            K=np.concatenate([before[1].K, views.K]),
            width=views.width,
            height=views.height,
        )
    provided = provider.estimate(shown, views)
    fitted = provided
    if provided.scale in ("per_frame", "per_frame_inverse"):
        fitted = fitted_per_frame(provided, None if known is None else known(views))
    seen = None
    if provided.scale == "cameras":
        seen = views
    elif provided.scale in ("free", "metric"):
        seen = provided.cameras
    own = np.arange(earlier, len(views))
    motion = None if seen is None else Motion(commanded=views.select(own), seen=seen.select(own))
    z_depth = np.full(frames.shape[:3], np.nan, np.float32)
    confidence = np.zeros(frames.shape[:3], np.float32)
    z_depth[looked_at], confidence[looked_at] = fitted.z_depth[earlier:], fitted.confidence[earlier:]
    return ChunkDepth(
        z_depth=z_depth, confidence=confidence, looked_at=looked_at, in_scale=fitted is not provided, motion=motion
    )
