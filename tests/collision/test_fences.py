"""Fences at the edge of the known floor: where a robot could cross it, and nowhere else."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import ConvexHull

from lyra_sim.collision.convex.pieces import Piece
from lyra_sim.collision.fences import KnownFloor, make_fences
from lyra_sim.data.grid import FREE, UNSEEN, FreeSpace
from lyra_sim.scene.spec import SMALLEST_ROBOT

SIDE = 4.0
"""Of the floor [m]; its outermost two cells are wall."""


def fences_of(free: np.ndarray, solid: np.ndarray, cell: float) -> tuple[list[Piece], dict[str, Any]]:
    """Of a floor at z = 0 with air over its free cells, all of which a robot gets to."""
    states = np.full((*free.shape, round(1 / cell)), UNSEEN, np.uint8)
    states[free] = FREE
    floor = KnownFloor(
        free=free,
        solid=solid,
        near=free,
        origin=np.zeros(2),
        resolution=cell,
        floor_normal=np.array([0.0, 0.0, 1.0]),
        floor_offset=0.0,
    )
    return make_fences(floor, FreeSpace(states=states, origin=np.zeros(3), voxel_size=cell), band_high=0.62, budget=99)


def walled(cell: float) -> np.ndarray:
    count = round(SIDE / cell)
    walls = np.ones((count, count), bool)
    walls[2:-2, 2:-2] = False
    return walls


@pytest.mark.parametrize("cell", [0.05, 0.03])
@pytest.mark.parametrize(("gap", "plates"), [(0.1, 0), (0.3, 1), (0.36, 1), (0.42, 1), (0.8, 1)])
def test_a_gap_in_a_wall_is_fenced_where_a_robot_fits_through(gap: float, plates: int, cell: float) -> None:
    """Behind the wall at half the room nothing was seen; nobody gets through 0.1 m."""
    solid = walled(cell)
    wall, first, end = len(solid) // 2, round(1.5 / cell), round((1.5 + gap) / cell)
    solid[wall : wall + 2, :] = True
    solid[wall : wall + 2, first:end] = False
    free = ~solid & (np.arange(len(solid))[:, None] < wall)
    fences, facts = fences_of(free, solid, cell)
    assert len(fences) == plates and facts["frontier_stretches"] == plates
    assert facts["frontier_fenced"] == 1.0
    if plates:
        points = fences[0].points
        assert points[:, 0].min() >= wall * cell, "outside of the known floor"
        assert points[:, 1].min() < 1.5 + 0.1 and points[:, 1].max() > 1.5 + gap - 0.1, "from jamb to jamb"


def test_a_slot_between_two_chairs_is_no_edge() -> None:
    """Known floor goes on behind it; whether a robot fits in or not, nothing unknown lies there."""
    for width in range(1, 12):
        solid = walled(0.05)
        solid[30:45, 20:30] = solid[30:45, 30 + width : 40 + width] = True
        fences, facts = fences_of(~solid, solid, 0.05)
        assert not fences and facts["frontier_length"] == 0, f"slot of {width} cells"


def test_the_edge_runs_around_a_tongue_that_a_robot_fits_in() -> None:
    """A strip of 0.4 m seen through a slit, unseen space beside it: plates on both its sides and at its end."""
    solid = walled(0.05)
    free = np.zeros_like(solid)
    free[2:30, 2:-2] = free[30:60, 36:44] = True
    fences, facts = fences_of(free & ~solid, solid, 0.05)
    assert facts["frontier_length"] == pytest.approx(SIDE - 0.2 + 2 * 1.5, abs=0.4)
    assert facts["frontier_fenced"] > 0.95 and len(fences) >= 5


def test_no_robot_leaves_a_floor_that_is_said_to_be_fenced() -> None:
    """Turned floors with posts around them: a disc as large as the smallest robot, moved wherever posts and plates let it."""
    rng, cell, count = np.random.default_rng(3), 0.05, 50
    middle = np.arange(count) - count / 2 + 0.5
    x, y = np.meshgrid(middle, middle, indexing="ij")
    fenced = 0
    for _ in range(40):
        turn, half = rng.uniform(0, np.pi / 2), rng.uniform(8, 13, 2)
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        solid = np.zeros_like(x, bool)
        for post in rng.uniform(-16, 16, (30, 2)):
            if 1 < np.abs(np.abs(post) - half).min() < 5 and (np.abs(post) > half).any():
                solid |= (np.abs(along - post[0]) < 1.5) & (np.abs(across - post[1]) < 1.5)
        free = (np.abs(along) < half[0]) & (np.abs(across) < half[1]) & ~solid
        fences, facts = fences_of(free, solid, cell)
        fenced += facts["frontier_fenced"] == 1.0
        if facts["frontier_fenced"] == 1.0:
            assert _farthest(free, solid, fences, cell) < 0.5
    assert fenced > 20, "or nothing was asked"


def _farthest(free: np.ndarray, solid: np.ndarray, fences: list[Piece], cell: float) -> float:
    """How far off the known floor the middle of the smallest robot gets [m], on cells of half the size."""
    pad, fine = round(1 / cell), cell / 2
    known, barred = (np.kron(np.pad(mask, pad), np.ones((2, 2), bool)) for mask in (free, solid))
    places = (np.stack(np.indices(known.shape), axis=-1) + 0.5) * fine - pad * cell
    for fence in fences:
        planes = ConvexHull(fence.points[:, :2]).equations
        barred |= (places @ planes[:, :2].T + planes[:, 2] <= 0).all(axis=-1)
    fits = (ndimage.distance_transform_edt(~barred) - 0.5) * fine >= SMALLEST_ROBOT
    areas, _ = ndimage.label(fits)
    start = areas[(ndimage.distance_transform_edt(known) * fine >= SMALLEST_ROBOT) & fits]
    return float((ndimage.distance_transform_edt(~known) * fine)[np.isin(areas, np.unique(start))].max(initial=0.0))
