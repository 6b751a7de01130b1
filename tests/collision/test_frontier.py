"""Fences at the edge of the known floor: where a robot could cross it, and nowhere else."""

import numpy as np
import pytest

from lyra_sim.collision.frontier import KnownFloor, make_fences
from lyra_sim.data.grid import FREE, UNSEEN, FreeSpace

CELL = 0.05
SIDE = 80
"""Cells of a floor of 4 x 4 m; its outermost two are wall."""


def floor_of(free: np.ndarray, solid: np.ndarray) -> tuple[KnownFloor, FreeSpace]:
    """The floor at z = 0 and the air over its free cells, all of which a robot gets to."""
    states = np.full((SIDE, SIDE, 20), UNSEEN, np.uint8)
    states[free] = FREE
    floor = KnownFloor(
        free=free,
        solid=solid,
        near=free,
        origin=np.zeros(2),
        resolution=CELL,
        floor_normal=np.array([0.0, 0.0, 1.0]),
        floor_offset=0.0,
    )
    return floor, FreeSpace(states=states, origin=np.zeros(3), voxel_size=CELL)


def walled() -> np.ndarray:
    walls = np.ones((SIDE, SIDE), bool)
    walls[2:-2, 2:-2] = False
    return walls


@pytest.mark.parametrize(("gap", "plates"), [(4, 0), (6, 0), (8, 1), (16, 1)])
def test_a_gap_in_a_wall_is_fenced_where_a_robot_fits_through(gap: int, plates: int) -> None:
    """Behind the wall at half the room nothing was seen; a robot of 0.3 m has no business in a gap of 0.2 m."""
    solid = walled()
    solid[40:42, :] = True
    solid[40:42, 30 : 30 + gap] = False
    free = ~solid & (np.arange(SIDE)[:, None] < 40)
    fences, facts = make_fences(*floor_of(free, solid), band_high=0.62, budget=9)
    assert len(fences) == plates and facts["frontier_stretches"] == plates
    assert facts["frontier_fenced"] == 1.0
    if plates:
        points = fences[0].points
        assert points[:, 0].min() >= 40 * CELL, "outside of the known floor"
        assert points[:, 1].min() < (30 + gap / 2) * CELL < points[:, 1].max()


def test_a_slot_between_two_chairs_is_no_edge() -> None:
    """Known floor goes on behind it; whether a robot fits in or not, nothing unknown lies there."""
    for width in range(3, 12):
        solid = walled()
        solid[30:45, 20:30] = solid[30:45, 30 + width : 40 + width] = True
        fences, facts = make_fences(*floor_of(~solid, solid), band_high=0.62, budget=9)
        assert not fences and facts["frontier_length"] == 0, f"slot of {width} cells"


def test_a_seen_tongue_without_hulls_beside_it_is_fenced() -> None:
    """A strip of floor seen through a slit: a robot would push through unseen space on both its sides."""
    free = np.zeros((SIDE, SIDE), bool)
    free[2:40, 2:-2] = free[40:70, 38:42] = True
    solid = walled()
    _, facts = make_fences(*floor_of(free & ~solid, solid), band_high=0.62, budget=9)
    assert facts["frontier_length"] == pytest.approx((SIDE - 4) * CELL, abs=0.4)
