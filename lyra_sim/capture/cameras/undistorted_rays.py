"""Pixels of photos as taken to rays, many at once: Brown's model undone."""

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.posed import Lens

ROUNDS, WITHIN_PX = 50, 0.05
"""Of the fixed-point iteration, and how near to the pixel its answer must come back [px]. Convention."""


def undistorted_rays(lens: Lens, uv: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """(x/z, y/z) of the rays that distorted pixels saw; NaN where a strong distortion folds back and has no inverse."""
    focal, (k1, k2, p1, p2) = np.array([lens.K[0, 0], lens.K[1, 1]]), lens.distortion
    given = (uv - lens.K[:2, 2]) / focal
    if not lens.distortion.any():
        return given

    def bent(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = xy.T
        r2 = x * x + y * y
        across = np.stack([2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=1)
        return (1 + k1 * r2 + k2 * r2 * r2)[:, None], across

    with np.errstate(all="ignore"):  # where it runs away, what comes back tells
        xy = given
        for _ in range(ROUNDS):
            radial, across = bent(xy)
            xy = (given - across) / radial
        radial, across = bent(xy)
        off = np.linalg.norm((xy * radial + across - given) * focal, axis=1)
        return np.where((off < WITHIN_PX)[:, None], xy, np.nan)
