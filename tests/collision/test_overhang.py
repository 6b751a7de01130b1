"""A deck over the robot's way ends where it was measured, not where its voxels do."""

import numpy as np
import pytest

from lyra_sim.collision.measured.measured_voxels import VoxelSurface
from lyra_sim.collision.overhang import drawn_up
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from tests.collision.spending import BAND_HIGH, FLOOR, field_of, part

LAYER = 20
"""Of the deck's lowest voxels: from 0.61 to 0.64 m, the band ends at 0.62."""


@pytest.mark.parametrize(("underside", "ends_at"), [(0.628, BAND_HIGH + 0.002), (0.615, 0.61)])
def test_a_deck_is_drawn_up_out_of_the_band_if_it_was_measured_above(underside: float, ends_at: float) -> None:
    states = np.full((40, 40, 40), FREE, np.uint8)
    states[10:30, 10:30, LAYER : LAYER + 4] = SOLID
    grid = FreeSpace(states=states, origin=np.array([0.0, 0.0, 0.01]), voxel_size=0.03)
    indices = np.argwhere(states == SOLID)
    bottom = indices[indices[:, 2] == LAYER]
    points = grid.centres(bottom)
    points[:, 2] = underside
    surface = VoxelSurface(voxels=np.ravel_multi_index(tuple(bottom.T), states.shape), points=points)
    deck = part(indices, grid, field_of(grid))
    corners = drawn_up(deck, surface, grid, floor=FLOOR, band_high=BAND_HIGH)
    assert corners[:, 2].min() == pytest.approx(ends_at, abs=1e-6)
    assert corners[:, 2].max() == deck.points[:, 2].max() and np.array_equal(corners[:, :2], deck.points[:, :2])


def test_what_stands_on_the_floor_keeps_its_hull() -> None:
    states = np.full((20, 20, 40), FREE, np.uint8)
    states[5:9, 5:9, :30] = SOLID
    grid = FreeSpace(states=states, origin=np.zeros(3), voxel_size=0.03)
    post = part(np.argwhere(states == SOLID), grid, field_of(grid))
    nowhere = VoxelSurface(voxels=np.zeros(0, np.int64), points=np.zeros((0, 3)))
    assert drawn_up(post, nowhere, grid, floor=FLOOR, band_high=BAND_HIGH) is post.points
