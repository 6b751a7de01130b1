"""Which points lie inside which convex pieces: one batched query shared by gates, labels, map and builders."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int32

from lyra_sim.data.colliders import Hull


@dataclass(frozen=True, kw_only=True)
class HullSet:
    """Half-spaces of many hulls in one table, ready for :func:`lyra_sim.collision.convex.containment_kernels.deepest`."""

    planes: Float64[np.ndarray, "r 4"]
    """Outward half-spaces [m]: inside where ``n . x + d <= 0``."""
    starts: Int32[np.ndarray, "_"]
    """Hull ``i`` owns rows ``starts[i]:starts[i + 1]``; one more entry than hulls."""
    low: Float64[np.ndarray, "h 3"]
    high: Float64[np.ndarray, "h 3"]
    """Bounds [m], to cull hulls before their planes are looked at."""

    @classmethod
    def of(cls, hulls: Sequence[Hull]) -> "HullSet":
        planes = [np.unique(np.round(hull.planes(), 9), axis=0) for hull in hulls]
        starts = np.concatenate([[0], np.cumsum([len(rows) for rows in planes])]).astype(np.int32)
        return cls(
            planes=np.concatenate(planes) if planes else np.zeros((0, 4)),
            starts=starts,
            low=np.array([hull.vertices.min(axis=0) for hull in hulls], np.float64).reshape(-1, 3),
            high=np.array([hull.vertices.max(axis=0) for hull in hulls], np.float64).reshape(-1, 3),
        )

    def depth(self, points: np.ndarray, *, margin: float = 0.0) -> tuple[Float64[np.ndarray, "n"], Int32[np.ndarray, "n"]]:
        """Depth below the surface [m] in the hull each point is deepest in, and that hull's index.

        Depth is the distance to the hull's nearest bounding plane. Points up to ``margin`` [m] outside get a negative
        depth (a lower bound of the distance near edges); points in no hull get -inf and index -1.
        """
        from lyra_sim.collision.convex.containment_kernels import deepest

        return deepest(np.ascontiguousarray(points, np.float64), self.planes, self.starts, self.low, self.high, float(margin))

    def contains(self, points: np.ndarray, *, margin: float = 0.0) -> Bool[np.ndarray, "n"]:
        """True for points in any hull grown by ``margin`` [m]; a negative margin shrinks the hulls instead."""
        depth, owner = self.depth(points, margin=max(margin, 0.0))
        return (owner >= 0) & (depth >= -margin)
