"""The whole collide step on an analytic two-room flat: every gate figure against exact truth."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.measured.hull_figures import air_in_hulls, coverage, hull_figures, path_recall
from lyra_sim.data.colliders import LABELS, Collision
from lyra_sim.data.grid import FREE
from lyra_sim.navigation.reachable import clearance
from lyra_sim.navigation.spawns import PROBE_CLEARANCE
from lyra_sim.scene.spec import CollideConfig, NavigateConfig, RobotConfig
from lyra_sim.steps.collide import collide as collide_step
from tests.collision.flat import AIR, DOOR, FURNITURE, Flat


@cache
def flat() -> Flat:
    return Flat()


def collide(scene: Flat, out: Path, **collide_fields) -> Collision:
    solid = SimpleNamespace(mesh=scene.mesh, free_space=scene.free_space)
    world = SimpleNamespace(cameras=SimpleNamespace(centres=scene.camera_centres))
    cfg = SimpleNamespace(collide=CollideConfig(**collide_fields), robot=RobotConfig(), navigate=NavigateConfig(), seed=7)
    return collide_step.run(cfg, {"mesh": solid, "align": world}, out=out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("collide")


@pytest.fixture(scope="module")
def collision(folder) -> Collision:
    return collide(flat(), folder)


@pytest.fixture(scope="module")
def hulls(collision) -> HullSet:
    return HullSet.of(collision.colliders.hulls)


def test_main_floor_lies_where_it_was_measured(collision):
    tops = [hull.vertices[:, 2].max() for hull in collision.colliders.by_label("floor")]
    assert tops == pytest.approx([0.0], abs=0.002)
    assert all(hull.vertices[:, 2].min() < -0.29 for hull in collision.colliders.by_label("floor"))


def test_walls_lie_where_they_are_to_a_millimetre(collision):
    truth = {("x", 0.0), ("x", 5.0), ("x", 5.12), ("x", 9.0), ("y", 0.0), ("y", 4.5)}
    walls = [plane for plane in collision.colliders.facts.planes if plane.kind == "wall"]
    found = set()
    for wall in walls:
        axis = int(np.argmax(np.abs(wall["normal"])))
        assert abs(wall["normal"][axis]) > 0.9999
        position = wall["offset"] * wall["normal"][axis]
        nearest = min((abs(position - where), (name, where)) for name, where in truth if name == "xy"[axis])
        assert nearest[0] < 0.002
        found.add(nearest[1])
    assert found == truth


def test_coverage_of_the_measured_surface(hulls):
    assert coverage(hulls, flat().mesh, tolerance=flat().voxel) >= 0.98


def test_hulls_leave_known_free_space_free(hulls):
    air = air_in_hulls(hulls, flat().free_space)
    assert air.share_of_free <= 0.01 and air.share_of_hulls <= 0.01
    slabs = air_in_hulls(hulls, flat().free_space)
    assert slabs.deepest <= 2 * flat().voxel


def test_camera_path_stays_open(hulls):
    assert path_recall(hulls, flat().camera_centres, radius=0.2) == 1.0


def test_door_stays_open(hulls):
    y = np.arange(DOOR[0] - 0.2, DOOR[1] + 0.2, 0.002)
    for x in (5.02, 5.06, 5.10):
        for z in (0.1, 1.0, 1.9):
            taken = hulls.contains(np.column_stack([np.full_like(y, x), y, np.full_like(y, z)]))
            assert 0.82 <= (~taken).sum() * 0.002 <= 0.94


def test_interior_wall_has_its_true_thickness(collision):
    inner = [h for h in collision.colliders.by_label("wall") if 4.9 < h.vertices[:, 0].min() and h.vertices[:, 0].max() < 5.2]
    assert inner
    for hull in inner:
        assert np.ptp(hull.vertices[:, 0]) == pytest.approx(0.12, abs=0.003)


def test_budget_and_engine_limits(collision):
    figures = hull_figures(collision.colliders.hulls)
    assert figures.count <= 250 and figures.max_vertices <= 60
    assert figures.smallest_volume > 0


def test_hulls_contain_the_furniture(hulls):
    for low, high in FURNITURE:
        if min(np.array(high) - low) < 0.05:
            continue
        corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        assert hulls.contains(corners, margin=0.055).all()


def test_floor_has_no_seam_a_ball_could_fall_through(hulls):
    x, y = np.meshgrid(np.arange(0.01, 9.0, 0.013), np.arange(0.01, 4.5, 0.013), indexing="ij")
    assert hulls.contains(np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -0.01)])).all()
    corner = np.stack(np.meshgrid(*[np.arange(-0.2, 0.0, 0.01)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    assert hulls.contains(np.column_stack([corner, np.full(len(corner), 1.0)])).all()


def test_tiles_of_a_floor_reach_under_their_neighbours():
    """A ball at the seam, 8 cm deep after one step at 10 m/s, must find the top nearer than the side of some tile."""
    from lyra_sim.collision.planes.plane import Plane
    from lyra_sim.collision.planes.rectangles import Rectangle
    from lyra_sim.collision.planes.slabs import SEAM, Raster

    points = np.array([[0.0, 0, 0], [20, 0, 0], [0, 20, 0]])
    plane = Plane(kind="floor", normal=np.array([0.0, 0, 1]), offset=0.0, points=points)
    raster = Raster(plane=plane, axes=np.eye(3)[:2], low=np.zeros(2), shape=(400, 100), cell=0.05)
    spans = {
        label: sorted(
            (float(tile.points[:, 0].min()), float(tile.points[:, 0].max()))
            for tile in raster.box(Rectangle(i0=0, i1=400, j0=0, j1=100), 0.3, label)
        )
        for label in ("floor", "wall")
    }
    assert np.allclose(spans["floor"], [(0, 10 + SEAM), (10 - SEAM, 20)])
    assert np.allclose(spans["wall"], [(0, 10), (10, 20)])


def test_fences_stand_in_unseen_space_only(collision):
    fences = collision.colliders.by_label("unseen")
    assert fences and all(hull.seen == 0 for hull in fences)
    free = flat().free_space.centres(np.argwhere(flat().free_space.states == FREE))
    assert not HullSet.of(fences).contains(free).any()


def test_a_robot_cannot_leave_known_space(collision):
    """Flood a disc over everything no hull blocks: it must never stand where the map isn't free."""
    from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, blocked

    occupancy, robot = collision.navigation.occupancy, RobotConfig()
    grid = FloorGrid(origin=occupancy.origin, shape=occupancy.cells.shape, resolution=occupancy.resolution)
    band = FloorBand(normal=np.array([0.0, 0, 1]), offset=0.0, low=robot.band_low, high=robot.band_high)
    room = clearance(~blocked(collision.colliders.hulls, grid, band), occupancy.resolution)
    labels, _ = ndimage.label(room >= robot.radius)
    start = labels[tuple(occupancy.indices(collision.navigation.spawns[:1, :2])[0])]
    roams = (labels == start) & (start > 0)
    assert roams.sum() * occupancy.resolution**2 > 15
    strayed = roams & ~occupancy.free
    assert strayed.sum() * occupancy.resolution**2 < 0.05


