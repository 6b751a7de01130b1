"""Polygons as triangles of their corners. A fan leaves a polygon where it has an inward corner: an L-shaped floor would
grow a piece outside its walls, so such polygons are cut ear by ear."""

import numpy as np
from jaxtyping import Float64, Int64

MOST_CORNERS = 4096
"""Of a polygon that is cut by ears, which takes the square of that; larger ones stay fans. Convention."""


def triangles_of(
    vertices: Float64[np.ndarray, "v 3"], counts: Int64[np.ndarray, "f"], indices: Int64[np.ndarray, "n"]
) -> Int64[np.ndarray, "t 3"]:
    """Positions in ``indices`` of the corners of every triangle, polygon by polygon, wound as the polygons are.

    Args:
        vertices: Positions; those that an index doesn't find count as the first one.
        counts: Corners of each polygon.
        indices: Vertex of each corner.
    """
    corners = _fans(counts)
    large = counts > 3
    if not large.any() or not len(vertices):
        return corners
    inside = np.where((indices >= 0) & (indices < len(vertices)), indices, 0)
    with np.errstate(invalid="ignore", over="ignore"):
        points = vertices[inside][corners]
        normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
        triangles = np.maximum(counts - 2, 0)
        owner = np.repeat(np.arange(len(counts)), triangles)
        sums = np.stack([np.bincount(owner, normals[:, k], minlength=len(counts)) for k in range(3)], axis=1)
        against = np.einsum("tk,tk->t", normals, sums[owner]) < 0
    concave = np.unique(owner[against & large[owner]])
    starts, first = np.cumsum(counts) - counts, np.cumsum(triangles) - triangles
    for polygon in concave[counts[concave] <= MOST_CORNERS]:
        cut = _cut(vertices[inside[starts[polygon] : starts[polygon] + counts[polygon]]], sums[polygon])
        if cut is not None:
            corners[first[polygon] : first[polygon] + triangles[polygon]] = cut + starts[polygon]
    return corners


def _fans(counts: Int64[np.ndarray, "f"]) -> Int64[np.ndarray, "t 3"]:
    starts = np.cumsum(counts) - counts
    triangles = np.maximum(counts - 2, 0)
    first = np.repeat(starts, triangles)
    step = np.arange(triangles.sum()) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    return np.stack([first, first + step + 1, first + step + 2], axis=1)


def _cut(points: Float64[np.ndarray, "n 3"], normal: Float64[np.ndarray, "3"]) -> Int64[np.ndarray, "t 3"] | None:
    """Triangles of one polygon in its own plane; None where it crosses itself or isn't finite."""
    from lyra_sim.capture.survey.polygon_kernels import cut_ears

    length = np.linalg.norm(normal)
    if not np.isfinite(points).all() or not 0 < length < np.inf:
        return None
    normal = normal / length
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    flat = np.ascontiguousarray(points @ np.stack([first, np.cross(normal, first)], axis=1))
    out = np.zeros((len(points) - 2, 3), np.int64)
    return out if cut_ears(flat, out) else None
