"""Generated frames shape only what nobody measured, and what they shape is never called measured."""

import numpy as np
import pytest

from lyra_sim.data.grid import FREE, SOLID, UNSEEN
from lyra_sim.meshing.carve import Carved, carve
from lyra_sim.meshing.colour import face_seen
from lyra_sim.meshing.surface import closed_surface
from tests.rooms import Room, camera_path, look

VOXEL = 0.08
LOW, HIGH = np.array([-0.3, -3.3, -0.3]), np.array([8.3, 3.3, 2.8])
BOXES = {"wall": (np.array([4.0, -3.0, 0.0]), np.array([4.2, 1.0, 2.5]))}
"""A wall across the room that leaves a gap on the left, seen from one side."""


def room_from(*cameras: np.ndarray) -> Room:
    return Room(air_low=np.array([0.0, -3, 0]), air_high=np.array([8.0, 3, 2.5]), boxes=BOXES, cameras=camera_path([*cameras]))


MEASURED = room_from(*[look(np.array([1.0, 0.0, 1.2]), yaw, pitch) for yaw in (-0.5, 0.0, 0.5) for pitch in (-0.4, 0.1)])
BEHIND = room_from(*[look(np.array([4.9, 0.5, 1.2]), yaw, -0.1) for yaw in (-1.2, 0.0, 1.2, 3.0)])
"""Behind the wall, where no camera of MEASURED looked, except through the gap."""


def carved(drawn: np.ndarray | None, *, sigma: float = 0.0) -> Carved:
    frames = None if drawn is None else (iter(drawn), BEHIND.cameras)
    box = {"low": LOW, "high": HIGH, "voxel_size": VOXEL, "min_depth": 0.1}
    return carve(iter(MEASURED.rendered[1]), MEASURED.cameras, **box, sigma_relative=sigma, drawn=frames)


@pytest.fixture(scope="module")
def alone() -> Carved:
    return carved(None)


@pytest.fixture(scope="module")
def with_drawn() -> Carved:
    return carved(BEHIND.rendered[1])


def test_it_opens_air_where_nobody_looked(alone: Carved, with_drawn: Carved) -> None:
    gained = with_drawn.free_space.free & ~alone.free_space.free
    assert gained.sum() * VOXEL**3 > 5, "the space behind the wall"
    index = np.argwhere(gained)
    points = LOW + (index + 0.5) * VOXEL
    assert MEASURED.solid(points).mean() < 0.02, "and it is air in truth"
    assert with_drawn.facts.drawn_air_voxels == gained.sum()


def test_it_changes_nothing_that_was_measured(alone: Carved, with_drawn: Carved) -> None:
    before, after = alone.free_space.states, with_drawn.free_space.states
    assert (after[before == FREE] == FREE).all() and (after[before == SOLID] == SOLID).all()
    np.testing.assert_array_equal(with_drawn.measured, alone.measured)
    np.testing.assert_array_equal(with_drawn.measured_space.states, before)
    measured = alone.measured & (before == SOLID)
    np.testing.assert_array_equal(with_drawn.distance[measured], alone.distance[measured])


def test_its_matter_is_unseen_and_so_are_its_faces(alone: Carved, with_drawn: Carved) -> None:
    before, after = alone.free_space.states, with_drawn.free_space.states
    assert set(np.unique(after[before == UNSEEN])) <= {UNSEEN, FREE}
    vertices, faces, _ = closed_surface(with_drawn, target_faces=20_000)
    seen = face_seen(vertices, faces, with_drawn.measured_space, with_drawn.measured)
    centres = vertices[faces].mean(axis=1)
    far_wall, near_wall = np.abs(centres[:, 0] - 8.0) < 0.1, np.abs(centres[:, 0] - 4.0) < 0.08
    hidden = far_wall & (centres[:, 1] < -1.5)
    assert hidden.sum() > 20 and not seen[hidden].any()
    back_of_the_wall = (np.abs(centres[:, 0] - 4.2) < 0.08) & (centres[:, 1] < 0.6)
    assert back_of_the_wall.sum() > 20 and not seen[back_of_the_wall].any(), "a thin wall, measured from the other side only"
    assert seen[near_wall].mean() > 0.4, "the side of the wall that was measured still is"


@pytest.mark.parametrize("sigma", [0.0, 0.02])
@pytest.mark.parametrize("factor", [0.3, 1.6])
def test_depth_that_contradicts_measurements_is_ignored(factor: float, sigma: float) -> None:
    """Frames whose depth lies about measured space leave it as it was, whether that was measured or estimated."""
    liar = carved(BEHIND.rendered[1] * np.float32(factor), sigma=sigma)
    before, after = carved(None, sigma=sigma).free_space.states, liar.free_space.states
    assert (after[before == FREE] == FREE).all() and (after[before == SOLID] == SOLID).all()
