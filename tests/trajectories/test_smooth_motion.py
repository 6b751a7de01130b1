"""Easing, smoothing and even steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.trajectories.smooth_motion import BEND, EASE, along, arc_length, eased, even_stations, slowed_length, smoothed


@settings(max_examples=50, deadline=None)
@given(st.integers(11, 900))
def test_easing_starts_and_ends_at_rest(count: int) -> None:
    done = eased(count)
    steps = np.diff(done) * (count - 1)
    assert done[0] == 0 and done[-1] == 1 and len(done) == count
    assert (steps >= 0).all() and steps.max() <= 1.05 / (1 - EASE)
    assert max(steps[0], steps[-1]) < 0.4 * steps.max()
    np.testing.assert_allclose(done, 1 - done[::-1], atol=1e-12)


def test_easing_gains_speed_without_a_jump() -> None:
    steps = np.diff(eased(161)) * 160
    assert steps[0] < 0.001 and np.abs(np.diff(steps)).max() < 2.1 / (EASE * 160) / (1 - EASE)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 60), st.floats(0.0, 30.0), st.integers(0, 9))
def test_smoothing_keeps_ends_and_straight_lines(count: int, sigma: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(count, 3))
    result = smoothed(values, sigma)
    np.testing.assert_array_equal(result[[0, -1]], values[[0, -1]])
    line = np.linspace(0, 1, count)[:, None] * [[1.0, -2.0, 0.5]]
    np.testing.assert_allclose(smoothed(line, sigma), line, atol=1e-9)


def test_smoothing_takes_out_what_is_short() -> None:
    at = np.arange(400)
    values = np.stack([at * 0.01, 0.05 * np.sin(at * 1.3), np.zeros(400)], axis=1)
    assert np.abs(smoothed(values, 8.0)[40:-40, 1]).max() < 1e-6


def test_a_line_is_walked_at_even_speed() -> None:
    turned = np.linspace(0, np.pi, 500)
    half_circle = np.stack([np.cos(turned), np.sin(turned), np.zeros(500)], axis=1)
    positions, index = along(half_circle, np.linspace(0, 1, 40))
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    assert np.ptp(steps) < 1e-5 * steps.mean()
    np.testing.assert_allclose(np.linalg.norm(positions, axis=1), 1, atol=1e-7)
    np.testing.assert_allclose(index, np.linspace(0, 499, 40), atol=1e-6)


def test_bends_are_passed_slowly() -> None:
    """A corner 5 cm round: what pulls stays near v² / 0.3 m, where full speed would pull six times as much."""
    turned = np.linspace(0, np.pi / 2, 40)
    corner = np.stack([2 + 0.05 * np.sin(turned), 0.05 - 0.05 * np.cos(turned), np.zeros(40)], axis=1)
    line = even_stations(np.concatenate([[[0.0, 0, 0]], corner, [[2.05, 2.05, 0]]]), 0.005)
    positions, _ = along(line, np.linspace(0, 1, 400))
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    full = steps[:50].mean()
    assert np.ptp(steps[:50]) < 1e-3 * full and 0.3 * full < steps.min() < 0.5 * full
    assert np.linalg.norm(np.diff(positions, n=2, axis=0), axis=1).max() < 1.5 * full**2 / BEND
    assert slowed_length(line)[-1] > arc_length(line)[-1]
    straight = np.linspace([0.0, 0, 0], [1, 2, 3], 50)
    np.testing.assert_allclose(slowed_length(straight), arc_length(straight), rtol=1e-9)


def test_stations_are_even_and_hold_both_ends() -> None:
    line = np.array([[0.0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 2, 0]])
    stations = even_stations(line, 0.1)
    steps = np.diff(arc_length(stations))
    assert len(stations) == 31 and steps.max() <= 0.1 + 1e-12
    np.testing.assert_array_equal(stations[[0, -1]], line[[0, -1]])
    assert arc_length(line)[-1] == pytest.approx(3.0)
