"""Up from the cameras alone: people hold them level, not horizontal."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.geometry.gravity import blend_directions, up_from_cameras, up_from_walls
from tests.rooms import look


def held(yaws: np.ndarray, pitch_deg: float, roll_deg: float, seed: int = 0) -> np.ndarray:
    """Cameras with the given headings, a common pitch, and random roll of the given sigma."""
    rng = np.random.default_rng(seed)
    cameras = np.stack([look(np.zeros(3), yaw, np.radians(pitch_deg)) for yaw in yaws])
    rolls = Rotation.from_euler("z", rng.normal(0, roll_deg, len(yaws))[:, None], degrees=True).as_matrix()
    cameras[:, :3, :3] = cameras[:, :3, :3] @ rolls
    return cameras


def off_deg(up: np.ndarray, true: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(up @ true, -1, 1))))


@pytest.mark.parametrize("pitch_deg", [-35.0, -10.0, 0.0, 20.0])
def test_headings_all_round_give_up_whatever_the_pitch(pitch_deg: float) -> None:
    up, sigma_deg = up_from_cameras(held(np.linspace(0, 2 * np.pi, 24, endpoint=False), pitch_deg, 2.0))
    assert off_deg(up, np.array([0, 0, 1.0])) < min(2.0, 2.5 * sigma_deg)
    assert sigma_deg < 2.0


def test_half_a_turn_beats_the_mean_camera_up() -> None:
    cameras = held(np.linspace(-0.8, 0.8, 20), -25.0, 1.0)
    mean_up = -cameras[:, :3, 1].mean(axis=0)
    up, sigma_deg = up_from_cameras(cameras)
    error = off_deg(up, np.array([0, 0, 1.0]))
    assert error < 0.2 * off_deg(mean_up / np.linalg.norm(mean_up), np.array([0, 0, 1.0]))
    assert error < 3 * sigma_deg


def test_one_heading_falls_back_to_the_mean_camera_up_and_says_how_unsure_it_is() -> None:
    cameras = held(np.zeros(8), -12.0, 1.0)
    up, sigma_deg = up_from_cameras(cameras)
    assert off_deg(up, np.array([0, 0, 1.0])) == pytest.approx(12.0, abs=1.0)
    assert sigma_deg > 10


def test_up_turns_with_the_frame_and_never_flips() -> None:
    cameras = held(np.linspace(0, 5, 12), -15.0, 2.0)
    up, sigma_deg = up_from_cameras(cameras)
    turn = Rotation.from_euler("xyz", [170, 40, 10], degrees=True).as_matrix()
    turned = cameras.copy()
    turned[:, :3, :3] = turn @ cameras[:, :3, :3]
    other, other_sigma_deg = up_from_cameras(turned)
    np.testing.assert_allclose(other, turn @ up, atol=1e-9)
    assert other_sigma_deg == pytest.approx(sigma_deg)


def test_looking_down_at_a_table_from_all_sides() -> None:
    up, _ = up_from_cameras(held(np.linspace(0, 6, 20), -80.0, 2.0))
    assert off_deg(up, np.array([0, 0, 1.0])) < 3


def test_the_surer_direction_weighs_more() -> None:
    a, b = np.array([0, 0, 1.0]), np.array([np.sin(0.1), 0, np.cos(0.1)])
    blended, sigma_deg = blend_directions(a, 1.0, b, 3.0)
    assert off_deg(blended, a) == pytest.approx(np.degrees(0.01), rel=0.02)
    assert sigma_deg < 1.0


def test_walls_are_plumb_where_the_ground_is_not() -> None:
    rng = np.random.default_rng(0)
    facing = np.array([[1.0, 0, 0], [0, 1.0, 0], [-0.6, 0.8, 0]])[rng.integers(0, 3, 3000)]
    walls = facing + rng.normal(0, 0.08, facing.shape)
    slope = np.tile([0.08, 0.0, 1.0], (2000, 1)) / np.linalg.norm([0.08, 0, 1.0])
    normals = np.concatenate([walls / np.linalg.norm(walls, axis=1, keepdims=True), slope])
    found = up_from_walls(normals, slope[0])
    assert found is not None
    up, sigma_deg = found
    assert off_deg(up, np.array([0, 0, 1.0])) < 1.0 and sigma_deg < 2.0
    one_way = np.concatenate([walls[:0], np.tile([1.0, 0, 0], (3000, 1))])
    assert up_from_walls(one_way, np.array([0, 0, 1.0])) is None
    assert up_from_walls(slope, np.array([0, 0, 1.0])) is None
