"""The twin test tells equal worlds from unequal ones, draws its routes from what was seen, and states honest intervals."""

import json
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd, UsdPhysics

from benchmarks.twins.drivers import DRIVERS, Pilot
from benchmarks.twins.routes import LONGEST, SHORTEST, Seen, draw_routes
from benchmarks.twins.statistics import correlation, fisher, over_drivers, wilson
from benchmarks.twins.true_world import COLLISION, write_true_world
from lyra_sim.data.grid import UNSEEN, FreeSpace
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.physics.robots import DiffDrive
from tests.boxes import box_mesh
from tests.quality.two_rooms import BAND, VOXEL, boxes, voxels

DOOR = (1.5, 2.4)
PATH = np.array([[1.0, 1.0, 0.5], [4.5, 2.0, 0.5]])
RADIUS = 0.23


def half_seen() -> FreeSpace:
    """Nobody looked beyond x = 4.5."""
    grid = voxels(boxes(DOOR))
    states = grid.states.copy()
    states[round((4.5 + 0.25) / VOXEL) :] = UNSEEN
    return FreeSpace(states=states, origin=grid.origin, voxel_size=grid.voxel_size)


def test_routes_repeat_vary_and_start_free() -> None:
    seen = Seen.of(half_seen(), BAND)
    routes = draw_routes(seen, PATH, radius=RADIUS, count=40, seed=3)
    again = draw_routes(seen, PATH, radius=RADIUS, count=40, seed=3)
    assert len(routes) == 40 and all(np.array_equal(a, b) for a, b in zip(routes, again, strict=True))
    assert {len(route) == 2 for route in routes[::2]} == {True} and any(len(route) > 2 for route in routes[1::2])
    for route in routes:
        assert SHORTEST <= np.linalg.norm(route[-1] - route[0]) <= LONGEST
        cell = tuple(seen.occupancy.indices(route[:1])[0])
        assert seen.to_solid[cell] > RADIUS and seen.to_unseen[cell] > RADIUS


def test_routes_run_into_walls_but_not_into_what_nobody_saw() -> None:
    seen = Seen.of(half_seen(), BAND)
    routes = draw_routes(seen, PATH, radius=RADIUS, count=60, seed=4)
    cells = [
        seen.occupancy.indices(a + np.linspace(0, 1, 200)[:, None] * (b - a)) for a, b in [r[[0, -1]] for r in routes[::2]]
    ]
    struck = [bool((seen.to_solid[tuple(c.T)] <= 0.2).any()) for c in cells]
    assert 0.1 < np.mean(struck) < 0.9
    assert seen.stays_seen(np.array([[1.0, 2.0], [2.5, 2.0]]), RADIUS)
    assert seen.stays_seen(np.array([[1.0, 3.5], [6.5, 3.5]]), RADIUS)  # the inner wall stops it before the unseen does
    assert not seen.stays_seen(np.array([[1.0, 1.95], [5.5, 1.95]]), RADIUS)  # through the door, then out of what was seen


def test_too_little_floor_is_said() -> None:
    grid = voxels(boxes(DOOR))
    blind = FreeSpace(states=np.zeros_like(grid.states), origin=grid.origin, voxel_size=VOXEL)
    with pytest.raises(GeometryError, match="0 found"):
        draw_routes(Seen.of(blind, BAND), PATH, radius=RADIUS, count=5, seed=1)


def test_a_blind_driver_errs_the_same_way_in_every_world() -> None:
    routes = [np.array([[0.0, 0.0], [2.0, 0.0]])]
    held = np.zeros(1, bool)

    def told(seed: int) -> list[np.ndarray]:
        pilot = Pilot(DRIVERS["blind"], routes, robot=DiffDrive(), seed=seed)
        # where it really is makes no difference to it
        return [pilot.wheels(np.array([[0.0, 0.3 * k]]), np.array([0.1 * k]), held) for k in range(20)]

    assert np.array_equal(told(5), told(5)) and not np.array_equal(told(5), told(6))
    assert np.ptp(told(5)[-1]) > 0  # one wheel turns more than the other


def test_shares_and_correlations_come_with_their_intervals() -> None:
    low, high = wilson(95, 100)
    assert (round(low, 4), round(high, 4)) == (0.8882, 0.9785)  # Wilson 1927, as tabulated
    assert wilson(0, 0) == (0.0, 1.0) and wilson(100, 100)[1] == 1.0
    assert correlation(np.array([1, 2, 3]), np.array([2, 4, 6])) == pytest.approx(1.0)
    assert np.isnan(correlation(np.ones(3), np.arange(3)))
    assert fisher(0.5, 3) == (-1.0, 1.0)
    assert fisher(0.5, 28) == pytest.approx((0.1558, 0.7357), abs=2e-3)  # tanh(0.5493 -/+ 1.96 / 5)


def test_correlation_over_drivers_tells_like_from_unlike_worlds() -> None:
    rng = np.random.default_rng(0)
    skill = np.array([0.95, 0.7, 0.4, 0.2])[:, None]
    luck = rng.random((4, 200))
    truth = luck < skill
    r, low, high = over_drivers(truth, truth, seed=1)
    assert r == pytest.approx(1.0) and low == pytest.approx(1.0) and high == pytest.approx(1.0)
    r, low, high = over_drivers(truth, rng.random((4, 200)) < skill[::-1], seed=1)
    assert r < -0.9 and low <= r <= high


