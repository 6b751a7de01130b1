import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_sim.errors import FrameError
from lyra_sim.geometry.cameras import CameraPath, pixel_rays, project, unproject
from tests.rooms import Room, camera_path, look


@given(st.floats(-3, 3), st.floats(-1, 1), st.floats(0.2, 20))
def test_unproject_then_project_returns_to_the_pixel_centre(yaw: float, pitch: float, depth: float) -> None:
    path = camera_path([look(np.array([1.0, 2, 3]), yaw, pitch)], width=8, height=6)
    z = np.full((6, 8), depth, np.float32)
    points = unproject(z, path.K[0], path.c2w[0]).reshape(-1, 3)
    uv, again = project(points, path.K[0], path.w2c[0])
    u, v = np.meshgrid(np.arange(8) + 0.5, np.arange(6) + 0.5)
    np.testing.assert_allclose(uv, np.stack([u.ravel(), v.ravel()], axis=1), atol=1e-4)
    np.testing.assert_allclose(again, depth, rtol=1e-5)


def test_the_ray_of_the_principal_point_is_the_optical_axis() -> None:
    K = np.array([[100.0, 0, 2.5], [0, 100, 1.5], [0, 0, 1]])
    np.testing.assert_array_equal(pixel_rays(K, 5, 3)[1, 2], [0, 0, 1])


def test_unprojected_depth_lies_on_the_room(tiny_room: Room) -> None:
    _, depths = tiny_room.rendered
    for index in range(0, len(depths), 7):
        points = unproject(depths[index], tiny_room.cameras.K[index], tiny_room.cameras.c2w[index])
        assert tiny_room.distance(points).max() < 1e-5


def test_resizing_keeps_directions() -> None:
    path = camera_path([np.eye(4)], width=8, height=6)
    half = path.resized(4, 3)
    coarse, fine = pixel_rays(half.K[0], 4, 3), pixel_rays(path.K[0], 8, 6)
    np.testing.assert_allclose(coarse, fine.reshape(3, 2, 4, 2, 3).mean(axis=(1, 3)), atol=1e-6)


@pytest.mark.parametrize("broken", [np.diag([1.0, 1, -1, 1]), np.diag([2.0, 2, 2, 1]), np.full((4, 4), np.nan)])
def test_bad_matrices_are_refused(broken: np.ndarray) -> None:
    with pytest.raises(FrameError):
        CameraPath(c2w=broken[None], K=np.eye(3)[None], width=4, height=4)
