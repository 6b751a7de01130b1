"""Polygons cover themselves and nothing else."""

import numpy as np
import pytest

from lyra_sim.capture.survey.polygons import triangles_of


def shoelace(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def signed_areas(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b, c = (points[corners[:, k]] for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


@pytest.mark.parametrize("seed", range(20))
def test_a_star_with_many_inward_corners(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(5, 40))
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    flat = np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.3, 2, (count, 1))
    if np.diff(np.append(angles, angles[0] + 2 * np.pi)).max() > np.pi:
        flat = np.concatenate([flat, [[0, 0]]])  # the middle keeps it a simple polygon
    if shoelace(flat) < 0:
        flat = flat[::-1].copy()
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    corners = triangles_of(np.column_stack([flat, np.zeros(len(flat))]) @ turn.T, np.array([len(flat)]), np.arange(len(flat)))
    signed = signed_areas(flat, corners)
    assert len(corners) == len(flat) - 2
    assert signed.sum() == pytest.approx(shoelace(flat)) and signed.min() > -1e-9, "no triangle outside, none twice"


def test_a_floor_with_a_hole_that_is_joined_by_a_bridge():
    ring = np.array([[0, 0], [4, 0], [4, 4], [0, 4], [0, 0], [1, 1], [1, 3], [3, 3], [3, 1], [1, 1]], np.float64)
    points = np.column_stack([ring, np.zeros(10)])
    signed = signed_areas(ring, triangles_of(points, np.array([10]), np.arange(10)))
    assert signed.sum() == pytest.approx(12) and signed.min() > -1e-9


def test_polygons_that_are_none_stay_fans():
    points = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0], [np.nan, 0, 0]])
    corners = triangles_of(points, np.array([4, 4, 0, 2]), np.array([0, 1, 2, 3, 0, 1, 4, 3, 0, 1]))
    assert corners.tolist()[:2] == [[0, 1, 2], [0, 2, 3]] and len(corners) == 4
