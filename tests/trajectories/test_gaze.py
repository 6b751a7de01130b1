"""Yaw, pitch and roll of cameras, and how a photo's gaze gives way to the path's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lyra_sim.trajectories.gaze import MAX_TURN, angles_of, angles_towards, begun_as, rotations_of, turns
from tests.rooms import look

angle = st.floats(-3.1, 3.1)


@settings(max_examples=50, deadline=None)
@given(angle, st.floats(-1.5, 1.5), angle)
def test_angles_and_rotations_are_inverse(yaw: float, pitch: float, roll: float) -> None:
    angles = np.array([[yaw, pitch, roll]])
    rotation = rotations_of(angles)
    np.testing.assert_allclose(rotation[0].T @ rotation[0], np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation[0]) > 0
    np.testing.assert_allclose(rotations_of(angles_of(rotation)), rotation, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 500))
def test_any_camera_is_told_by_its_angles(seed: int) -> None:
    rotation = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()[None]
    np.testing.assert_allclose(rotations_of(angles_of(rotation)), rotation, atol=1e-6)


def test_straight_down_has_no_roll() -> None:
    down = np.array([[[0.6, 0.8, 0], [0.8, -0.6, 0], [0, 0, -1.0]]])
    assert np.linalg.det(down[0]) > 0
    angles = angles_of(down)
    assert angles[0, 1] == -np.pi / 2 and angles[0, 2] == 0
    np.testing.assert_allclose(rotations_of(angles), down, atol=1e-12)


def test_they_mean_what_the_rooms_mean() -> None:
    for yaw, pitch in ((0.3, -0.5), (2.9, 0.4)):
        np.testing.assert_allclose(
            rotations_of(np.array([[yaw, pitch, 0.0]]))[0], look(np.zeros(3), yaw, pitch)[:3, :3], atol=1e-12
        )
    rolled = rotations_of(np.array([[0.3, -0.1, np.radians(4)]]))[0]
    assert rolled[2, 0] < 0, "right side down"


@settings(max_examples=50, deadline=None)
@given(angle, st.floats(-1.4, 1.4), st.floats(-0.3, 0.3))
def test_a_blend_begins_exactly_and_ends_upright(yaw: float, pitch: float, roll: float) -> None:
    own = np.stack([np.linspace(0.5, 2.0, 161), np.full(161, -0.1), np.zeros(161)], axis=1)
    first = np.array([yaw, pitch, roll])
    angles = begun_as(own, first)
    np.testing.assert_allclose(rotations_of(angles[:1]), rotations_of(first[None]), atol=1e-9)
    np.testing.assert_allclose(angles[-1], own[-1], atol=1e-12)
    assert np.abs(angles[:, 2]).max() <= abs(roll) + 1e-12
    assert turns(rotations_of(angles)).max() <= 1.5 * MAX_TURN


def test_turns_are_angles() -> None:
    yaw = np.radians([0.0, 1.0, 4.0, 94.0])
    rotations = rotations_of(np.stack([yaw, np.zeros(4), np.zeros(4)], axis=1))
    np.testing.assert_allclose(np.degrees(turns(rotations)), [1, 3, 90], atol=1e-9)


def test_yaw_goes_on_past_half_a_turn() -> None:
    turned = np.radians(np.arange(0, 720, 5))
    yaw = angles_towards(np.stack([np.cos(turned), np.sin(turned), np.zeros(len(turned))], axis=1))[:, 0]
    np.testing.assert_allclose(yaw, turned, atol=1e-9)
