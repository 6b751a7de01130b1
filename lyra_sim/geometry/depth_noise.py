"""What of a depth image geometry may use, and its normals, when depth was estimated rather than measured."""

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage

from lyra_sim.geometry.fitted_normals_kernels import fitted_normals
from lyra_sim.geometry.normals_kernels import surface_normals

MEASURED_JUMP = 0.05
"""Neighbouring pixels of measured depth lie on one surface when they differ by less than this fraction. Tuned, unrecorded."""
EDGE = 0.05
"""Relative bend of the inverse depth from which on a pixel lies at an edge: estimates smear across edges. Tuned, unrecorded."""
EDGE_WIDTHS = 512
"""Estimated edges are smeared over about a pixel of an image this wide. Tuned, unrecorded."""
NORMAL_WIDTHS = 160
"""Normals of estimated depth are fitted over five samples, each a pixel of an image this wide apart. Tuned, unrecorded."""


def oriented(
    z_depth: Float32[np.ndarray, "h w"], K: Float64[np.ndarray, "3 3"], sigma_relative: float
) -> Float32[np.ndarray, "h w 3"]:
    """Camera-facing unit normals, NaN where unknown: of neighbouring pixels when depth is exact, fitted when it is noisy."""
    lens = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    if sigma_relative == 0:
        return surface_normals(z_depth, *lens, MEASURED_JUMP)
    return fitted_normals(z_depth, *lens, max(1, round(z_depth.shape[1] / NORMAL_WIDTHS)), sigma_relative)


def usable(z_depth: Float32[np.ndarray, "h w"], static: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Estimated depth that may shape the world: of what stands still, off its edges; NaN elsewhere."""
    return off_edges(np.where(static, z_depth, np.float32(np.nan)))


def off_edges(z_depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """The same depth without the pixels at its edges, which hang between near and far in an estimate.

    Inverse depth is linear on a plane however it slants, so an edge is where it bends.
    """
    inverse = 1 / z_depth
    bend = np.zeros(z_depth.shape, bool)
    for axis in (0, 1):
        before, here, after = (np.moveaxis(inverse, axis, 0)[part] for part in (slice(None, -2), slice(1, -1), slice(2, None)))
        with np.errstate(invalid="ignore"):
            np.moveaxis(bend, axis, 0)[1:-1] |= np.abs(before - 2 * here + after) > EDGE * here
    grow = max(1, round(z_depth.shape[1] / EDGE_WIDTHS))
    return np.where(_grown(bend, grow), np.float32(np.nan), z_depth)


def _grown(mask: Bool[np.ndarray, "h w"], by: int) -> Bool[np.ndarray, "h w"]:
    return ndimage.maximum_filter(mask, 2 * by + 1)
