"""Evenly spread, repeatable samples of triangle surfaces, with the normal and the area each one stands for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy import ndimage

from lyra_sim.data.mesh import TriMesh


@dataclass(frozen=True, kw_only=True)
class SurfaceSamples:
    """Points on triangles, each standing for the same area."""

    points: Float64[np.ndarray, "n 3"]
    """Positions [m]."""
    normals: Float64[np.ndarray, "n 3"]
    """Unit outward normals (matter to air)."""
    faces: Int64[np.ndarray, "n"]
    """Index of the triangle each point lies on."""
    area: float
    """Area one sample stands for [m^2]."""


def sample_triangles(triangles: np.ndarray, *, area: float) -> SurfaceSamples:
    """One sample per ``area`` [m^2], by systematic sampling along the cumulated area; no random numbers.

    Inside a triangle, samples follow the R2 low-discrepancy sequence (Roberts 2018) folded into the triangle.
    """
    t = np.asarray(triangles, np.float64)
    cross = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    double = np.linalg.norm(cross, axis=1)
    cumulated = np.cumsum(double / 2)
    count = int(cumulated[-1] / area) if len(t) else 0
    index = np.minimum(np.searchsorted(cumulated, (np.arange(count) + 0.5) * area), len(t) - 1)
    steps = np.arange(1, count + 1)[:, None] * np.array([0.7548776662466927, 0.5698402909980532])
    uv = steps % 1.0
    fold = uv.sum(axis=1) > 1
    uv[fold] = 1 - uv[fold]
    chosen = t[index]
    points = chosen[:, 0] + uv[:, :1] * (chosen[:, 1] - chosen[:, 0]) + uv[:, 1:] * (chosen[:, 2] - chosen[:, 0])
    return SurfaceSamples(points=points, normals=cross[index] / double[index, None], faces=index.astype(np.int64), area=area)


def sample_seen(mesh: TriMesh, *, area: float) -> SurfaceSamples:
    """Samples of the measured faces only; ``faces`` index the whole mesh."""
    seen = np.flatnonzero(mesh.face_seen)
    samples = sample_triangles(mesh.triangles[seen], area=area)
    return SurfaceSamples(points=samples.points, normals=samples.normals, faces=seen[samples.faces], area=area)


def clusters(points: np.ndarray, cells: Sequence[float]) -> list[np.ndarray]:
    """Indices of connected groups of points, largest first; neighbours share a cell or touch one."""
    if not len(points):
        return []
    index = np.floor((points - points.min(axis=0)) / np.asarray(cells)).astype(int)
    grid = np.zeros(index.max(axis=0) + 1, bool)
    grid[tuple(index.T)] = True
    labels, count = ndimage.label(grid, np.ones((3, 3, 3), bool))
    mine = labels[tuple(index.T)]
    groups = [np.flatnonzero(mine == number) for number in range(1, count + 1)]
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))
