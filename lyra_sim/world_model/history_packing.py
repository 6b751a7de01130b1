"""Which past the network is shown, and in which order: near whole, far packed (FramePack: Zhang & Agrawala 2025)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from lyra_sim.errors import GeometryError


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Consecutive positions that are packed alike."""

    count: int
    spatial: bool
    """Holds frames that the spatial memory retrieved; False: latents of the video's own past."""


@dataclass(frozen=True, kw_only=True)
class HistoryPacking:
    """Positions before those that are generated, in the order that the network sees them."""

    segments: tuple[Segment, ...]

    @property
    def spatial_count(self) -> int:
        return sum(segment.count for segment in self.segments if segment.spatial)

    @property
    def temporal_count(self) -> int:
        return sum(segment.count for segment in self.segments if not segment.spatial)

    @property
    def is_spatial(self) -> tuple[bool, ...]:
        """For every position."""
        return tuple(segment.spatial for segment in self.segments for _ in range(segment.count))

    def temporal_picks(self, history_count: int) -> Int64[np.ndarray, "t"]:
        """Which latents of the history fill the temporal positions: the first, as an anchor, then the newest, oldest first."""
        needed = self.temporal_count - 1
        if history_count < max(needed, 1):
            raise GeometryError(
                "history packing",
                f"{history_count} latents of history",
                expected=f"at least {max(needed, 1)}",
                likely="The video is younger than that.",
                next_step="Put repeats of its first frame before it.",
            )
        return np.concatenate([[0], np.arange(history_count - needed, history_count)]).astype(np.int64)

    def arrange(self, temporal: np.ndarray, spatial: np.ndarray) -> np.ndarray:
        """Both kinds of positions (axis 1) put in the network's order."""
        order = np.array(self.is_spatial)
        arranged = np.empty((temporal.shape[0], len(order), *temporal.shape[2:]), temporal.dtype)
        arranged[:, ~order], arranged[:, order] = temporal, spatial
        return arranged


LYRA2 = HistoryPacking(
    segments=(
        Segment(count=1, spatial=False),
        Segment(count=4, spatial=True),
        Segment(count=1, spatial=True),
        Segment(count=16, spatial=False),
        Segment(count=2, spatial=False),
        Segment(count=1, spatial=False),
    )
)
"""An anchor, four retrieved frames and the best one, then the recent past from old (packed 4 x) to new (whole)."""
