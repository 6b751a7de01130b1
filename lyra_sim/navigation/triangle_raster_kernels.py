"""Compiled loop: cells of the floor grid over which triangles reach into a height band, exactly."""

import numpy as np
from numba import njit

TOUCH = 1e-4
"""Overlap below this is touching, not blocking [m]; as for convex bodies. Convention."""
MAX_CORNERS = 5
"""Of a triangle cut by two parallel planes. Derived."""


@njit(cache=True)
def cut(points, heights, count, level, sign, out_points, out_heights):
    """The part of a polygon with ``sign * (height - level) >= 0`` (Sutherland and Hodgman 1974); returns its corner count.

    Args:
        points: Corners seen from above [m], the first ``count`` of them (c, 2).
        heights: Theirs [m].
        count: Corners of the polygon.
        level: Height of the cut [m].
        sign: 1 keeps what is above, -1 what is below.
        out_points, out_heights: Written; with room for one corner more.
    """
    kept = 0
    for k in range(count):
        n = (k + 1) % count
        a, b = sign * (heights[k] - level), sign * (heights[n] - level)
        if a >= 0:
            out_points[kept, 0], out_points[kept, 1], out_heights[kept] = points[k, 0], points[k, 1], heights[k]
            kept += 1
        if (a > 0 and b < 0) or (a < 0 and b > 0):
            share = a / (a - b)
            for i in range(2):
                out_points[kept, i] = points[k, i] + share * (points[n, i] - points[k, i])
            out_heights[kept] = level
            kept += 1
    return kept


@njit(cache=True)
def parted(points, count, ax, ay, x, y, half):
    """Whether the axis (ax, ay), of unit length, parts a convex polygon from the cell about (x, y).

    A polygon without width across the axis is a wall seen from above. It blocks the cells it runs through, and the cells
    on both sides where it runs along their common edge: else one could walk through it there.

    Args:
        points: Corners [m], the first ``count`` of them (c, 2).
        count: Corners of the polygon.
        ax, ay: The axis.
        x, y: Centre of the cell [m].
        half: Half its edge [m].
    """
    low, high = np.inf, -np.inf
    for k in range(count):
        along = points[k, 0] * ax + points[k, 1] * ay
        low, high = min(low, along), max(high, along)
    if high - low < 2 * TOUCH:
        low, high = low - 2 * TOUCH, high + 2 * TOUCH
    centre, reach = x * ax + y * ay, half * (abs(ax) + abs(ay))
    return centre + reach <= low + TOUCH or centre - reach >= high - TOUCH


@njit(cache=True)
def overlaps(points, count, x, y, half):
    """Whether a convex polygon, or the segment it has shrunk to, overlaps the cell about (x, y): separating axes."""
    if parted(points, count, 1.0, 0.0, x, y, half) or parted(points, count, 0.0, 1.0, x, y, half):
        return False
    for k in range(count):
        n = (k + 1) % count
        ex, ey = points[n, 0] - points[k, 0], points[n, 1] - points[k, 1]
        length = np.sqrt(ex * ex + ey * ey)
        if length > 1e-9 and parted(points, count, -ey / length, ex / length, x, y, half):
            return False
    return True


@njit(cache=True)
def mark_band(triangles, heights, low, high, origin, resolution, mask):
    """Set ``mask`` (nx, ny) in every cell over which a triangle reaches into the open band between two heights.

    Args:
        triangles: Corners seen from above (f, 3, 2) [m].
        heights: Of the corners above the floor (f, 3) [m].
        low: Of the band [m].
        high: Of the band [m].
        origin: Low corner of cell (0, 0) [m].
        resolution: Cell edge [m].
        mask: Changed in place.
    """
    nx, ny = mask.shape
    above, above_heights = np.empty((MAX_CORNERS, 2)), np.empty(MAX_CORNERS)
    inside, inside_heights = np.empty((MAX_CORNERS, 2)), np.empty(MAX_CORNERS)
    half = resolution / 2
    for f in range(len(triangles)):
        if heights[f].max() <= low + TOUCH or heights[f].min() >= high - TOUCH:
            continue
        count = cut(triangles[f], heights[f], 3, low, 1.0, above, above_heights)
        count = cut(above, above_heights, count, high, -1.0, inside, inside_heights)
        if count == 0:
            continue
        i_first, i_last, j_first, j_last = nx, -1, ny, -1
        for k in range(count):
            i = int(np.floor((inside[k, 0] - origin[0]) / resolution))
            j = int(np.floor((inside[k, 1] - origin[1]) / resolution))
            i_first, i_last, j_first, j_last = min(i_first, i), max(i_last, i), min(j_first, j), max(j_last, j)
        for i in range(max(i_first - 1, 0), min(i_last + 2, nx)):
            x = origin[0] + (i + 0.5) * resolution
            for j in range(max(j_first - 1, 0), min(j_last + 2, ny)):
                if not mask[i, j]:
                    mask[i, j] = overlaps(inside, count, x, origin[1] + (j + 0.5) * resolution, half)
