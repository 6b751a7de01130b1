"""Nobody looked up, and there is sky: the surface still closes, leaves the cameras their air, and calls its lid unseen."""

import numpy as np
import pytest

from lyra_sim.data.grid import FREE, UNSEEN
from lyra_sim.meshing.carve import carve
from lyra_sim.meshing.colour import face_seen
from lyra_sim.meshing.surface import closed_surface, is_closed_manifold, signed_volume
from lyra_sim.rendering.ray_casting import RayCaster
from tests.meshing.random_worlds import AnalyticWorld, Convex
from tests.rooms import camera_path, look

VOXEL, EYE, WALL_TOP = 0.06, 1.3, 1.0
LOW, HIGH = np.array([-0.4, -0.4, -0.3]), np.array([4.4, 3.4, EYE + 0.2])


def yard(pitch: float) -> tuple[AnalyticWorld, np.ndarray]:
    """A yard inside walls lower than the camera, and its depth: none where a ray meets sky."""
    along = np.linspace(0.6, 3.4, 15)
    poses = [look(np.array([x, 1.5, EYE]), 0.9 * n, pitch) for n, x in enumerate(along)]
    sky = Convex.box([-50, -50, WALL_TOP], [50, 50, 50])
    air = {"yard": Convex.box([0, 0, 0], [4, 3, WALL_TOP + 0.1]), "sky": sky}
    cameras = camera_path(poses, width=120, height=90, focal=60.0)
    world = AnalyticWorld(air=air, matter={}, cameras=cameras, low=LOW, high=HIGH)
    z = world.z_depths
    return world, np.where(z < 12, z, np.float32(np.nan)).astype(np.float32)


@pytest.mark.parametrize("pitch", [-0.75, -0.1])
def test_an_open_yard(pitch: float) -> None:
    world, depths = yard(pitch)
    cameras = world.cameras
    carved = carve(iter(depths), cameras, low=LOW, high=HIGH, voxel_size=VOXEL, min_depth=0.1)
    vertices, faces, _ = closed_surface(carved, target_faces=20_000)
    assert is_closed_manifold(vertices, faces) and signed_volume(vertices, faces) > 0

    between = (cameras.centres[1:] + cameras.centres[:-1]) / 2
    for points in (cameras.centres, between):
        assert (carved.free_space.sample(points) == FREE).all()
        assert RayCaster(vertices, faces).distances(points).min() > VOXEL / 2
    ahead = np.concatenate([c2w[:3, 3] + np.outer(np.linspace(0.2, 0.9, 8), c2w[:3, 2]) for c2w in cameras.c2w])
    assert (carved.free_space.sample(ahead[~world.solid(ahead)]) == FREE).mean() > 0.99, "nothing stands before the cameras"

    over = np.c_[np.random.default_rng(0).uniform([0.5, 0.5], [3.5, 2.5], (500, 2)), np.full(500, EYE + 0.19)]
    assert (carved.free_space.sample(over) == UNSEEN).mean() > 0.9
    seen = face_seen(vertices, faces, carved.free_space, carved.measured)
    lid = vertices[faces].mean(axis=1)[:, 2] > WALL_TOP + 3 * VOXEL
    assert lid.sum() > 50 and not seen[lid].any()
