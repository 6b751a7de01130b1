"""What noisy depth does to surfaces: things in fragments, pierced walls, floors that lean by less than a voxel."""

import itertools

import numpy as np
import pytest

from lyra_sim.collision.clutter import make_clutter
from lyra_sim.collision.components import Component
from lyra_sim.collision.containment import HullSet
from lyra_sim.collision.pieces import Piece, named
from lyra_sim.collision.planes import Plane, _horizontal
from lyra_sim.collision.slabs import make_slabs
from lyra_sim.collision.surface import SurfaceSamples
from lyra_sim.collision.voxel_split import Part, merged, part_of_voxels
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace

VOXEL = 0.04
UP = np.array([0.0, 0.0, 1.0])
Block = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def space(shape: tuple[int, int, int], state: int) -> FreeSpace:
    return FreeSpace(states=np.full(shape, state, np.uint8), origin=np.zeros(3), voxel_size=VOXEL)


def block(free_space: FreeSpace, x: tuple[int, int], y: tuple[int, int], z: tuple[int, int]) -> np.ndarray:
    """Solid voxels, and their indices."""
    free_space.states[x[0] : x[1], y[0] : y[1], z[0] : z[1]] = SOLID
    return np.array(list(itertools.product(range(*x), range(*y), range(*z))))


def parts_of(free_space: FreeSpace, *blocks: Block) -> list[Part]:
    return [part_of_voxels(one, free_space, depth=0.05) for one in [block(free_space, *each) for each in blocks]]


def test_fragments_of_one_thing_share_a_hull() -> None:
    """A box that lost slices: what lies between its fragments was never seen to be free."""
    unseen = space((60, 30, 30), UNSEEN)
    fragments = parts_of(unseen, ((10, 20), (5, 15), (5, 15)), ((21, 24), (5, 15), (5, 15)), ((25, 29), (5, 15), (5, 15)))
    whole = merged(fragments, unseen, depth=0.05)
    assert len(whole) == 1
    assert len(whole[0].indices) == sum(len(fragment.indices) for fragment in fragments)
    assert whole[0].volume == pytest.approx(19 * 10 * 10 * VOXEL**3)


def test_two_things_across_free_air_stay_two() -> None:
    free = space((60, 30, 30), FREE)
    two = parts_of(free, ((5, 15), (5, 15), (5, 15)), ((20, 29), (5, 15), (5, 15)))
    assert merged(two, free, depth=0.05) == two


def test_things_far_apart_stay_two_even_in_unseen_space() -> None:
    unseen = space((60, 30, 30), UNSEEN)
    two = parts_of(unseen, ((5, 15), (5, 15), (5, 15)), ((24, 33), (5, 15), (5, 15)))
    assert merged(two, unseen, depth=0.05) == two


def test_merging_keeps_the_order() -> None:
    """Three things in falling order, with a fragment of the middle one at the end."""
    free = space((120, 30, 30), FREE)
    free.states[68:70] = UNSEEN
    parts = parts_of(
        free,
        ((10, 25), (5, 15), (5, 15)),
        ((55, 68), (5, 15), (5, 15)),
        ((90, 100), (5, 15), (5, 15)),
        ((70, 73), (5, 15), (5, 15)),
    )
    whole = merged(parts, free, depth=0.05)
    assert [int(part.indices[:, 0].min()) for part in whole] == [10, 55, 90]
    assert int(whole[1].indices[:, 0].max()) == 72


def clutter(components: list[np.ndarray], free_space: FreeSpace, *, budget: int) -> tuple[HullSet, dict]:
    pieces, facts = make_clutter(
        [Component(indices=indices, measured=len(indices), volume=len(indices) * VOXEL**3) for indices in components],
        free_space,
        concavity=0.05,
        max_hulls_per_component=24,
        max_vertices=60,
        mcts_iterations=10,
        budget=budget,
        seed=7,
    )
    return HullSet.of(named(pieces)), facts


def test_fragments_leave_hulls_for_a_large_lump() -> None:
    """An L of half a room beside thirty crumbs, on twenty hulls: its notch was seen to be free and stays so."""
    free = space((100, 70, 30), FREE)
    lump = np.concatenate([block(free, (5, 50), (5, 10), (2, 25)), block(free, (5, 10), (10, 50), (2, 25))])
    crumbs = [block(free, (60 + 6 * i, 63 + 6 * i), (5 + 8 * j, 8 + 8 * j), (2, 5)) for i in range(6) for j in range(5)]
    hulls, facts = clutter([lump, *crumbs], free, budget=20)
    assert facts["clutter_hulls"] <= 20 and facts["components_over_budget"] == 21
    air = np.array([[x, y, 12] for x in range(13, 49) for y in range(13, 49)])
    assert not hulls.contains(free.centres(air), margin=-0.05).any()
    assert hulls.contains(free.centres(lump), margin=1e-6).all()


