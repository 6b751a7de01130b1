"""Exact rasterisation of convex bodies onto the floor grid: no sampling, so nothing thin slips between samples."""

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial import ConvexHull, QhullError

from lyra_sim.data.colliders import Hull

TOUCH = 1e-3
"""Overlap below this is touching, not blocking [m]. A wall that stands on a cell's edge reaches into the cell by fractions of a
millimetre, which engines don't feel; robots keep this much more room, see :mod:`.reachable`. Convention."""


def band_outline(hull: Hull, normal: np.ndarray, offset: float, low: float, high: float) -> Float64[np.ndarray, "k 2"] | None:
    """Outline seen from above of the part of a hull between two heights over a floor plane; None if nothing is there.

    Args:
        hull: A convex piece.
        normal: Unit normal of the floor plane, upward.
        offset: ``normal . x`` on the floor [m].
        low: Lower height above the floor [m].
        high: Upper height [m].
    """
    points = hull.vertices.astype(np.float64)
    height = points @ normal - offset
    touch = min(TOUCH, 0.25 * float(np.ptp(height)))
    if height.max() <= low + touch or height.min() >= high - touch:
        return None
    edges = np.unique(np.sort(hull.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    parts = [points[(height >= low) & (height <= high)]]
    for level in (low, high):
        a, b = height[edges[:, 0]] - level, height[edges[:, 1]] - level
        cut = a * b < 0
        share = (a[cut] / (a[cut] - b[cut]))[:, None]
        parts.append(points[edges[cut, 0]] * (1 - share) + points[edges[cut, 1]] * share)
    flat = np.concatenate(parts)[:, :2]
    try:
        return flat[ConvexHull(flat).vertices]
    except (QhullError, ValueError):
        return None  # no area seen from above: it can't fill a cell


def cells_touched(
    outline: Float64[np.ndarray, "k 2"], origin: np.ndarray, resolution: float, shape: tuple[int, int]
) -> tuple[slice, slice, Bool[np.ndarray, "a b"]]:
    """Cells a convex outline overlaps, by the separating-axis test: a window of the grid and its mask."""
    size = np.array(shape)
    low = np.clip(np.floor((outline.min(axis=0) - origin) / resolution).astype(int), 0, size)
    high = np.clip(np.ceil((outline.max(axis=0) - origin) / resolution).astype(int), 0, size)
    i, j = np.arange(low[0], high[0]), np.arange(low[1], high[1])
    x = origin[0] + (i + 0.5) * resolution
    y = origin[1] + (j + 0.5) * resolution
    half = resolution / 2
    overlap = np.ones((len(i), len(j)), bool)
    edge = np.roll(outline, -1, axis=0) - outline
    normals = np.concatenate([np.stack([edge[:, 1], -edge[:, 0]], axis=1), np.eye(2)])
    for normal in normals:
        length = np.linalg.norm(normal)
        if length < 1e-9:
            continue
        axis = normal / length
        spread = outline @ axis
        centre = x[:, None] * axis[0] + y[None, :] * axis[1]
        reach = half * np.abs(axis).sum()
        touch = min(TOUCH, 0.25 * float(np.ptp(spread)))  # a sheet thinner than twice the tolerance must not slip through
        overlap &= (centre + reach > spread.min() + touch) & (centre - reach < spread.max() - touch)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])), overlap
