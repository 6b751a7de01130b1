"""Which voxels were measured as matter, by the grid or by the surface, and how much of each hull's surface was."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lyra_sim.collision.surface import sample_seen, sample_triangles
from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.data.mesh import TriMesh

SAMPLES = 400
"""Surface samples per hull, about."""


def with_surface(free_space: FreeSpace, mesh: TriMesh) -> FreeSpace:
    """The grid with a voxel of matter behind every measured face.

    A face can be measured while the voxel behind it is still ``UNSEEN``: thin boards, and surfaces that were only grazed. Hulls
    are made of measured voxels, so without this such a surface would get none.
    """
    samples = sample_seen(mesh, area=free_space.voxel_size**2 / 2)
    states = free_space.states.copy()
    waiting = np.ones(len(samples.points), bool)
    for steps in (0.25, 0.75, 1.25):
        points = samples.points[waiting] - steps * free_space.voxel_size * samples.normals[waiting]
        found = free_space.sample(points, outside=FREE)
        index = free_space.indices(points[found == UNSEEN])
        states[tuple(index.T)] = SOLID
        waiting[np.flatnonzero(waiting)[found != FREE]] = False
    return FreeSpace(states=states, origin=free_space.origin, voxel_size=free_space.voxel_size)


def with_seen(hulls: Sequence[Hull], free_space: FreeSpace) -> tuple[Hull, ...]:
    """The same hulls with ``seen`` filled in.

    Of the surface samples that face measured-free air within two voxels, the share that has a measured solid voxel within
    two voxels behind it. A hull that faces no free air has seen 0; blockers of unseen space are 0 by definition.
    """
    return tuple(hull if hull.label == "unseen" else replace(hull, seen=_share(hull, free_space)) for hull in hulls)


def _share(hull: Hull, free_space: FreeSpace) -> float:
    triangles = hull.vertices[hull.faces].astype(np.float64)
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = float(np.linalg.norm(cross, axis=1).sum()) / 2
    samples = sample_triangles(triangles, area=area / SAMPLES)
    facing = np.zeros(len(samples.points), bool)
    measured = np.zeros(len(samples.points), bool)
    for steps in (0.25, 0.75, 1.25, 2.0):
        shift = steps * free_space.voxel_size * samples.normals
        facing |= free_space.sample(samples.points + shift) == FREE
        measured |= free_space.sample(samples.points - shift) == SOLID
    return round(float((facing & measured).sum() / facing.sum()), 4) if facing.any() else 0.0