def test_what_is_left_out_is_the_smallest_once_fragments_are_joined() -> None:
    """The last two components are one chest: joined, it is the largest, and no crumb before it takes its place."""
    free = space((100, 70, 30), FREE)
    crumbs = [block(free, (5 + 10 * i, 11 + 10 * i), (5, 10), (2, 7)) for i in range(6)]
    free.states[30:50, 40:60, :] = UNSEEN
    chest = [block(free, (33, 36), (42, 49), (2, 8)), block(free, (38, 41), (42, 49), (2, 8))]
    hulls, facts = clutter([*crumbs, *chest], free, budget=8)
    assert (facts["components_merged"], facts["components_over_budget"]) == (1, 3)
    assert hulls.contains(free.centres(np.concatenate(chest)), margin=1e-6).all()


def pierced_wall(y: tuple[float, float], z: tuple[float, float]) -> list[Piece]:
    """A room in x < 2 and a wall behind it, 0.4 m thick, with an opening; its slabs."""
    free_space = FreeSpace(states=np.full((80, 110, 80), UNSEEN, np.uint8), origin=np.array([0, 0, -0.4]), voxel_size=VOXEL)
    centres = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) * VOXEL for n in (80, 110, 80)], indexing="ij"), axis=-1) - [
        0,
        0,
        0.4,
    ]
    inside = (centres[..., 1] > 0.2) & (centres[..., 1] < 4.2) & (centres[..., 2] > 0) & (centres[..., 2] < 2.5)
    free_space.states[inside & (centres[..., 0] < 2.0)] = FREE
    free_space.states[inside & (centres[..., 0] > 2.0) & (centres[..., 0] < 2.4)] = SOLID
    opening = (centres[..., 1] > y[0]) & (centres[..., 1] < y[1]) & (centres[..., 2] > z[0]) & (centres[..., 2] < z[1])
    free_space.states[opening & (centres[..., 0] > 1.9)] = FREE
    grid = np.array(list(itertools.product(np.arange(0.225, 4.2, 0.05), np.arange(0.025, 2.5, 0.05))))
    seen = grid[~((grid[:, 0] > y[0]) & (grid[:, 0] < y[1]) & (grid[:, 1] > z[0]) & (grid[:, 1] < z[1]))]
    ground = np.array(list(itertools.product(np.arange(0.025, 2, 0.05), np.arange(0.225, 4.2, 0.05))))
    floor = Plane(kind="floor", normal=UP, offset=0.0, points=np.c_[ground, np.zeros(len(ground))])
    wall = Plane(kind="wall", normal=np.array([-1.0, 0, 0]), offset=-2.0, points=np.c_[np.full(len(seen), 2.0), seen])
    return make_slabs((floor, wall), free_space, thickness=0.3, max_count=200)


def test_a_pinhole_does_not_part_a_wall() -> None:
    slabs = pierced_wall((2.0, 2.1), (1.2, 1.3))
    walls = [piece for piece in slabs if piece.label == "wall"]
    assert len(walls) == 1
    assert HullSet.of(named(walls)).contains(np.array([[2.15, 2.05, 1.25]]))[0]


@pytest.mark.parametrize(("y", "z"), [((2.0, 2.5), (1.0, 1.5)), ((2.0, 2.9), (0.0, 2.05))])
def test_windows_and_doorways_stay_open(y: tuple[float, float], z: tuple[float, float]) -> None:
    slabs = pierced_wall(y, z)
    walls = HullSet.of(named([piece for piece in slabs if piece.label == "wall"]))
    margin = VOXEL
    within = np.array(
        [
            [2.1, a, b]
            for a in np.arange(y[0] + margin, y[1] - margin, 0.03)
            for b in np.arange(z[0] + margin, z[1] - margin, 0.03)
        ]
    )
    assert not walls.contains(within).any()
    beside = np.array([[2.1, y[0] - 0.1, 0.5 * sum(z)], [2.1, y[1] + 0.1, 0.5 * sum(z)], [2.1, 0.5 * sum(y), z[1] + 0.15]])
    assert walls.contains(beside).all()


def leaning(rise: float) -> SurfaceSamples:
    """A floor of 4 x 4 m that rises by so much along x [m]."""
    xy = np.array(list(itertools.product(np.arange(0, 4.01, 0.05), repeat=2)))
    points = np.c_[xy, rise * xy[:, 0] / 4]
    faces = np.zeros(len(points), np.int64)
    return SurfaceSamples(points=points, normals=np.tile(UP, (len(points), 1)), faces=faces, area=0.0025)


def test_a_floor_that_rises_by_less_than_a_voxel_is_level() -> None:
    (plane,) = _horizontal(leaning(0.03), 1.0, min_area=1.0, least_rise=VOXEL)
    assert np.array_equal(plane.normal, UP)
    assert plane.offset == pytest.approx(0.015, abs=1e-6)


def test_a_floor_that_rises_by_more_keeps_its_slope() -> None:
    (plane,) = _horizontal(leaning(0.06), 1.0, min_area=1.0, least_rise=VOXEL)
    assert -plane.normal[0] / plane.normal[2] == pytest.approx(0.015, rel=1e-6)
    assert np.abs(plane.distance(plane.points)).max() < 1e-9
