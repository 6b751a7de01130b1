"""Which past the network is shown, and in which order: near whole, far packed (FramePack: Zhang & Agrawala 2025)."""

import re
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from lyra_sim.errors import GeometryError


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Consecutive positions that are packed alike."""

    count: int
    spatial: bool
    """Holds frames that the spatial memory retrieved; False: latents of the video's own past."""
    packed: int = 1
    """Latents that become one, along each side and, in the video's own past, along time."""

    @property
    def kernel(self) -> tuple[int, int, int]:
        """Patches packed into one: time, rows, columns. Retrieved frames are no neighbours in time."""
        return (1 if self.spatial else self.packed, self.packed, self.packed)

    def patch(self, side: int) -> tuple[int, int, int]:
        """Latents of one token, for a network whose own patch has this side."""
        time, rows, columns = self.kernel
        return (time, side * rows, side * columns)


@dataclass(frozen=True, kw_only=True)
class HistoryPacking:
    """Positions before those that are generated, in the order that the network sees them."""

    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, name: str) -> "HistoryPacking":
        """As configurations of the published network write it: ``f16k4`` is 16 positions packed 4 x along time and sides,
        ``f4s2`` four retrieved frames packed 2 x along their sides."""
        parts = re.findall(r"f(\d+)([ks])(\d+)", name)
        if not parts or "".join(f"f{count}{kind}{packed}" for count, kind, packed in parts) != name:
            raise GeometryError("history packing", f"'{name}'", expected=f"parts such as f16k4 and f4s2 ('{LYRA2_NAME}')")
        return cls(
            segments=tuple(Segment(count=int(count), spatial=kind == "s", packed=int(packed)) for count, kind, packed in parts)
        )

    @property
    def count(self) -> int:
        """Of all positions."""
        return len(self.is_spatial)

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

    def arrange(
        self, temporal: Float[torch.Tensor, "c t h w"], spatial: Float[torch.Tensor, "c s h w"]
    ) -> Float[torch.Tensor, "c n h w"]:
        """Both kinds of positions put in the network's order."""
        order = torch.tensor(self.is_spatial, device=temporal.device)
        arranged = temporal.new_empty((temporal.shape[0], len(order), *temporal.shape[2:]))
        arranged[:, ~order], arranged[:, order] = temporal, spatial
        return arranged


LYRA2_NAME = "f1k1f4s2f1s1f16k4f2k2f1k1"
LYRA2 = HistoryPacking.parse(LYRA2_NAME)
"""An anchor, four retrieved frames and the best one, then the recent past from old (packed 4 x) to new (whole)."""
