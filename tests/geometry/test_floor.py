import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.floor import find_floor


def room_samples(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A 4 x 3 m floor at z = 0, a 2 x 1 m table at 0.7 m, a wall at x = 4: one sample per (5 cm)^2, 2 mm of noise."""
    floor = np.c_[rng.uniform([0, 0], [4, 3], (4800, 2)), np.zeros(4800)]
    table = np.c_[rng.uniform([1, 1], [3, 2], (800, 2)), np.full(800, 0.7)]
    wall = np.c_[np.full(2400, 4.0), rng.uniform([0, 0], [3, 2], (2400, 2))]
    up, towards = np.array([0, 0, 1.0]), np.array([-1.0, 0, 0])
    points = np.concatenate([floor, table, wall]) + rng.normal(0, 0.002, (8000, 3))
    return points, np.concatenate([np.tile(up, (5600, 1)), np.tile(towards, (2400, 1))])


@pytest.mark.parametrize("tilt_deg", [0.0, 5.0, 14.0])
def test_floor_and_gravity_are_found_under_a_tilt(tilt_deg: float) -> None:
    points, normals = room_samples(np.random.default_rng(0))
    frame_from_room = Rotation.from_euler("xy", [tilt_deg, tilt_deg / 2], degrees=True).as_matrix()
    cameras = np.array([[1.0, 1, 1.4], [3, 2, 1.5]]) @ frame_from_room.T
    floor = find_floor(
        points @ frame_from_room.T,
        normals @ frame_from_room.T,
        up=np.array([0, 0, 1.0]),
        cameras=cameras,
        cell=0.05,
        metres_per_unit=1.0,
        subject="test",
    )
    error = np.degrees(np.arccos(np.clip(floor.normal @ frame_from_room[:, 2], -1, 1)))
    assert error < 0.05
    assert abs(floor.height) < 0.002
    assert floor.area == pytest.approx(12.0, rel=0.05)
    assert floor.wall_tilt_deg is not None and floor.wall_tilt_deg < 0.2


def test_no_floor_is_an_error_not_an_identity() -> None:
    rng = np.random.default_rng(0)
    wall = np.c_[np.full(500, 4.0), rng.uniform(0, 3, (500, 2))]
    with pytest.raises(GeometryError, match="floor"):
        find_floor(
            wall,
            np.tile([-1.0, 0, 0], (500, 1)),
            up=np.array([0, 0, 1.0]),
            cameras=np.array([[1.0, 1, 1.4]]),
            cell=0.05,
            metres_per_unit=1.0,
            subject="test",
        )
