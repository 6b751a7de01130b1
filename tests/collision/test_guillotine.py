"""Lattices: racks and frames whose air only many cuts at once give back."""

import numpy as np
import pytest

from lyra_sim.collision.clutter.guillotine import Lattice, partition
from lyra_sim.collision.clutter.parts import part_of_voxels
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from tests.collision.spending import field_of, spend

VOXEL = 0.04
AISLE = (24, 46)
"""Voxels in y between the two racks."""


def hall(shape: tuple[int, int, int]) -> FreeSpace:
    return FreeSpace(states=np.full(shape, FREE, np.uint8), origin=np.zeros(3), voxel_size=VOXEL)


def rack(free_space: FreeSpace, y: int) -> np.ndarray:
    """Four frames of two uprights with braces across them, carrying three decks; 3.7 x 0.7 x 2.5 m. Its voxels."""
    states = np.zeros(free_space.states.shape, bool)
    for x in (5, 35, 65, 95):
        states[x : x + 2, y : y + 2, 0:62] = True
        states[x : x + 2, y + 16 : y + 18, 0:62] = True
        for foot in range(0, 48, 16):
            for step in range(18):
                z = foot + (step if foot % 32 == 0 else 17 - step)
                states[x : x + 2, y + step, z : z + 2] = True
    for z in (16, 38, 60):
        states[5:97, y : y + 18, z : z + 2] = True
    free_space.states[states] = SOLID
    return np.argwhere(states)


def blocked_columns(hulls: HullSet, free_space: FreeSpace, below: int) -> np.ndarray:
    """Columns with a voxel centre in a hull within the lowest ``below`` layers."""
    index = np.argwhere(np.ones((*free_space.states.shape[:2], below), bool))
    return hulls.contains(free_space.centres(index)).reshape(*free_space.states.shape[:2], below).any(axis=2)


def test_passages_between_and_under_racks_stay_open() -> None:
    """Two cross-braced racks on thirty hulls: who walks between them or crosses beneath a deck loses two voxels at most."""
    world = hall((102, 70, 66))
    racks = [rack(world, 6), rack(world, AISLE[1])]
    hulls, _, spending = spend(racks, world, budget=30)
    assert len(spending.parts) <= 30
    matter = np.concatenate(racks)
    assert hulls.contains(world.centres(matter), margin=VOXEL).mean() >= 0.98
    taken = blocked_columns(hulls, world, 15)
    assert not taken[:, AISLE[0] + 1 : AISLE[1] - 1].any()
    for left, right in ((7, 35), (37, 65), (67, 95)):
        assert not taken[left + 1 : right - 1].any(), "no way under the decks"


def test_a_turned_building_is_cut_along_its_own_walls() -> None:
    straight, turned = hall((102, 40, 66)), hall((110, 110, 66))
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rack(straight, 6)
    places = np.argwhere(np.ones(turned.states.shape[:2], bool))
    where = np.floor((places + 0.5 - [18.0, 0.0]) @ turn.T).astype(int)
    inside = ((where >= 0) & (where < straight.states.shape[:2])).all(axis=1)
    turned.states[tuple(places[inside].T)] = straight.states[tuple(where[inside].T)]
    voxels = np.argwhere(turned.states == SOLID)
    field = field_of(turned)
    whole = part_of_voxels(voxels, np.ones(len(voxels)), field).air

    def air(heading: float) -> int:
        lattice = Lattice.of(voxels, np.ones(len(voxels), bool), field, heading)
        assert lattice is not None
        (groups,) = partition([lattice], budget=16, price=2.0)
        assert len(groups) <= 16
        return sum(part_of_voxels(voxels[group], np.ones(len(group)), field).air for group in groups)

    assert air(angle) < 0.1 * whole
    assert air(angle) < 0.7 * air(0.0)


def test_a_dearer_hull_makes_fewer_pieces_and_every_voxel_is_in_one() -> None:
    world = hall((102, 40, 66))
    voxels = rack(world, 6)
    lattice = Lattice.of(voxels, np.ones(len(voxels), bool), field_of(world), 0.0)
    assert lattice is not None
    counts = []
    for price in (1.0, 1e2, 1e3, 1e4, 1e7):
        groups = lattice.groups(price)
        assert np.array_equal(np.sort(np.concatenate(groups)), np.arange(len(voxels)))
        counts.append(len(groups))
    assert counts == sorted(counts, reverse=True) and counts[-1] == 1 and counts[0] > 10


def test_a_table_is_a_top_and_four_legs() -> None:
    world = hall((60, 40, 30))
    world.states[5:45, 5:30, 18:20] = SOLID
    for x, y in ((5, 5), (43, 5), (5, 28), (43, 28)):
        world.states[x : x + 2, y : y + 2, 0:18] = SOLID
    voxels = np.argwhere(world.states == SOLID)
    lattice = Lattice.of(voxels, np.ones(len(voxels), bool), field_of(world), 0.0)
    assert lattice is not None
    sizes = sorted(len(group) for group in lattice.groups(50.0))
    assert sizes == [4 * 18] * 4 + [40 * 25 * 2]


def test_body_goes_with_the_skin_before_it_and_makes_no_piece_of_its_own() -> None:
    world = hall((40, 40, 20))
    world.states[5:20, 5:35, 0:12] = world.states[18:35, 5:12, 0:12] = SOLID
    voxels = np.argwhere(world.states == SOLID)
    skin = voxels[:, 0] >= 15
    lattice = Lattice.of(voxels, skin, field_of(world), 0.0)
    assert lattice is not None
    groups = lattice.groups(10.0)
    assert len(groups) > 1 and all(skin[group].any() for group in groups)
    assert np.isin(np.flatnonzero(skin), np.concatenate(groups)).all()
    assert not skin[np.concatenate(groups)].all()


@pytest.mark.parametrize("budget", [2, 7, 20, 40])
def test_no_more_pieces_than_there_is_room_for(budget: int) -> None:
    world = hall((102, 70, 66))
    field = field_of(world)
    lattices = []
    for y in (6, 46):
        voxels = rack(world, y)
        lattice = Lattice.of(voxels, np.ones(len(voxels), bool), field, 0.0)
        assert lattice is not None
        lattices.append(lattice)
    found = partition(lattices, budget=budget, price=2.0)
    assert sum(map(len, found)) <= budget


def test_a_niche_isnt_filled_by_a_stack_of_plates() -> None:
    """A plate of one layer takes no air by the gate's half voxel, but who drives there meets it: it has to cost."""
    world = hall((60, 60, 14))
    sofa = np.zeros(world.states.shape, bool)
    sofa[5:50, 5:50, 0:10] = True
    sofa[16:50, 16:50, 0:10] = False
    for z in range(0, 10, 2):
        sofa[5:50, 5:16, z] = sofa[5:16, 5:50, z] = True
        sofa[48:50, 5:8, z] = True
    world.states[sofa] = SOLID
    hulls, _, _ = spend([np.argwhere(sofa)], world, budget=12)
    assert blocked_columns(hulls, world, 10)[20:48, 20:48].mean() < 0.1
