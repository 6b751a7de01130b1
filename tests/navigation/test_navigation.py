"""Map, reachable space, planner and choices on hand-made plans with known answers."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.navigation import Doorway, Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.errors import GeometryError
from lyra_sim.navigation.convex_raster import cells_touched
from lyra_sim.navigation.doorways import along, find_doorways
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, blocked, floor_tops, make_map
from lyra_sim.navigation.planner import Planner
from lyra_sim.navigation.reachable import clearance, reachable
from lyra_sim.navigation.routes import choose_routes, route_coverage
from lyra_sim.navigation.spawns import floor_probes, spawn_poses
from tests.boxes import box_corners

BAND = FloorBand(normal=np.array([0.0, 0.0, 1.0]), offset=0.0, low=0.1, high=0.62)


def plan_with_wall() -> OccupancyMap:
    """6 x 4 m of free floor, a wall at x = 3 with a 1 m gap at the top (y > 3)."""
    cells = np.full((120, 80), FREE_CELL, np.uint8)
    cells[58:62, :60] = OCCUPIED
    return OccupancyMap(cells=cells, origin=np.array([-1.0, 2.0]), resolution=0.05)


def small_world():
    """An L of floor, one crate, one hanging shelf above the band, one fence; all of it seen free but a far corner."""
    states = np.full((40, 30, 25), FREE, np.uint8)
    states[:, :, :5] = 0
    states[30:, 20:, :] = 0
    free_space = FreeSpace(states=states, origin=np.array([0.0, 0.0, -0.2]), voxel_size=0.04)
    boxes = {
        "floor": [((0.0, 0.0, -0.3), (1.6, 0.9, 0.0))],
        "clutter": [((0.4, 0.2, 0.0), (0.6, 0.3, 0.5)), ((1.0, 0.2, 0.7), (1.4, 0.6, 0.8))],
        "unseen": [((0.2, 0.6, 0.0), (0.3, 0.8, 0.7))],
    }
    pieces = [
        Piece(label=label, points=box_corners(np.array(a), np.array(b))) for label, rows in boxes.items() for a, b in rows
    ]
    return named(pieces), free_space


def test_map_of_hulls_is_exact():
    hulls, free_space = small_world()
    grid = FloorGrid.over(free_space, 0.05)
    cells = make_map(hulls, free_space, grid, BAND).cells
    assert cells.shape == (32, 24)
    crate = np.zeros(cells.shape, bool)
    crate[8:12, 4:6] = True
    assert np.array_equal(cells == OCCUPIED, crate), "only the crate blocks: the shelf hangs above the band"
    assert (cells[4:6, 12:16] == UNKNOWN).all(), "a fence is unknown, never occupied"
    assert (cells[:, 18:] == UNKNOWN).all(), "no slab carries y > 0.9 m"
    assert (cells[25:, 17:] == UNKNOWN).all(), "nobody saw the corner"
    assert cells[1, 1] == FREE_CELL and cells[22, 8] == FREE_CELL


@pytest.mark.parametrize(("reach", "blocks"), [(0.0008, False), (0.0015, True)])
@pytest.mark.parametrize("axis", [0, 2])
def test_a_hull_that_grazes_a_cell_or_the_band_does_not_block_it(reach: float, blocks: bool, axis: int):
    """A wall on a cell's edge, a shelf at the band's top: engines don't feel a fraction of a millimetre."""
    low, high = np.array([0.4, 0.0, 0.0]), np.array([0.6, 0.9, 0.7])
    if axis == 0:
        low[0] -= reach
    else:
        low[2] = BAND.high - reach
    (hull,) = named([Piece(label="wall", points=box_corners(low, high))])
    mask = blocked([hull], FloorGrid(origin=np.zeros(2), shape=(20, 20), resolution=0.05), BAND)
    assert mask[7 if axis == 0 else 10, 5] == blocks


def test_a_robot_keeps_the_room_that_a_grazing_hull_may_take():
    """At exactly its radius from an occupied cell, a hull could stand a millimetre inside the robot."""
    plan = plan_with_wall()
    room = clearance(plan.free, plan.resolution)
    exact = float(room[40, 20])
    centres = np.array([[1.0, 3.0, 0.5]])
    assert reachable(plan, exact - 0.002, centres)[0][room == exact].any()
    assert not reachable(plan, exact, centres)[0][room == exact].any()


