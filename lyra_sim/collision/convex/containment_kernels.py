"""Compiled point-in-convex-piece loops; every point is written by one iteration, so the result doesn't depend on threads."""

import numba
import numpy as np


@numba.njit(cache=True, parallel=True)
def deepest(
    points: np.ndarray, planes: np.ndarray, starts: np.ndarray, low: np.ndarray, high: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Depth below the surface of the hull a point is deepest in, and that hull's index (-1: in none).

    ``planes`` are all half-spaces (n . x + d <= 0 inside), hull ``i`` owning rows ``starts[i]:starts[i+1]``;
    ``low`` and ``high`` are its bounds. A point up to ``margin`` outside every plane still counts (depth < 0).

    Args:
        points: (n, 3) [m].
        planes: (p, 4), unit normals.
        starts: (hulls + 1,).
        low, high: (hulls, 3) [m].
        margin: [m].
    """
    count = points.shape[0]
    depth = np.full(count, -np.inf)
    owner = np.full(count, -1, np.int32)
    for p in numba.prange(count):
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        for h in range(starts.shape[0] - 1):
            if x < low[h, 0] - margin or x > high[h, 0] + margin or y < low[h, 1] - margin:
                continue
            if y > high[h, 1] + margin or z < low[h, 2] - margin or z > high[h, 2] + margin:
                continue
            worst = -np.inf
            for r in range(starts[h], starts[h + 1]):
                s = planes[r, 0] * x + planes[r, 1] * y + planes[r, 2] * z + planes[r, 3]
                if s > worst:
                    worst = s
                    if s > margin or -s <= depth[p]:
                        break
            if worst <= margin and -worst > depth[p]:
                depth[p] = -worst
                owner[p] = h
    return depth, owner
