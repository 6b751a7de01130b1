"""Points all over a triangle mesh, near enough to each other to fill a grid with it."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32

AT_ONCE = 2_000_000
"""Points made at once, to bound memory. Convention."""


def surface_samples(
    vertices: Float[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"], spacing: float
) -> Float64[np.ndarray, "m 3"]:
    """Corners, and a lattice of each larger face whose points lie at most ``spacing`` apart, one a cell of that edge.

    Points are thinned to one a cell of ``spacing`` as they are made, so a fine mesh of a small thing stays cheap.
    """
    corners = np.asarray(vertices, np.float64)[faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    parts = np.maximum(np.ceil(longest / spacing).astype(np.int64), 1)
    kept = [thinned(np.asarray(vertices, np.float64)[np.unique(faces)], spacing)]
    for count in np.unique(parts[parts > 1]):
        ids = np.flatnonzero(parts == count)
        i, j = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        inside = i + j <= count
        u, v = i[inside] / count, j[inside] / count
        weights = np.stack([1 - u - v, u, v], axis=1)
        block = max(1, AT_ONCE // len(weights))
        for begin in range(0, len(ids), block):
            points = np.einsum("wk,fkc->fwc", weights, corners[ids[begin : begin + block]]).reshape(-1, 3)
            kept.append(thinned(points, spacing))
    return thinned(np.concatenate(kept), spacing)


def face_normals(vertices: Float[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Float32[np.ndarray, "f 3"]:
    """Unit normals by the faces' winding; zero for a face without area."""
    corners = np.asarray(vertices, np.float64)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)).astype(np.float32)


def thinned(points: Float64[np.ndarray, "n 3"], cell: float) -> Float64[np.ndarray, "m 3"]:
    """The first point of every cell, in their order."""
    at = np.floor(points / cell).astype(np.int64)
    at -= at.min(axis=0)
    size = at.max(axis=0) + 1
    _, first = np.unique((at[:, 0] * size[1] + at[:, 1]) * size[2] + at[:, 2], return_index=True)
    return points[np.sort(first)]