def test_thin_diagonal_plate_blocks_every_cell_it_crosses():
    _, free_space = small_world()
    ring = np.array([[0.1, 0.1], [1.5, 0.8]])
    across = np.array([-0.001, 0.002])
    points = [np.append(p + s * across, z) for p in ring for s in (0, 1) for z in (0.0, 0.5)]
    hull = named([Piece(label="wall", points=np.array(points))])
    grid = FloorGrid.over(free_space, 0.05)
    cells = make_map(hull, free_space, grid, BAND).cells
    line = ring[0] + np.linspace(0.001, 0.999, 3000)[:, None] * (ring[1] - ring[0]) + across / 2
    index = np.floor(line / 0.05 + 1e-9).astype(int)
    assert (cells[tuple(index.T)] == OCCUPIED).all()


def test_png_orientation(tmp_path):
    cells = np.full((4, 3), UNKNOWN, np.uint8)
    cells[0, 0], cells[3, 0], cells[0, 2] = OCCUPIED, FREE_CELL, FREE_CELL
    made = OccupancyMap(cells=cells, origin=np.array([1.0, -2.0]), resolution=0.5)
    made.save(tmp_path)
    image = np.asarray(Image.open(tmp_path / "map.png"))
    assert image.shape == (3, 4), "width is x, height is y"
    assert image[2, 0] == OCCUPIED, "low x, low y is the bottom-left pixel"
    assert image[2, 3] == FREE_CELL and image[0, 0] == FREE_CELL
    assert np.array_equal(OccupancyMap.load(tmp_path).cells, cells)


def test_clearance_is_exact_on_a_strip():
    free = np.zeros((9, 50), bool)
    free[2:7] = True
    assert clearance(free, 0.1)[4, 25] == pytest.approx(0.25)
    assert clearance(np.ones((9, 50), bool), 0.1)[0, 25] == pytest.approx(0.05), "beyond the map nothing is free"


def test_reachable_stops_at_a_gap_too_narrow():
    plan = plan_with_wall()
    camera = np.array([[0.0, 3.0, 1.2]])
    wide, _ = reachable(plan, 0.25, camera)
    assert wide[20, 20] and wide[100, 20]
    narrow, _ = reachable(plan, 0.55, camera)
    assert narrow[25, 25] and not narrow[100, 30]
    nowhere, _ = reachable(plan, 3.0, camera)
    assert not nowhere.any()


def test_planned_path_keeps_its_distance_and_is_short():
    plan = plan_with_wall()
    reach, room = reachable(plan, 0.25, np.array([[0.0, 3.0, 1.2]]))
    start, goal = np.array([0.0, 3.0]), np.array([4.0, 3.0])
    path = Planner(plan, reach, room, 0.25).plan(start, goal)
    assert np.array_equal(path[0], start) and np.array_equal(path[-1], goal)
    assert 4 <= len(path) <= 14
    blocked = plan.centres(np.argwhere(~plan.free))
    points = np.concatenate([a + np.linspace(0, 1, 200)[:, None] * (b - a) for a, b in pairwise(path)])
    gap = np.linalg.norm(np.maximum(np.abs(points[:, None] - blocked[None]) - 0.025, 0), axis=2).min()
    assert gap >= 0.25 - 0.005
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    corner = np.array([[1.65, 5.25], [2.35, 5.25]])
    ideal = np.linalg.norm(np.diff(np.vstack([start, corner, goal]), axis=0), axis=1).sum()
    assert length < 1.12 * ideal


def test_planner_refuses_an_end_in_a_wall():
    plan = plan_with_wall()
    reach, room = reachable(plan, 0.25, np.array([[0.0, 3.0, 1.2]]))
    with pytest.raises(GeometryError, match=r"its goal .* isn't reachable"):
        Planner(plan, reach, room, 0.25).plan(np.array([0.0, 3.0]), np.array([2.0, 3.0]))


def test_routes_are_long_clear_and_repeat():
    plan = plan_with_wall()
    reach, room = reachable(plan, 0.25, np.array([[0.0, 3.0, 1.2]]))
    make = lambda seed: choose_routes(plan, reach, room, radius=0.25, count=6, min_length=3.0, seed=seed)  # noqa: E731
    routes = make(7)
    assert len(routes) == 6 and all(route.length >= 3.0 for route in routes)
    ends = np.array([route.waypoints[[0, -1]] for route in routes]).reshape(-1, 2)
    assert np.ptp(ends[:, 0]) > 4.0 and np.ptp(ends[:, 1]) > 2.5
    for route, again in zip(routes, make(7), strict=True):
        assert np.array_equal(route.waypoints, again.waypoints)
        line = [a + np.linspace(0, 1, 100)[:, None] * (b - a) for a, b in pairwise(route.waypoints)]
        assert (plan.sample(np.concatenate(line)) == FREE_CELL).all()


def test_no_room_gives_no_routes():
    plan = plan_with_wall()
    nothing = np.zeros(plan.cells.shape, bool)
    assert choose_routes(plan, nothing, np.zeros(nothing.shape), radius=0.25, count=3, min_length=3.0, seed=1) == ()
    assert spawn_poses(plan, nothing, np.zeros(nothing.shape)).shape == (0, 3)


