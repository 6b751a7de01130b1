"""How much of each hull's free-facing surface was measured."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lyra_sim.collision.surface import sample_triangles
from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, SOLID, FreeSpace

SAMPLES = 400
"""Surface samples per hull, about."""


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
