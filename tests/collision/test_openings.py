"""Openings are found where they are, with their size to within two voxels, and nothing else is called one."""

import itertools

import numpy as np
import pytest

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import named
from lyra_sim.collision.planes.openings import find_openings
from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.slabs import make_slabs
from lyra_sim.data.colliders import Colliders, Opening
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace

VOXEL = 0.04
UP = np.array([0.0, 0.0, 1.0])
Hole = tuple[tuple[float, float], tuple[float, float]]


def walled(*holes: Hole, behind: float = 1.0, height: float = 2.6, seen_behind: bool = True) -> tuple[FreeSpace, list[Plane]]:
    """Two rooms on both sides of a wall from x = 2 to 2.16, y from 0.2 to 5.4; holes given by their y and z ranges."""
    shape, origin = (90, 140, 85), np.array([0.0, 0.0, -0.4])
    x, y, z = np.meshgrid(*[o + (np.arange(n) + 0.5) * VOXEL for o, n in zip(origin, shape, strict=True)], indexing="ij")
    states = np.full(shape, UNSEEN, np.uint8)
    inside = (y > 0.2) & (y < 5.4) & (z > 0) & (z < height)
    states[inside & (x < 2.0)] = FREE
    states[inside & (x > 2.0) & (x < 2.16)] = SOLID
    states[inside & (x > 2.16) & (x < 2.16 + behind)] = FREE
    cells = np.array(list(itertools.product(np.arange(0.225, 5.4, 0.05), np.arange(0.025, height, 0.05))))
    for (y0, y1), (z0, z1) in holes:
        states[(y > y0) & (y < y1) & (z > z0) & (z < z1) & (x > 1.9) & (x < 2.2)] = FREE
        cells = cells[~((cells[:, 0] > y0) & (cells[:, 0] < y1) & (cells[:, 1] > z0) & (cells[:, 1] < z1))]
    ground = np.array(list(itertools.product(np.arange(0.025, 3, 0.05), np.arange(0.225, 5.4, 0.05))))
    planes = [
        Plane(kind="floor", normal=UP, offset=0.0, points=np.c_[ground, np.zeros(len(ground))]),
        Plane(kind="wall", normal=np.array([-1.0, 0, 0]), offset=-2.0, points=np.c_[np.full(len(cells), 2.0), cells]),
    ]
    if seen_behind:
        points = np.c_[np.full(len(cells), 2.16), cells]
        planes.append(Plane(kind="wall", normal=np.array([1.0, 0, 0]), offset=2.16, points=points))
    return FreeSpace(states=states, origin=origin, voxel_size=VOXEL), planes


def test_a_door_and_a_window_with_their_size() -> None:
    grid, planes = walled(((1.0, 1.9), (0.0, 2.05)), ((3.2, 4.4), (0.9, 2.0)))
    door, window = sorted(find_openings(planes, grid), key=lambda opening: opening.kind)
    assert (door.kind, window.kind) == ("door", "window")
    assert door.width == pytest.approx(0.9, abs=2 * VOXEL) and door.height == pytest.approx(2.05, abs=2 * VOXEL)
    assert door.centre == pytest.approx([2.08, 1.45, 1.025], abs=VOXEL) and door.sill == 0.0
    assert window.width == pytest.approx(1.2, abs=2 * VOXEL) and window.height == pytest.approx(1.1, abs=2 * VOXEL)
    assert window.sill == pytest.approx(0.9, abs=2 * VOXEL) and window.centre == pytest.approx([2.08, 3.8, 1.45], abs=VOXEL)
    assert door.depth == window.depth == pytest.approx(0.16) and abs(door.normal[0]) == 1


def test_a_hole_up_to_the_ceiling_is_a_passage() -> None:
    grid, planes = walled(((2.0, 3.2), (0.0, 2.6)), seen_behind=False)
    (passage,) = find_openings(planes, grid)
    assert passage.kind == "passage" and passage.width == pytest.approx(1.2, abs=2 * VOXEL)


@pytest.mark.parametrize(
    "hole",
    [
        ((2.0, 2.2), (1.0, 1.2)),  # a pinhole
        ((0.2, 1.2), (0.0, 2.6)),  # the wall ends before the room does
        ((0.8, 4.0), (0.0, 2.6)),  # two walls in line across a room
    ],
)
def test_what_is_no_opening(hole: Hole) -> None:
    grid, planes = walled(hole)
    assert find_openings(planes, grid) == ()


def test_a_niche_is_no_opening() -> None:
    grid, planes = walled(((1.0, 1.9), (0.0, 2.05)), behind=0.0, seen_behind=False)
    grid.states[:, :, :][grid.centres(np.argwhere(grid.states >= 0))[:, 0].reshape(grid.states.shape) > 2.1] = UNSEEN
    assert find_openings(planes, grid) == ()


def test_a_torn_hole_is_no_window() -> None:
    grid, planes = walled(((3.2, 4.4), (0.9, 2.0)))
    rng = np.random.default_rng(1)
    y, z = np.meshgrid(*[o + (np.arange(n) + 0.5) * VOXEL for o, n in ((0.0, 140), (-0.4, 85))], indexing="ij")
    edge = 3.2 + 0.5 * rng.uniform(size=85)[None, :]
    wall = slice(50, 54)
    grid.states[wall][:, (y > 3.2) & (y < edge) & (z > 0.9) & (z < 2.0)] = SOLID
    assert find_openings(planes, grid) == ()


def test_no_slab_stands_in_an_opening() -> None:
    grid, planes = walled(((1.0, 1.9), (0.0, 2.05)), ((3.2, 4.4), (0.9, 2.0)))
    slabs = HullSet.of(named(make_slabs(tuple(planes), grid, thickness=0.3, max_count=200)))
    for opening in find_openings(planes, grid):
        low, high = opening.corners().min(axis=0) + VOXEL, opening.corners().max(axis=0) - VOXEL
        inside = np.random.default_rng(0).uniform(low, high, (2000, 3))
        assert not slabs.contains(inside).any()


def test_openings_survive_their_file(tmp_path) -> None:
    opening = Opening(
        kind="window",
        centre=np.array([1.0, 2.0, 1.5]),
        normal=np.array([0.0, -1.0, 0.0]),
        width=1.2,
        height=1.1,
        sill=0.95,
        depth=0.16,
    )
    Colliders(hulls=(), face_labels=np.zeros(0, np.uint8), facts=None, openings=(opening,)).save(tmp_path)
    (loaded,) = Colliders.load(tmp_path).openings
    assert loaded.to_json() == opening.to_json()
    assert np.ptp(loaded.corners(reach=0.1), axis=0) == pytest.approx([1.2, 0.36, 1.1])