def test_reachable_area_agrees_with_truth(collision):
    occupancy = collision.navigation.occupancy
    res = occupancy.resolution
    cells = np.argwhere(np.ones(occupancy.cells.shape, bool))
    xy = occupancy.centres(cells)
    truth = np.ones(len(xy), bool)
    for z in np.arange(0.12, 0.62, 0.05):
        truth &= flat().clear(np.column_stack([xy, np.full(len(xy), z)])) > 0
    for low, high in flat().hidden:
        truth &= ~((xy >= np.array(low[:2]) - 0.06) & (xy <= high[:2])).all(axis=1)
    truth = truth.reshape(occupancy.cells.shape)

    def reach(free):
        labels, _ = ndimage.label(clearance(free, res) >= 0.25)
        return labels == labels[tuple(occupancy.indices(np.array([[1.0, 1.0]]))[0])]

    mine, exact = reach(occupancy.free), reach(truth)
    assert (mine & exact).sum() / (mine | exact).sum() >= 0.90
    assert collision.navigation.reachable_area == pytest.approx(mine.sum() * res**2, rel=0.02)


def test_face_labels(collision):
    mesh = flat().mesh
    names = np.array(LABELS)[collision.colliders.face_labels]
    middle, normals = mesh.triangles.mean(axis=1), mesh.face_normals()
    assert (names[~mesh.face_seen] == "unseen").all() and (names[mesh.face_seen] != "unseen").all()
    flat_up = mesh.face_seen & (normals[:, 2] > 0.9)
    assert (names[flat_up & (np.abs(middle[:, 2]) < 0.01)] == "floor").mean() > 0.98
    on_table = flat_up & (np.abs(middle[:, 2] - 0.75) < 0.03)
    assert on_table.any() and (names[on_table] == "clutter").all()
    wall = mesh.face_seen & (normals[:, 1] > 0.9) & (np.abs(middle[:, 1]) < 0.01)
    assert (names[wall] == "wall").mean() > 0.95


