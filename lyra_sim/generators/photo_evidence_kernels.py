"""Compiled loop of :mod:`~lyra_sim.generators.photo_evidence`."""

import numpy as np
from numba import njit, prange


@njit(cache=True, parallel=True)
def measured(points, z_depths, K, w2c, tolerance):
    """True for points (m, 3) that lie on, or before, what any of the depth images (n, h, w) measured."""
    count, height, width = z_depths.shape
    out = np.zeros(len(points), np.bool_)
    for m in prange(len(points)):
        for n in range(count):
            e, x, y, z = w2c[n], points[m, 0], points[m, 1], points[m, 2]
            along = e[2, 0] * x + e[2, 1] * y + e[2, 2] * z + e[2, 3]
            if along <= 0:
                continue
            u = K[n, 0, 0] * (e[0, 0] * x + e[0, 1] * y + e[0, 2] * z + e[0, 3]) / along + K[n, 0, 2]
            v = K[n, 1, 1] * (e[1, 0] * x + e[1, 1] * y + e[1, 2] * z + e[1, 3]) / along + K[n, 1, 2]
            if u < 0 or v < 0 or u >= width or v >= height:
                continue
            if along <= z_depths[n, int(v), int(u)] * (1 + tolerance):
                out[m] = True
                break
    return out
