"""What noisy depth does to surfaces: things in fragments, pierced walls, floors that lean by less than a voxel."""

import itertools

import numpy as np
import pytest

from lyra_sim.collision.clutter.components import find_components
from lyra_sim.collision.clutter.hull_budget import Spending
from lyra_sim.collision.clutter.lasting_slabs import LASTING_AREA, lasting_and_loose, skin_of, surface_worth
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.collision.measured.measured_voxels import VoxelSurface, with_surface
from lyra_sim.collision.measured.surface_samples import SurfaceSamples
from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.plane_finding import _horizontal
from lyra_sim.collision.planes.slabs import make_slabs
from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.data.mesh import TriMesh
from tests.boxes import box_corners
from tests.collision.spending import account, field_of, part, spend

VOXEL = 0.04
UP = np.array([0.0, 0.0, 1.0])
UNSAMPLED = VoxelSurface(voxels=np.zeros(0, np.int64), points=np.zeros((0, 3)))
"""No surface but the voxels' centres."""
Block = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def space(shape: tuple[int, int, int], state: int) -> FreeSpace:
    return FreeSpace(states=np.full(shape, state, np.uint8), origin=np.zeros(3), voxel_size=VOXEL)


def block(free_space: FreeSpace, x: tuple[int, int], y: tuple[int, int], z: tuple[int, int]) -> np.ndarray:
    """Solid voxels, and their indices."""
    free_space.states[x[0] : x[1], y[0] : y[1], z[0] : z[1]] = SOLID
    return np.array(list(itertools.product(range(*x), range(*y), range(*z))))


def joined(free_space: FreeSpace, *blocks: Block) -> Spending:
    """The account once everything was joined that may be."""
    lumps = [block(free_space, *each) for each in blocks]
    field = field_of(free_space)
    spending = account(free_space, field)
    spending.add([part(one, free_space, field) for one in lumps])
    spending.join_free()
    return spending


def test_fragments_of_one_thing_share_a_hull() -> None:
    """A box that lost slices: what lies between its fragments was never seen to be free."""
    unseen = space((60, 30, 30), UNSEEN)
    whole = joined(unseen, ((10, 20), (5, 15), (5, 15)), ((21, 24), (5, 15), (5, 15)), ((25, 29), (5, 15), (5, 15)))
    (one,) = whole.parts.values()
    assert len(one.indices) == (10 + 3 + 4) * 10 * 10
    assert one.volume == pytest.approx(19 * 10 * 10 * VOXEL**3)


def test_two_things_across_free_air_stay_two() -> None:
    free = space((60, 30, 30), FREE)
    assert len(joined(free, ((5, 15), (5, 15), (5, 15)), ((20, 29), (5, 15), (5, 15))).parts) == 2


def test_things_far_apart_stay_two_even_in_unseen_space() -> None:
    unseen = space((60, 30, 30), UNSEEN)
    assert len(joined(unseen, ((5, 15), (5, 15), (5, 15)), ((24, 33), (5, 15), (5, 15))).parts) == 2


def test_of_three_things_a_fragment_joins_the_one_that_costs_no_air() -> None:
    free = space((120, 30, 30), FREE)
    free.states[68:70] = UNSEEN
    whole = joined(
        free,
        ((10, 25), (5, 15), (5, 15)),
        ((55, 68), (5, 15), (5, 15)),
        ((90, 100), (5, 15), (5, 15)),
        ((70, 73), (5, 15), (5, 15)),
    )
    reach = sorted((int(one.indices[:, 0].min()), int(one.indices[:, 0].max())) for one in whole.parts.values())
    assert reach == [(10, 24), (55, 72), (90, 99)]


def test_a_starved_budget_plugs_no_room_and_keeps_the_large() -> None:
    """An L of half a room beside thirty crumbs, on twenty hulls: its notch was seen to be free and stays so."""
    free = space((100, 70, 30), FREE)
    lump = np.concatenate([block(free, (5, 50), (5, 10), (2, 25)), block(free, (5, 10), (10, 50), (2, 25))])
    crumbs = [block(free, (60 + 6 * i, 63 + 6 * i), (5 + 8 * j, 8 + 8 * j), (2, 5)) for i in range(6) for j in range(5)]
    hulls, _, spending = spend([lump, *crumbs], free, budget=20)
    assert len(spending.parts) == 20
    air = np.array([[x, y, 12] for x in range(13, 49) for y in range(13, 49)])
    assert not hulls.contains(free.centres(air), margin=-0.05).any()
    assert hulls.contains(free.centres(lump), margin=1e-6).all()
    assert not spending.dropped, "crumbs 20 cm apart share hulls before any goes without"


def test_what_stands_apart_goes_before_a_room_is_plugged() -> None:
    """The same with crumbs that no hull can reach two of: they are worth less than the notch, and are told of."""
    free = space((130, 100, 30), FREE)
    lump = np.concatenate([block(free, (5, 50), (5, 10), (2, 25)), block(free, (5, 10), (10, 50), (2, 25))])
    crumbs = [block(free, (60 + 12 * i, 62 + 12 * i), (5 + 12 * j, 7 + 12 * j), (26, 28)) for i in range(5) for j in range(5)]
    hulls, _, spending = spend([lump, *crumbs], free, budget=15)
    assert len(spending.parts) == 15 and len(spending.dropped) == 12
    air = np.array([[x, y, 12] for x in range(13, 49) for y in range(13, 49)])
    assert not hulls.contains(free.centres(air), margin=-0.05).any()
    assert hulls.contains(free.centres(lump), margin=1e-6).all()