def test_spawns_are_roomy_and_face_open_floor():
    plan = plan_with_wall()
    reach, room = reachable(plan, 0.25, np.array([[0.0, 3.0, 1.2]]))
    spawns = spawn_poses(plan, reach, room)
    gaps = room[tuple(plan.indices(spawns).T)]
    assert gaps[0] == room[reach].max() and (np.diff(gaps) <= 1e-9).all() and len(spawns) >= 4
    ahead = spawns[:, :2] + 0.4 * np.column_stack([np.cos(spawns[:, 2]), np.sin(spawns[:, 2])])
    assert (plan.sample(ahead) == FREE_CELL).all()


def test_probes_spread_over_free_cells():
    plan = plan_with_wall()
    room = clearance(plan.free, plan.resolution)
    probes, gap = floor_probes(plan, room, count=40, seed=3)
    assert len(probes) == 40 and (plan.sample(probes) == FREE_CELL).all()
    distance = np.linalg.norm(probes[:, None] - probes[None], axis=2) + np.eye(40) * 9
    assert distance.min() > 0.4
    assert np.array_equal(probes, floor_probes(plan, room, count=40, seed=3)[0])
    open_cells = plan.centres(np.argwhere(room >= 0.06))
    assert gap == pytest.approx(np.linalg.norm(open_cells[:, None] - probes[None], axis=2).min(axis=1).max())
    assert gap < 1.0


def test_every_patch_of_floor_gets_a_probe_and_none_is_asked_for_twice():
    cells = np.full((60, 60), OCCUPIED, np.uint8)
    cells[2:40, 2:40] = FREE_CELL
    cells[50:55, 50:55] = FREE_CELL  # a niche of its own
    cells[50:54, 2:6] = FREE_CELL
    plan = OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.05)
    room = clearance(plan.free, plan.resolution)
    probes, _ = floor_probes(plan, room, count=4, seed=3)
    index = plan.indices(probes)
    assert ((index >= 50).all(axis=1)).any() and ((index[:, 0] >= 50) & (index[:, 1] < 6)).any()
    everywhere, gap = floor_probes(plan, room, count=100_000, seed=3)
    assert len(np.unique(everywhere, axis=0)) == len(everywhere) == np.count_nonzero(room >= 0.06) and gap == 0.0
    nowhere, gap = floor_probes(plan, np.zeros(room.shape), count=9, seed=3)
    assert nowhere.shape == (0, 2) and gap == np.inf


def flat_of_three_rooms():
    """Rooms A and B side by side, joined by two doors of 0.9 and 0.7 m; C above B, through one of 1.1 m."""
    cells = np.full((164, 164), FREE_CELL, np.uint8)
    cells[:2] = cells[-2:] = OCCUPIED
    cells[:, :2] = cells[:, -2:] = OCCUPIED
    cells[80:84] = OCCUPIED
    cells[80:, 80:84] = OCCUPIED
    cells[80:84, 20:38] = FREE_CELL
    cells[80:84, 60:74] = FREE_CELL
    cells[120:142, 80:84] = FREE_CELL
    return OccupancyMap(cells=cells, origin=np.array([0.0, 0.0]), resolution=0.05)


DOORS = {(4.1, 1.45): 0.9, (4.1, 3.35): 0.7, (6.55, 4.1): 1.1}


def test_doorways_are_found_where_they_are_and_as_wide():
    plan = flat_of_three_rooms()
    reach, room = reachable(plan, 0.25, np.array([[1.0, 1.0, 1.0]]))
    doors = find_doorways(reach, room)
    assert len(doors) == 3
    for place, width in zip(plan.centres(doors.cells), doors.widths, strict=True):
        near = min(DOORS, key=lambda door: float(np.linalg.norm(place - door)))
        assert np.linalg.norm(place - near) < 0.15
        assert width == pytest.approx(DOORS[near], abs=0.051)


def test_a_room_with_a_pillar_has_no_doorways():
    cells = np.full((120, 120), FREE_CELL, np.uint8)
    cells[:2] = cells[-2:] = OCCUPIED
    cells[:, :2] = cells[:, -2:] = OCCUPIED
    cells[56:64, 56:64] = OCCUPIED
    plan = OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.05)
    reach, room = reachable(plan, 0.25, np.array([[1.0, 1.0, 1.0]]))
    assert len(find_doorways(reach, room)) == 0
    assert len(find_doorways(np.zeros_like(reach), room)) == 0


def test_a_door_too_narrow_for_the_robot_is_none_of_its_doorways():
    plan = flat_of_three_rooms()
    reach, room = reachable(plan, 0.4, np.array([[1.0, 1.0, 1.0]]))
    widths = find_doorways(reach, room).widths
    assert len(widths) == 2 and widths.min() > 0.8


