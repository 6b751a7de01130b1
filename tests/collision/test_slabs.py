"""Slabs end where their wall does."""

import itertools

import numpy as np

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import named
from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.slabs import make_slabs
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace

VOXEL = 0.04
UP = np.array([0.0, 0.0, 1.0])


def points(u: tuple[float, float], v: tuple[float, float]) -> np.ndarray:
    return np.array(list(itertools.product(np.arange(u[0], u[1], 0.05), np.arange(v[0], v[1], 0.05))))


def test_a_wall_that_ends_at_a_thinner_one_does_not_go_on_into_the_room_behind() -> None:
    """A T of two walls: one 0.16 m thick at x = 2 seen from both sides; the other, at y = 2, ends at it, and nobody saw its
    back. Walls are drawn 0.3 m longer than they were seen, to meet their corners: 0.14 m of that would stand in the room
    behind."""
    shape, origin = (100, 100, 85), np.array([0.0, 0.0, -0.4])
    x, y, z = np.meshgrid(*[o + (np.arange(n) + 0.5) * VOXEL for o, n in zip(origin, shape, strict=True)], indexing="ij")
    states = np.full(shape, UNSEEN, np.uint8)
    high = (z > 0) & (z < 2.5)
    states[high & (x > 0.2) & (x < 2.0) & (y > 0.2) & (y < 2.0)] = FREE
    states[high & (x > 2.16) & (x < 3.8) & (y > 0.2) & (y < 3.8)] = FREE
    states[high & (x > 2.0) & (x < 2.16) & (y > 0.2) & (y < 3.8)] = SOLID
    ground = points((0.2, 3.8), (0.2, 3.8))
    near, far, end = points((0.2, 2.0), (0.0, 2.5)), points((0.2, 3.8), (0.0, 2.5)), points((0.2, 2.0), (0.0, 2.5))
    planes = (
        Plane(kind="floor", normal=UP, offset=0.0, points=np.c_[ground, np.zeros(len(ground))]),
        Plane(kind="wall", normal=np.array([-1.0, 0, 0]), offset=-2.0, points=np.c_[np.full(len(near), 2.0), near]),
        Plane(kind="wall", normal=np.array([1.0, 0, 0]), offset=2.16, points=np.c_[np.full(len(far), 2.16), far]),
        Plane(
            kind="wall", normal=np.array([0, -1.0, 0]), offset=-2.0, points=np.c_[end[:, 0], np.full(len(end), 2.0), end[:, 1]]
        ),
    )
    grid = FreeSpace(states=states, origin=origin, voxel_size=VOXEL)
    hulls = HullSet.of(named(make_slabs(planes, grid, thickness=0.3, max_count=60)))
    behind = np.array([[2.22, y, 1.0] for y in (2.05, 2.15, 2.25)])
    assert not hulls.contains(behind).any()
    assert hulls.contains(np.array([[1.9, 2.1, 1.0], [2.08, 2.1, 1.0], [2.08, 1.0, 1.0]])).all()