def test_a_truss_is_cut_before_it_is_given_up() -> None:
    """Beams under a roof, all in one lump whose single hull takes far more air than its surface is worth."""
    free = space((120, 120, 60), FREE)
    beams = [block(free, (5, 115), (5 + 22 * i, 8 + 22 * i), (50, 53)) for i in range(6)]
    beams += [block(free, (5 + 53 * i, 8 + 53 * i), (5, 115), (50, 53)) for i in range(3)]
    crumbs = [block(free, (10 + 20 * i, 13 + 20 * i), (10, 13), (2, 5)) for i in range(4)]
    truss = np.unique(np.concatenate(beams), axis=0)
    hulls, _, spending = spend([truss, *crumbs], free, budget=24)
    assert not spending.dropped
    assert hulls.contains(free.centres(truss), margin=0.5 * VOXEL).all()
    air = free.centres(np.argwhere(free.states == FREE))
    assert hulls.contains(air, margin=-VOXEL / 2).mean() < 0.002


def test_matter_in_the_robots_way_outlasts_matter_above_it() -> None:
    free = space((80, 80, 60), FREE)
    low = [block(free, (5 + 12 * i, 8 + 12 * i), (5, 8), (2, 5)) for i in range(5)]
    high = [block(free, (5 + 12 * i, 8 + 12 * i), (60, 63), (50, 53)) for i in range(5)]
    hulls, _, spending = spend([*high, *low], free, budget=5)
    assert len(spending.dropped) == 5
    assert hulls.contains(free.centres(np.concatenate(low)), margin=1e-6).all()
    assert not hulls.contains(free.centres(np.concatenate(high))).any()


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


def test_a_vaulted_roof_does_not_take_the_hulls_of_what_stands_below() -> None:
    """Strips of ceiling compete like clutter: only the floor and walls keep their hulls whatever they cost."""
    world = space((60, 60, 60), FREE)
    world.states[:, :, :2] = world.states[:2] = SOLID
    slabs = [
        Piece(label="floor", points=box_corners(np.array([0.0, 0.0, -0.2]), np.array([2.4, 2.4, 0.08]))),
        Piece(label="wall", points=box_corners(np.array([-0.2, 0.0, 0.0]), np.array([0.08, 2.4, 2.4]))),
    ]
    for strip in range(3):
        world.states[:, 20 * strip : 20 * (strip + 1), 57 - strip :] = SOLID
        low, high = np.array([0.0, 0.8 * strip, (57 - strip) * VOXEL]), np.array([2.4, 0.8 * (strip + 1), 2.5])
        slabs.append(Piece(label="ceiling", points=box_corners(low, high)))
    floor, skin = (UP, 0.08), skin_of(world)
    worth = surface_worth(skin, world, floor, 0.62)
    lasting, loose = lasting_and_loose(
        slabs, world, field_of(world), worth=worth, skin=skin, surface=UNSAMPLED, floor=floor, budget=250
    )
    assert [slab.label for slab in lasting] == ["floor", "wall"]
    assert [part.label for part in loose] == ["ceiling"] * 3
    assert all(len(part.indices) * VOXEL**2 > LASTING_AREA for part in loose)


@pytest.mark.parametrize(("out", "left"), [(0.8, False), (1.2, True)])
def test_a_layer_before_a_slab_gets_a_hull_where_its_surface_is_beyond_a_voxel(out: float, left: bool) -> None:
    """A casing on a wall and a rug on a floor, one layer of voxels: whether the slab stands for them is up to their surface."""
    world = space((60, 60, 60), FREE)
    world.states[:, :, :2] = SOLID
    world.states[20:30, :, :] = SOLID
    casing, rug = np.zeros_like(world.states, bool), np.zeros_like(world.states, bool)
    casing[19, 30:36, 3:] = rug[40:50, 10:30, 2] = True
    world.states[casing | rug] = SOLID
    wall = Piece(label="wall", points=box_corners(np.array([20 * VOXEL, 0.0, 0.0]), np.array([30 * VOXEL, 2.4, 2.4])))
    floor = Piece(label="floor", points=box_corners(np.array([0.0, 0.0, -0.2]), np.array([2.4, 2.4, 2 * VOXEL])))
    indices = np.argwhere(casing | rug)
    points = world.centres(indices)
    points[casing[tuple(indices.T)], 0] = (20 - out) * VOXEL
    points[rug[tuple(indices.T)], 2] = (2 + out) * VOXEL
    surface = VoxelSurface(voxels=np.ravel_multi_index(tuple(indices.T), world.states.shape), points=points)
    components, _ = find_components(world, surface, HullSet.of(named([floor, wall])))
    assert [len(one.indices) for one in components] == ([casing.sum(), rug.sum()] if left else [])


def test_the_surface_of_a_voxel_is_finer_than_its_grid() -> None:
    """A floor of two triangles, 1.3 cm up in its voxels of 4 cm: they know it but for a few that no sample met."""
    world = space((20, 20, 10), FREE)
    world.states[:, :, :3] = UNSEEN
    side, top = 20 * VOXEL, 2 * VOXEL + 0.013
    corners = np.array([[0, 0, top], [side, 0, top], [side, side, top], [0, side, top]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    mesh = TriMesh(vertices=corners, faces=faces, colors=np.zeros((4, 3), np.uint8), face_seen=np.ones(2, bool))
    mended, surface = with_surface(world, mesh)
    solid = np.argwhere(mended.states == SOLID)
    assert len(solid) > 390 and set(solid[:, 2]) == {2}
    np.testing.assert_allclose(surface.of(solid, mended)[:, 2], top, atol=1e-6)
    other = np.array([[3, 3, 1]])
    np.testing.assert_allclose(surface.of(other, mended), mended.centres(other))
