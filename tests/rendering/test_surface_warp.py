import numpy as np
import pytest

from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.rendering.surface_warp import MAX_STEP, warp_surface
from tests.rooms import Room, camera_path, look


def plane_depth(cameras: CameraPath, normal: np.ndarray, offset: float) -> np.ndarray:
    """Exact z-depth of the plane ``normal · x = offset`` in every camera."""
    rays = pixel_rays(cameras.K[0], cameras.width, cameras.height).astype(np.float64)
    return np.stack([(offset - normal @ c[:3, 3]) / (rays @ (c[:3, :3].T @ normal)) for c in cameras.c2w]).astype(np.float32)


def test_nothing_changes_where_nothing_moves(tiny_room: Room) -> None:
    cameras = tiny_room.cameras.select(np.array([3]))
    rgb, z = (part[3] for part in tiny_room.rendered)
    warped = warp_surface(z, cameras.K[0], cameras.c2w[0], cameras, max_step=100.0)
    assert np.isfinite(warped.z_depth[0]).mean() > 0.999
    shown = np.isfinite(warped.z_depth[0])
    np.testing.assert_allclose(warped.z_depth[0][shown], z[shown], rtol=1e-5)
    assert np.abs(warped.sample(rgb)[0] - rgb)[shown].max() < 0.1


def test_a_plane_keeps_its_depth_and_its_places_in_any_camera() -> None:
    """Depth on a plane is exact however near the new camera comes, and the source pixel is where the point projects to."""
    from lyra_sim.geometry.cameras import project, unproject

    cameras = camera_path([look(np.array([0.0, 0, 1]), 0.1, 0), look(np.array([1.5, 0.2, 1.1]), -0.2, 0.1)])
    normal = np.array([0.9, 0.3, 0.1]) / np.linalg.norm([0.9, 0.3, 0.1])
    z = plane_depth(cameras, normal, 3.0)
    warped = warp_surface(z[0], cameras.K[0], cameras.c2w[0], cameras.select(np.array([1])))
    shown = np.isfinite(warped.z_depth[0])
    assert shown.mean() > 0.5, "the second camera looks at what the first saw"
    np.testing.assert_allclose(warped.z_depth[0][shown], z[1][shown], rtol=2e-4)
    uv, _ = project(unproject(z[1], cameras.K[1], cameras.c2w[1])[shown], cameras.K[0], cameras.w2c[0])
    assert np.abs(warped.source_px[0][shown] - uv).max() < 0.05
    rows, columns = np.nonzero(shown)
    assert shown[rows.min() : rows.max(), columns.min() : columns.max()].mean() > 0.8, "and no cracks inside"


def test_every_drawn_pixel_is_the_nearest_surface_or_was_hidden_from_the_source(tiny_room: Room) -> None:
    """Against exact depth: a warp may lack surface and show what something unseen hides, but never floats in front of it."""
    source, target = 15, 4
    cameras, (_, depths) = tiny_room.cameras, tiny_room.rendered
    warped = warp_surface(depths[source], cameras.K[source], cameras.c2w[source], cameras.select(np.array([target])))
    shown = np.isfinite(warped.z_depth[0])
    assert shown.mean() > 0.5
    nearer = (1 - warped.z_depth[0] / depths[target])[shown]
    assert nearer.max() < MAX_STEP, "nothing hangs between near and far where the step was taken for an edge"
    assert np.quantile(nearer, 0.99) < 0.01


def test_surfaces_seen_from_behind_are_not_drawn() -> None:
    cameras = camera_path([look(np.array([0.0, 0, 1]), 0.0, 0), look(np.array([6.0, 0, 1]), np.pi, 0)])
    wall = np.full((120, 160), 3.0, np.float32)
    assert np.isnan(warp_surface(wall, cameras.K[0], cameras.c2w[0], cameras.select(np.array([1]))).z_depth).all()


def test_the_unit_of_the_world_does_not_matter(tiny_room: Room) -> None:
    move = Similarity(scale=37.0, rotation=look(np.zeros(3), 1.0, 0.3)[:3, :3], translation=np.array([3.0, -2.0, 9.0]))
    cameras, z = tiny_room.cameras, tiny_room.rendered[1][15]
    target = cameras.select(np.array([4]))
    here = warp_surface(z, cameras.K[15], cameras.c2w[15], target)
    moved = cameras.moved(move)
    there = warp_surface(z * np.float32(37), moved.K[15], moved.c2w[15], moved.select(np.array([4])))
    both = np.isfinite(here.z_depth) & np.isfinite(there.z_depth)
    assert (np.isfinite(here.z_depth) == np.isfinite(there.z_depth)).mean() > 0.999
    np.testing.assert_allclose(there.z_depth[both], 37 * here.z_depth[both], rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 4])
def test_samples_are_bilinear_and_nothing_where_nothing_is_shown(channels: int) -> None:
    cameras = camera_path([look(np.zeros(3), 0.0, 0)], width=32, height=24, focal=20.0)
    ramp = np.tile(np.arange(32, dtype=np.float32)[None, :, None], (24, 1, channels))
    turned = camera_path([look(np.zeros(3), 0.2, 0)], width=32, height=24, focal=20.0)
    warped = warp_surface(np.full((24, 32), 2.0, np.float32), cameras.K[0], cameras.c2w[0], turned)
    shown = np.isfinite(warped.z_depth[0])
    assert 0 < shown.mean() < 1
    values = warped.sample(ramp)[0]
    np.testing.assert_allclose(values[shown], np.repeat(warped.source_px[0][shown][:, :1] - 0.5, channels, 1), atol=1e-3)
    assert (values[~shown] == 0).all()