def test_the_true_mesh_becomes_colliders_in_the_metric_world(tmp_path: Path) -> None:
    import trimesh

    vertices, faces = box_mesh([(np.zeros(3), np.ones(3))])
    scene = trimesh.Scene()
    for number in range(2):
        placed = np.eye(4)
        placed[0, 3] = 200.0 * number
        scene.add_geometry(trimesh.Trimesh(vertices * 100, faces, process=False), f"part{number}", transform=placed)
    scene.export(tmp_path / "truth.glb")
    centimetres = Similarity(scale=0.01, rotation=np.eye(3), translation=np.array([0.5, 0, 0]))
    assert write_true_world(tmp_path / "true.usda", tmp_path / "truth.glb", centimetres) == 2
    stage = Usd.Stage.Open(str(tmp_path / "true.usda"))
    parts = stage.GetPrimAtPath(COLLISION).GetChildren()
    points = [np.array(part.GetAttribute("points").Get()) for part in parts]
    np.testing.assert_allclose([p[:, 0].min() for p in points], [0.5, 2.5], atol=1e-6)
    np.testing.assert_allclose([np.ptp(p, axis=0) for p in points], 1.0, atol=1e-6)
    assert all(part.HasAPI(UsdPhysics.CollisionAPI) for part in parts)


@pytest.mark.parametrize("names", [("a/scene.glb", "b/scene.glb"), ("ours.glb",), ("routes.glb", "scene.glb")])
def test_truths_that_cannot_be_told_apart_are_refused(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import twin

    monkeypatch.setattr("sys.argv", ["twin.py", "out/scene", *names])
    with pytest.raises(SystemExit):
        twin.main()
    assert "told apart by their file names" in capsys.readouterr().err


def test_two_worlds_are_reported_by_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    """One drive of two ends differently, and it is told which one and where."""
    from benchmarks import twin

    there = [{"arrived": True, "end": [1.0, 0.0]}, {"arrived": True, "end": [2.0, 0.0]}]
    here = [there[0], {"arrived": False, "end": [1.5, 0.0]}]
    routes = [np.array([[0.0, 0.0], [float(k), 0.0]]) for k in (1, 2)]
    twin.report({"ours": {"careful": here}, "seen": {"careful": there}}, routes, ["careful"], seed=1)
    said = capsys.readouterr().out
    assert "### ours and seen" in said and "| careful | 100.0% | 50.0% | 50.0% |" in said
    assert "careful, route 1 to [2.0, 0.0]: seen arrives at [2.0, 0.0]; ours ends at [1.5, 0.0]" in said


@pytest.mark.nightly
def test_equal_worlds_agree_and_a_moved_wall_is_noticed(tmp_path: Path) -> None:
    """Both through PhysX: the room against itself, and against one whose doorway is sealed."""
    import trimesh

    from benchmarks.twin import drive_worlds
    from lyra_sim.data.navigation import Navigation
    from lyra_sim.data.occupancy import FREE_CELL, OccupancyMap

    floor = (np.array([-0.2, -0.2, -0.3]), np.array([6.2, 4.2, 0.0]))
    worlds = {}
    for name, parts in (("truth", boxes(DOOR)), ("ours", boxes(DOOR)), ("sealed", boxes())):
        scene = trimesh.Scene()
        for number, part in enumerate([floor, *parts]):
            scene.add_geometry(trimesh.Trimesh(*box_mesh([part]), process=False), f"part{number}")
        scene.export(tmp_path / f"{name}.glb")
        write_true_world(tmp_path / f"{name}.usda", tmp_path / f"{name}.glb", Similarity.identity())
        worlds[name] = tmp_path / f"{name}.usda"
    plan = Navigation(
        occupancy=OccupancyMap(cells=np.full((4, 4), FREE_CELL, np.uint8), origin=np.zeros(2), resolution=0.05),
        robot_radius=0.25,
        reachable_area=0.0,
        spawns=np.zeros((0, 3)),
        probes=np.zeros((0, 3)),
        probe_room=np.zeros(0),
        routes=(),
    )
    routes = [np.array([[1.0, 1.95], [4.5, 1.95]]), np.array([[1.0, 1.0], [2.2, 3.0]]), np.array([[1.0, 3.4], [4.5, 3.4]])]
    found = drive_worlds(worlds, plan, routes, ["careful", "greedy"], robot=DiffDrive(), seed=1, work=tmp_path)
    arrived = {world: [[row["arrived"] for row in found[world][name]] for name in ("careful", "greedy")] for world in found}
    assert arrived["truth"] == arrived["ours"] == [[True, True, False]] * 2
    assert arrived["sealed"] == [[False, True, False]] * 2
    assert json.dumps(found["truth"]) == json.dumps(found["ours"])
    assert found["sealed"]["careful"][0]["end"][0] == pytest.approx(3.0 - RADIUS, abs=0.1)
