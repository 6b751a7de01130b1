"""Which voxels were measured as matter, by the grid or by the surface, and how much of each hull's surface was."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from lyra_sim.collision.measured.surface_samples import sample_seen, sample_triangles
from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.data.mesh import TriMesh

SAMPLES = 400
"""Surface samples per hull, about. Convention."""


@dataclass(frozen=True, kw_only=True)
class VoxelSurface:
    """Where the surface before each voxel of matter lies, finer than the voxels."""

    voxels: Int64[np.ndarray, "m"]
    """Running numbers of the voxels with measured surface before them, rising."""
    points: Float64[np.ndarray, "m 3"]
    """Mean of that surface [m]."""

    def of(self, indices: Int64[np.ndarray, "n 3"], free_space: FreeSpace) -> Float64[np.ndarray, "n 3"]:
        """The surface of every voxel, its centre where none was measured [m]."""
        found = free_space.centres(indices)
        wanted = np.ravel_multi_index(tuple(indices.T), free_space.states.shape)
        place = np.minimum(np.searchsorted(self.voxels, wanted), max(len(self.voxels) - 1, 0))
        has = self.voxels[place] == wanted if len(self.voxels) else np.zeros(len(wanted), bool)
        found[has] = self.points[place[has]]
        return found


def with_surface(free_space: FreeSpace, mesh: TriMesh) -> tuple[FreeSpace, VoxelSurface]:
    """The grid with a voxel of matter behind every measured face, and where each such voxel's surface is.

    A face can be measured while the voxel behind it is still ``UNSEEN``: thin boards, and surfaces that were only grazed. Hulls
    are made of measured voxels, so without this such a surface would get none.
    """
    samples = sample_seen(mesh, area=free_space.voxel_size**2 / 2)
    states = free_space.states.copy()
    owner = np.full(len(samples.points), -1, np.int64)
    for steps in (0.25, 0.75, 1.25):
        waiting = np.flatnonzero(owner < 0)
        points = samples.points[waiting] - steps * free_space.voxel_size * samples.normals[waiting]
        matter = free_space.sample(points, outside=FREE) != FREE
        owner[waiting[matter]] = np.ravel_multi_index(tuple(free_space.indices(points[matter]).T), states.shape)
    voxels, mine = np.unique(owner[owner >= 0], return_inverse=True)
    states.ravel()[voxels[states.ravel()[voxels] == UNSEEN]] = SOLID
    sums = [np.bincount(mine, samples.points[owner >= 0, axis], minlength=len(voxels)) for axis in range(3)]
    points = np.column_stack(sums) / np.maximum(np.bincount(mine, minlength=len(voxels)), 1)[:, None]
    return replace(free_space, states=states), VoxelSurface(voxels=voxels, points=points)


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
