"""Doorways of two rooms, narrowed by known amounts; each figure against the tape measure."""

import numpy as np
import pytest

from lyra_sim.data.grid import UNSEEN, FreeSpace
from lyra_sim.quality.truth.doorways import Doorways, doorway_metrics, fine_grid, measured_doorways, true_doorways
from tests.quality.two_rooms import BAND, HIGH, VOXEL, WALL_X, boxes, hulls, voxels

DOOR = (1.5, 2.4)
CELL = VOXEL / 2


def post(low_y: float, high_y: float) -> tuple[np.ndarray, np.ndarray]:
    """Something that stands in the wall's line."""
    return np.array([WALL_X[0] + 0.02, low_y, 0.0]), np.array([WALL_X[1] - 0.02, high_y, 0.9])


def asked(*extra: tuple[np.ndarray, np.ndarray], doors: tuple[tuple[float, float], ...] = (DOOR,)) -> Doorways:
    parts = boxes(*doors)
    return measured_doorways(hulls([*parts, *extra]), voxels(parts), BAND)


def test_a_doorway_is_found_and_measured() -> None:
    doors = asked()
    assert doors.widths == pytest.approx([0.9], abs=1e-6) and doors.left == pytest.approx([0.9], abs=CELL)
    np.testing.assert_allclose(doors.places[0], [3.1, 1.95], atol=0.12)
    figures = {metric.name: metric for metric in doorway_metrics("collision.doorways", doors)}
    assert figures["collision.doorways"].value == figures["collision.doorways_open"].value == 1
    assert figures["collision.doorways_sealed"].value == 0
    assert {metric.verdict for metric in figures.values()} == {"pass"}


@pytest.mark.parametrize(
    ("narrower", "is_open", "sealed"), [(0.05, True, False), (0.09, True, False), (0.2, False, False), (0.5, False, True)]
)
def test_a_hull_in_the_doorway_takes_what_it_takes(narrower: float, is_open: bool, sealed: bool) -> None:
    """Two voxels are 10 cm; the hulls are drawn on cells of 2.5 cm, which may cost one of them."""
    doors = asked(post(DOOR[0], DOOR[0] + narrower))
    assert doors.left[0] == pytest.approx(0.9 - narrower, abs=CELL + 1e-6)
    assert (doors.open[0], doors.sealed[0]) == (is_open, sealed)


def test_a_sealed_doorway_fails_and_says_where() -> None:
    doors = asked(post(1.4, 2.5))
    assert doors.left[0] == 0.0
    figures = {metric.name: metric for metric in doorway_metrics("collision.doorways", doors)}
    assert (figures["collision.doorways_open"].value, figures["collision.doorways_open"].verdict) == (0.0, "warn")
    assert (figures["collision.doorways_sealed"].value, figures["collision.doorways_sealed"].verdict) == (1, "fail")
    assert "of 0.90 m at (3." in figures["collision.doorways_open"].note
    assert "0.00 m are left" in figures["collision.doorways_open"].note


@pytest.mark.parametrize(("sags", "left"), [(0.04, 0.9), (0.12, 0.0)])
def test_an_underside_is_known_to_a_voxel(sags: float, left: float) -> None:
    """A board across the doorway, over the robot's head: its hull may sag a voxel into the band, no more."""
    board = np.array([WALL_X[0] + 0.02, 1.4, BAND.high - sags]), np.array([WALL_X[1] - 0.02, 2.5, BAND.high + 0.1])
    assert asked(board).left[0] == pytest.approx(left, abs=CELL)


def test_a_fence_in_a_doorway_counts_like_any_other_hull() -> None:
    parts = boxes(DOOR)
    fenced = (*hulls(parts), *hulls([post(1.4, 2.5)], "unseen")[1:])
    named = tuple(hull if number < len(fenced) - 1 else _renamed(hull) for number, hull in enumerate(fenced))
    assert measured_doorways(named, voxels(parts), BAND).left[0] == 0.0


def _renamed(hull):
    from dataclasses import replace

    return replace(hull, name="unseen_999")


def test_two_doors_between_the_same_rooms_are_two() -> None:
    """Sealing one isn't excused by the other."""
    doors = asked(post(0.4, 1.5), doors=((0.5, 1.4), (2.5, 3.5)))
    order = np.argsort(doors.places[:, 1])
    assert doors.widths[order] == pytest.approx([0.9, 1.0], abs=1e-6)
    assert doors.left[order] == pytest.approx([0.0, 1.0], abs=CELL) and doors.sealed.sum() == 1


def test_gaps_below_70_cm_and_rooms_without_doorways_are_not_asked_about() -> None:
    assert len(asked(doors=((1.5, 2.1),)).widths) == 0
    none = asked(doors=((0.0, float(HIGH[1])),))  # no wall at all
    metrics = doorway_metrics("collision.doorways", none)
    assert [(metric.name, metric.value) for metric in metrics] == [("collision.doorways", 0)]


def true_free(parts: list) -> np.ndarray:
    grid = fine_grid(voxels(parts))
    centres = grid.centres()
    free = ((centres > 0) & (centres < HIGH[:2])).all(axis=1)
    for low, high in parts:
        free &= ~((centres > low[:2]) & (centres < high[:2])).all(axis=1)
    return free.reshape(grid.shape)


def test_the_truth_asks_for_doorways_our_voxels_closed() -> None:
    """The hulls follow voxels in which the door is 0.3 m too narrow: only the truth can tell."""
    truth, ours = boxes(DOOR), boxes((1.5, 2.1))
    assert len(measured_doorways(hulls(ours), voxels(ours), BAND).widths) == 0
    doors = true_doorways(hulls(ours), voxels(ours), BAND, true_free(truth))
    assert doors.widths == pytest.approx([0.9], abs=1e-6) and doors.left == pytest.approx([0.6], abs=CELL)
    assert not doors.open[0] and not doors.sealed[0]


def test_the_truth_asks_only_inside_what_was_seen() -> None:
    parts = boxes(DOOR)
    grid = voxels(parts)
    states = grid.states.copy()
    states[round((2.8 + 0.25) / VOXEL) :] = UNSEEN
    half = FreeSpace(states=states, origin=grid.origin, voxel_size=grid.voxel_size)
    assert len(true_doorways(hulls(parts), half, BAND, true_free(parts)).widths) == 0