def test_routes_go_through_every_doorway_and_are_known_to():
    plan = flat_of_three_rooms()
    reach, room = reachable(plan, 0.25, np.array([[1.0, 1.0, 1.0]]))
    doors = find_doorways(reach, room)
    for count in (1, 6, 20):
        routes = choose_routes(plan, reach, room, radius=0.25, count=count, min_length=3.0, seed=7)
        assert len(routes) >= count
        rows = doors.table(routes, plan)
        assert all(row.routes for row in rows), rows
        for row in rows:  # against geometry: the named routes step over the sill, and no others do
            for route in routes:
                way = along(route.waypoints, 0.01)
                over = np.linalg.norm(way - (row.x, row.y), axis=1) <= row.width / 2
                across = 1 if row.width > 1.0 else 0
                sides = np.sign(way[over][:, across] - 4.1)
                assert (route.name in row.routes) == (len(np.unique(sides[sides != 0])) == 2)
    assert route_coverage(plan, reach, routes) > 0.9
    assert route_coverage(plan, reach, routes[:1]) < 0.7
    assert route_coverage(plan, reach, ()) == 0.0


def test_a_small_floor_gets_shorter_routes():
    cells = np.full((44, 44), OCCUPIED, np.uint8)
    cells[2:42, 2:42] = FREE_CELL
    plan = OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.05)
    reach, room = reachable(plan, 0.25, np.array([[1.0, 1.0, 1.0]]))
    routes = choose_routes(plan, reach, room, radius=0.25, count=20, min_length=3.0, seed=7)
    assert len(routes) == 20 and 0.5 <= min(route.length for route in routes) < 3.0


def test_a_ray_from_above_finds_the_slab_that_is_meant():
    slab = lambda low, high: Piece(label="floor", points=box_corners(np.array(low), np.array(high)))  # noqa: E731
    ramp = np.array([(2, 0, -0.3), (2, 1, -0.3), (3, 0, -0.3), (3, 1, -0.3), (2, 0, 0), (2, 1, 0), (3, 0, 0.2), (3, 1, 0.2)])
    hulls = named([slab((0, 0, -0.3), (2, 1, 0)), slab((0, 0, 2.5), (1, 1, 2.8)), Piece(label="floor", points=ramp)])
    xy = np.array([(0.5, 0.5), (1.5, 0.5), (2.5, 0.5), (9.0, 9.0)])
    tops = floor_tops(hulls, xy, np.zeros(4))
    np.testing.assert_allclose(tops[:3], [0.0, 0.0, 0.1], atol=1e-6)
    assert np.isnan(tops[3])
    assert floor_tops(hulls, xy[:1], np.array([2.7]))[0] == pytest.approx(2.8)


def test_navigation_file_keeps_everything(tmp_path):
    plan = flat_of_three_rooms()
    route = Route(name="r", waypoints=np.array([(0.5, 0.5), (3.0, 3.0)]))
    made = Navigation(
        occupancy=plan,
        robot_radius=0.25,
        reachable_area=9.0,
        spawns=np.array([[1.0, 1.0, 0.5]]),
        probes=np.array([[1.0, 2.0, 0.01]]),
        probe_room=np.array([0.5]),
        routes=(route,),
        floor=np.array([0.01, 0.002, -0.003]),
        band=(0.05, 0.3),
        doorways=(Doorway(x=1.0, y=2.0, width=0.8, routes=("r",)),),
        probe_gap=0.4,
        route_coverage=0.97,
    )
    made.save(tmp_path)
    read = Navigation.load(tmp_path)
    assert (read.band, read.doorways, read.probe_gap, read.route_coverage) == (made.band, made.doorways, 0.4, 0.97)
    np.testing.assert_array_equal(read.floor, made.floor)
    assert read.floor_height(np.array([2.0, 1.0])) == pytest.approx(0.011)


@pytest.mark.parametrize("thickness", [0.0005, 0.0015, 0.0019, 0.0021, 0.02])
def test_a_thin_sheet_on_the_edge_of_a_cell_is_on_the_map(thickness: float) -> None:
    """Thinner than twice the tolerance, it would slip between both cells that it touches."""
    outline = np.array([[-0.5 * thickness, 0], [0.5 * thickness, 0], [0.5 * thickness, 2], [-0.5 * thickness, 2]])
    rows, columns, overlap = cells_touched(outline, np.array([-1.0, -1.0]), 0.05, (40, 80))
    marked = np.zeros((40, 80), bool)
    marked[rows, columns] = overlap
    assert marked[:, 20:60].any(axis=0).all(), "no gap along its two metres"
