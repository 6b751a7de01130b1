"""Figures that judge a set of hulls against what was measured. Pure functions; the limits live with assess."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import volume
from lyra_sim.collision.measured.surface_samples import sample_seen
from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.geometry.convex_faces import face_count

JUMP = 0.5
"""Two cameras further apart than this don't show that the space between them is a way [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class HullFigures:
    """Counts and volumes of a hull set."""

    count: int
    max_vertices: int
    max_faces: int
    volume: float
    """Sum over hulls [m^3]; overlaps count twice."""
    smallest_volume: float
    """[m^3]"""


def hull_figures(hulls: Sequence[Hull]) -> HullFigures:
    """How many, how complex, how large."""
    volumes = [volume(hull.vertices, hull.faces) for hull in hulls] or [0.0]
    return HullFigures(
        count=len(hulls),
        max_vertices=max((len(hull.vertices) for hull in hulls), default=0),
        max_faces=max((face_count(hull.vertices, hull.faces) for hull in hulls), default=0),
        volume=float(sum(volumes)),
        smallest_volume=float(min(volumes)),
    )


def coverage(hulls: HullSet, mesh: TriMesh, *, tolerance: float, area: float = 0.0025) -> float:
    """Share of the measured surface within ``tolerance`` [m] of a hull or inside one; one sample per ``area`` [m^2]."""
    points = sample_seen(mesh, area=area).points
    return float(hulls.contains(points, margin=tolerance).mean()) if len(points) else 0.0


@dataclass(frozen=True, kw_only=True)
class AirFigures:
    """Measured-free air that hulls plug, voxel centres within half a voxel of a hull's surface not counted.

    A surface may lie anywhere inside a voxel whose centre is free, so that much is the grid's own error.
    """

    share_of_free: float
    """Plugged part of all measured-free air."""
    share_of_hulls: float
    """Plugged part of the volume the hulls take up inside the grid (their union, by voxel centres)."""
    volume: float
    """[m^3]"""
    deepest: float
    """Largest depth of a free voxel centre below a hull's surface [m]."""


def air_in_hulls(hulls: HullSet, free_space: FreeSpace) -> AirFigures:
    """How much known-free space the hulls take away."""
    voxel = free_space.voxel_size
    free = np.argwhere(free_space.states == FREE)
    other = np.argwhere(free_space.states != FREE)
    depth, owner = hulls.depth(free_space.centres(free))
    plugged = int((depth > voxel / 2).sum())
    filled = int((owner >= 0).sum()) + int(hulls.contains(free_space.centres(other)).sum())
    return AirFigures(
        share_of_free=plugged / max(len(free), 1),
        share_of_hulls=plugged / max(filled, 1),
        volume=plugged * voxel**3,
        deepest=float(np.max(depth, initial=0.0, where=owner >= 0)),
    )


def path_recall(hulls: HullSet, camera_centres: Float64[np.ndarray, "n 3"], *, radius: float) -> float:
    """Share of points swept by the camera path that no hull takes; see :func:`swept_path`."""
    return float(1.0 - hulls.contains(swept_path(camera_centres, radius=radius)).mean())


def path_line(camera_centres: Float64[np.ndarray, "n 3"], *, step: float | None = None) -> Float64[np.ndarray, "m 3"]:
    """Camera centres, and points between them at quarters or every ``step`` [m].

    Centres less than ``JUMP`` apart are joined; a longer jump isn't known to be a way through.
    """
    centres = np.asarray(camera_centres, np.float64)
    between = []
    for a, b in itertools.pairwise(centres):
        gap = float(np.linalg.norm(b - a))
        if gap < JUMP:
            count = 4 if step is None else max(int(np.ceil(gap / step)), 1)
            between += [a + share * (b - a) for share in np.arange(1, count) / count]
    return np.concatenate([centres, np.array(between).reshape(-1, 3)])


def swept_path(
    camera_centres: Float64[np.ndarray, "n 3"], *, radius: float, step: float | None = None
) -> Float64[np.ndarray, "m 3"]:
    """Points swept by the camera path [m]: :func:`path_line` and a ball of ``radius`` around each of its points."""
    path = path_line(camera_centres, step=step)
    i = np.arange(26) + 0.5
    z, turn = 1 - 2 * i / 26, np.pi * (1 + 5**0.5) * i
    ball = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    return np.concatenate([path, (path[:, None] + radius * ball).reshape(-1, 3)])