def test_same_input_same_bytes(collision, folder, tmp_path):
    collide(flat(), tmp_path)
    for name in ("hulls.npz", "colliders.json", "navigation.json", "occupancy_map/map.png", "occupancy_map/map.yaml"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_saved_collision_loads_equal(collision, folder):
    loaded = collide_step.load(folder, {})
    assert [hull.name for hull in loaded.colliders.hulls] == [hull.name for hull in collision.colliders.hulls]
    assert np.array_equal(loaded.navigation.occupancy.cells, collision.navigation.occupancy.cells)
    assert np.array_equal(loaded.navigation.probes, collision.navigation.probes)
    assert np.array_equal(loaded.navigation.probe_room, collision.navigation.probe_room)


def test_probes_have_the_room_the_map_says(collision):
    occupancy, probes = collision.navigation.occupancy, collision.navigation.probes
    walls = occupancy.centres(np.argwhere(~occupancy.free))
    for point, room in zip(probes[:, :2], collision.navigation.probe_room, strict=True):
        corners = np.maximum(np.abs(walls - point) - occupancy.resolution / 2, 0.0)
        assert room >= PROBE_CLEARANCE
        # a transform between centres, less half a cell, is at most 0.21 cells too much towards a corner
        assert 0 <= room - np.linalg.norm(corners, axis=1).min() + 1e-9 <= 0.21 * occupancy.resolution


def test_tight_budget_is_kept(tmp_path):
    result = collide(flat(), tmp_path, max_hulls=24)
    assert len(result.colliders.hulls) <= 24
    assert result.colliders.by_label("floor") and result.colliders.by_label("wall")
    hulls = HullSet.of(result.colliders.hulls)
    assert air_in_hulls(hulls, flat().free_space).share_of_free <= 0.01
    assert path_recall(hulls, flat().camera_centres, radius=flat().voxel) == 1.0
    assert coverage(hulls, flat().mesh, tolerance=flat().voxel) >= 0.95


def test_the_door_is_told_of(collision):
    (door,) = collision.colliders.openings
    assert door.kind == "door" and door.width == pytest.approx(DOOR[1] - DOOR[0], abs=2 * flat().voxel)
    assert door.height == pytest.approx(2.05, abs=2 * flat().voxel)


def test_nothing_goes_without_a_hull_and_the_way_needed_no_cut(collision):
    facts = collision.colliders.facts
    assert facts.clutter.components_over_budget == 0 and facts.clutter.coacd_fallbacks == ()
    assert facts.cut_for_camera_path == 0


def test_a_measured_face_whose_voxel_was_not_decided_gets_a_hull():
    """The table's top as the grid knows it is gone; the surface still has it, seen from above."""
    from dataclasses import replace

    from lyra_sim.collision.measured.measured_voxels import with_surface

    grid = flat().free_space
    states = grid.states.copy()
    low, high = (grid.indices(np.array([corner]))[0] for corner in FURNITURE[0])
    top = states[low[0] : high[0] + 1, low[1] : high[1] + 1, low[2] - 1 : high[2] + 1]
    top[top == 1] = 0
    mended, _ = with_surface(replace(grid, states=states), flat().mesh)
    count = (mended.states[low[0] : high[0] + 1, low[1] : high[1] + 1, low[2] - 1 : high[2] + 1] == 1).sum()
    assert count >= 0.9 * 1.4 * 0.8 / flat().voxel ** 2
    assert np.array_equal(mended.states == FREE, grid.states == FREE)


def test_sunken_level_gets_its_own_floor_and_no_lid():
    """Room two lies 0.5 m lower: no slab of the main floor may close it off, and its own floor must be found."""
    from lyra_sim.collision.convex.pieces import named
    from lyra_sim.collision.planes.plane_finding import find_planes
    from lyra_sim.collision.planes.slabs import make_slabs

    air = (AIR[0], ((5.12, 0.0, -0.5), (9.0, 4.5, 2.6)), AIR[2])
    scene = Flat(air=air, furniture=(), hidden=())
    planes = find_planes(scene.mesh, scene.free_space, scene.camera_centres)
    floors = [plane for plane in planes if plane.kind == "floor"]
    assert [round(plane.height, 2) for plane in floors] == [0.0, -0.5]
    slabs = HullSet.of(named(make_slabs(planes, scene.free_space, thickness=0.3, max_count=100)))
    x, y = np.meshgrid(np.arange(5.2, 8.95, 0.05), np.arange(0.1, 4.4, 0.05), indexing="ij")
    for z, expected in ((-0.25, False), (-0.51, True)):
        inside = slabs.contains(np.column_stack([x.ravel(), y.ravel(), np.full(x.size, z)]))
        assert inside.all() if expected else not inside.any()
    upper = slabs.contains(np.column_stack([x.ravel() - 5.1, y.ravel(), np.full(x.size, -0.01)]))
    assert upper.all()


def test_no_slab_is_a_sliver(collision):
    """Floor and walls: the longest side along principal directions stays under 60 times the thickness."""
    from lyra_sim.collision.convex.slender import _longest, _thinnest

    for hull in collision.colliders.hulls:
        corners = hull.vertices.astype(np.float64)
        assert _longest(corners)[1] <= 60 * _thinnest(corners, hull.faces)[1], hull.name
