"""Lines through the analytic flat: bent round what they brush, cut before what stands in their way."""

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.trajectories.clearance import keep_clear, lacking
from lyra_sim.trajectories.known_surface import KnownSurface, known_surface
from lyra_sim.trajectories.smooth_motion import arc_length
from tests.rooms import Room

CLEARANCE = 0.25


@pytest.fixture(scope="module")
def known(flat_capture: Capture) -> KnownSurface:
    return known_surface(flat_capture, CLEARANCE)


def line(*corners: tuple[float, float, float], count: int = 200) -> np.ndarray:
    points = np.array(corners)
    at = arc_length(points)
    return np.stack([np.interp(np.linspace(0, at[-1], count), at, points[:, k]) for k in range(3)], axis=1)


def clear(points: np.ndarray, known: KnownSurface, **changed):
    options = {"softness": 12.0, "max_shift": 1.0, "pinned": True, "level": False} | changed
    return keep_clear(points, known, CLEARANCE, **options)


def test_a_clear_line_stays(known: KnownSurface) -> None:
    points = line((1.0, 2.0, 1.2), (3.0, 2.0, 1.2))
    found = clear(points, known)
    np.testing.assert_array_equal(found.points, points)
    assert not found.shift.any()


@pytest.mark.parametrize(
    "corners",
    [
        ((0.5, 2.0, 1.2), (2.0, 0.12, 1.2), (3.6, 2.0, 1.2)),  # brushes the south wall
        ((1.5, 2.0, 1.2), (1.25, 3.55, 1.2), (2.2, 2.6, 1.2)),  # and the cupboard's edge
        ((1.0, 0.6, 1.0), (3.4, 0.6, 0.85), (3.4, 1.8, 1.2)),  # low over the table
        ((3.0, 1.8, 1.2), (4.06, 1.5, 1.2), (5.0, 2.0, 1.2)),  # the door's jamb
    ],
)
def test_a_line_that_brushes_something_is_bent_aside(flat: Room, known: KnownSurface, corners) -> None:
    points = line(*corners)
    assert flat.distance(points).min() < CLEARANCE - 0.05
    found = clear(points, known)
    assert len(found.points) == len(points), "all of it is kept"
    assert flat.distance(found.points).min() > CLEARANCE - 0.01
    assert not flat.solid(found.points).any()
    np.testing.assert_array_equal(found.points[0], points[0])
    bend = found.points - points
    assert np.linalg.norm(np.diff(bend, n=2, axis=0), axis=1).max() < 0.02 * np.linalg.norm(bend, axis=1).max()
    np.testing.assert_allclose(found.shift, np.linalg.norm(bend, axis=1), atol=1e-12)


@pytest.mark.parametrize(
    ("corners", "wall"), [(((1.0, 1.9, 1.2), (9.0, 1.8, 1.2)), 7.0), (((3.0, 3.0, 1.2), (5.5, 3.0, 1.2)), 4.0)]
)
def test_a_line_into_a_wall_ends_before_it(flat: Room, known: KnownSurface, corners, wall: float) -> None:
    """The second one goes through the inner wall, 12 cm thick, and on in free air: it may not leap through."""
    found = clear(line(*corners), known)
    assert 10 < len(found.points) < 200
    assert flat.distance(found.points).min() > CLEARANCE - 0.01
    assert wall - CLEARANCE - 0.05 < found.points[-1, 0] < wall - CLEARANCE + 0.01


def test_few_stations_dont_leap_through_a_wall(known: KnownSurface) -> None:
    """Both stations are clear; the wall is between them."""
    points = np.array([[3.0, 3.0, 1.2], [5.5, 3.0, 1.2]])
    assert (lacking(points, known, CLEARANCE) < 0).all()
    assert len(clear(points, known, softness=1.0).points) == 1


def test_an_endless_leap_is_not_looked_into(known: KnownSurface) -> None:
    points = np.array([[3.0, 2.0, 1.2], [3.1, 2.0, 1.2], [1e7, 2.0, 1.2], [1e7, 2.0, 1.2]])
    assert len(clear(points, known, softness=1.0).points) == 2


def test_level_lines_keep_their_height(flat: Room, known: KnownSurface) -> None:
    points = line((0.5, 2.0, 1.2), (2.0, 0.12, 1.2), (3.6, 2.0, 1.2))
    found = clear(points, known, level=True)
    np.testing.assert_allclose(found.points[:, 2], 1.2, atol=1e-12)
    assert len(found.points) == 200 and flat.distance(found.points).min() > CLEARANCE - 0.01


def test_a_line_that_starts_in_a_wall_has_nothing_left(known: KnownSurface) -> None:
    assert len(clear(line((2.0, -0.02, 1.2), (2.0, 1.0, 1.2)), known).points) == 0
    freed = clear(line((2.0, 0.1, 1.2), (3.5, 0.1, 1.2)), known, pinned=False)
    assert len(freed.points) == 200, "unless its first station may move too"
