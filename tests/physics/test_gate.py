"""The gate over worlds whose truth is known: a sound one, and one with every fault it exists to find."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from lyra_sim.data.files import read_json
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import UNKNOWN
from lyra_sim.errors import EnvironmentNotReady, PhysicsError, PluginError
from lyra_sim.physics import gate_stage
from lyra_sim.physics.gate import run_gate, run_gates, run_worker
from lyra_sim.physics.gate_stage import author_drops
from lyra_sim.physics.request import DriveRequest, DropRequest, GateRequest, ProbeRequest
from lyra_sim.physics.result import GateResult, agreement
from lyra_sim.physics.robots import ROBOTS, DiffDrive
from lyra_sim.plugins import PluginSpec, find_plugin
from tests.physics.worlds import Box, navigation, room, write_world

ENGINES = ("physx", "newton")
SLOW_IN_NEWTON = ("physx", pytest.param("newton", marks=pytest.mark.nightly))
PRESET_CELLS = gate_stage.CELLS_ASKED
GRID = [(x, y, 0.0) for x in (-2.2, -1.1, 1.7, 2.78) for y in (-2.4, -1.3, 2.3)]


@pytest.fixture(scope="module", autouse=True)
def few_cells() -> Iterator[None]:
    """Tests that aren't about the map ask about a few cells only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_stage, "CELLS_ASKED", 30)
        yield


@dataclass(frozen=True)
class Run:
    """Results by engine, the way they were asked about, and the folder they were saved in."""

    folder: Path
    way: Navigation
    results: dict[str, GateResult]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A room with one obstacle; three routes round it, two of them from the same start and over the same floor."""
    folder = tmp_path_factory.mktemp("sound")
    boxes = {**room(), "clutter_000": ((0.2, 0.2, 0.0), (1.2, 1.2, 0.8))}
    routes = {
        "l": [(-2.0, -2.0), (1.8, -2.0), (1.8, 0.0)],
        "twin": [(-2.0, -2.0), (0.0, -2.0), (0.0, -0.5)],
        "round": [(-0.2, 2.2), (-0.2, -0.2), (2.2, -0.2)],
    }
    way = navigation(boxes, probes=[*GRID, (-2.0, -2.0, 0.0)], routes=routes)  # one probe falls onto the twins' start
    world = write_world(folder / "world.usda", boxes)
    return Run(folder, way, run_gates(world, way, engines=ENGINES, out=folder / "out", seed=7, limit_s=240.0).results)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A floor of two slabs with a gap under x = 2 to 2.6, and a hull across the doorway the map thinks is open."""
    folder = tmp_path_factory.mktemp("faulty")
    boxes = room()
    boxes["floor_000"] = ((-3.3, -3.3, -0.3), (2.0, 3.3, 0.0))
    boxes["floor_001"] = ((2.6, -3.3, -0.3), (3.3, 3.3, 0.0))
    routes = {
        "blocked": [(-2.0, 0.0), (1.0, 0.0)],
        "over_the_gap": [(0.5, -2.0), (2.3, -2.0), (2.3, 2.0)],
        "free": [(-2.0, -2.0), (-2.0, 1.0)],
    }
    way = navigation(boxes, probes=[*GRID, (2.3, 0.0, 0.0), (2.3, 1.0, 0.0)], routes=routes)
    sealed = {**boxes, "wall_004": ((-0.5, -0.5, 0.0), (-0.4, 0.5, 2.0))}
    world = write_world(folder / "world.usda", sealed)
    return Run(folder, way, run_gates(world, way, engines=ENGINES, out=folder / "out", seed=7, limit_s=240.0).results)


@pytest.mark.parametrize("engine", ENGINES)
class TestSoundWorld:
    def test_every_probe_comes_to_rest_where_the_map_has_the_floor(self, sound: Run, engine: str) -> None:
        probes = sound.results[engine].probes
        assert len(probes) == len(GRID) + 1
        assert {probe.kind for probe in probes} == {"ball", "box", "small_ball"}
        for probe in probes:
            assert probe.settled and not probe.fell, probe
            assert abs(probe.height_error) < 0.01, probe
            assert probe.drift < 0.05, probe
        assert sound.results[engine].fallen == ()

    def test_every_route_is_driven_as_planned(self, sound: Run, engine: str) -> None:
        for route in sound.results[engine].routes:
            assert route.arrived and not route.stuck and not route.fell, route
            assert abs(route.length_error) < 0.02, route
            assert route.cross_track_error < 0.05, route
            assert route.final_error < 0.02, route
            assert route.upright_cosine > 0.995, route

    def test_planned_length_and_trajectory_are_those_of_the_route(self, sound: Run, engine: str) -> None:
        route = sound.results[engine].routes[0]
        assert route.name == "l" and route.planned_length == pytest.approx(5.8)
        way = np.array(route.trajectory)
        np.testing.assert_allclose(way[0], (-2.0, -2.0), atol=0.01)
        np.testing.assert_allclose(way[-1], (1.8, 0.0), atol=0.02)
        assert np.linalg.norm(np.diff(way, axis=0), axis=1).max() < 0.15

    def test_nothing_shot_at_floor_and_walls_comes_through(self, sound: Run, engine: str) -> None:
        shots = sound.results[engine].shots
        assert len([shot for shot in shots if shot.kind == "floor"]) == 12
        walls = [shot for shot in shots if shot.kind == "wall"]
        assert {shot.target for shot in walls} == {"wall_000", "wall_002", "wall_003"}  # no probe stands 0.3 m before wall_001
        assert {shot.radius for shot in walls} == {0.02, 0.05, 0.1}
        for shot in shots:
            assert not shot.through and shot.depth < 0.1 and shot.thickness == pytest.approx(0.3), shot
            if shot.kind == "wall":
                assert max(abs(shot.x), abs(shot.y)) == pytest.approx(3.0, abs=1e-4)

    def test_the_map_is_felt_as_drawn(self, sound: Run, engine: str) -> None:
        cells = sound.results[engine].cells
        assert [cell.occupied for cell in cells] == [False] * 30 + [True] * 30
        assert [cell for cell in cells if not cell.agrees] == []

    def test_movers_ignore_each_other(self, sound: Run, engine: str) -> None:
        """Two robots and a ball begin in one place: without filtering they would be thrown apart."""
        first, twin, _ = sound.results[engine].routes
        shared = 8  # both drive the first two metres alike
        np.testing.assert_allclose(first.trajectory[:shared], twin.trajectory[:shared], atol=0.01)
        onto_start = next(probe for probe in sound.results[engine].probes if (probe.x, probe.y) == (-2.0, -2.0))
        assert onto_start.drift < 0.02

    def test_saved_file_is_the_result_and_tells_no_time(self, sound: Run, engine: str) -> None:
        path = sound.folder / "out" / f"gate_{engine}.json"
        loaded = GateResult.load(path)
        assert loaded == sound.results[engine]
        assert loaded.wall_seconds is None and sound.results[engine].wall_seconds > 0
        stored = read_json(path)
        assert "wall_seconds" not in stored
        assert (stored["hull_count"], stored["probe_count"], stored["route_count"]) == (6, len(loaded.probes), 3)

    def test_second_run_repeats_byte_for_byte(self, sound: Run, engine: str, tmp_path: Path) -> None:
        """Of all that is asked, and with nothing beside it: the first run had the other engine."""
        run_gate(sound.folder / "world.usda", sound.way, engine=engine, out=tmp_path, seed=7, limit_s=240.0)
        name = f"gate_{engine}.json"
        assert (tmp_path / name).read_bytes() == (sound.folder / "out" / name).read_bytes()


def test_a_ball_is_only_dropped_where_all_of_it_has_room(tmp_path: Path) -> None:
    """3 cells between a probe's own cell and the wall leave 12.5 cm: less than the large ball's 15 cm."""
    kinds = {}
    for x in (-2.875, -2.775):
        way = navigation(room(), probes=[(x, 0.0, 0.0)], routes={})
        stage = tmp_path / f"{x}.usda"
        world = write_world(tmp_path / f"world{x}.usda", room())
        drop, _ = author_drops(stage, world=world, navigation=way, seed=7)
        kinds[round(float(way.probe_room[0]), 3)] = drop.probes[0].kind
    assert kinds == {0.125: "small_ball", 0.225: "ball"}


def test_engines_agree_on_a_sound_world(sound: Run) -> None:
    shares = agreement(sound.results["physx"], sound.results["newton"])
    assert set(shares) == {"l", "twin", "round"}
    assert max(shares.values()) < 0.01


@pytest.mark.parametrize("engine", ENGINES)
class TestFaultyWorld:
    def test_probes_over_the_gap_fall_and_are_named(self, faulty: Run, engine: str) -> None:
        result = faulty.results[engine]
        over_gap = {probe.name for probe in result.probes if 2.0 < probe.x < 2.6}
        assert over_gap == {probe.name for probe in result.probes if probe.fell}
        assert all(any(name in line for line in result.fallen) for name in over_gap)

    def test_robot_before_a_sealed_door_is_stuck_at_the_door(self, faulty: Run, engine: str) -> None:
        blocked = next(route for route in faulty.results[engine].routes if route.name == "blocked")
        assert blocked.stuck and not blocked.arrived
        assert -0.9 < blocked.end[0] < -0.5
        assert blocked.length_error < -0.3

    def test_robot_falls_into_the_gap(self, faulty: Run, engine: str) -> None:
        gap = next(route for route in faulty.results[engine].routes if route.name == "over_the_gap")
        assert gap.fell and not gap.arrived
        assert any("over_the_gap" in line for line in faulty.results[engine].fallen)

    def test_the_other_robot_is_not_held_up(self, faulty: Run, engine: str) -> None:
        free = next(route for route in faulty.results[engine].routes if route.name == "free")
        assert free.arrived and abs(free.length_error) < 0.03


def test_engines_agree_that_the_door_is_sealed(faulty: Run) -> None:
    shares = agreement(faulty.results["physx"], faulty.results["newton"])
    assert shares["blocked"] < 0.1 and shares["free"] < 0.02


def test_sloping_floor_is_reported_not_called_a_hole(tmp_path: Path) -> None:
    slope = np.deg2rad(3.0)
    points = [(x, y, float(-x * np.tan(slope))) for x in (-2.0, -1.0, 1.0) for y in (-1.0, 1.0)]
    way = navigation(room(), probes=points, routes={})
    world = write_world(tmp_path / "world.usda", {"floor_000": room()["floor_000"]}, tilt_deg=3.0)
    result = run_gate(world, way, engine="physx", out=tmp_path, seed=7, limit_s=120.0)
    assert result.fallen == ()
    for probe in result.probes:
        if probe.kind == "box":
            assert probe.settled and probe.drift < 0.1  # it lands on an edge and slips a little
            assert abs(probe.height_error) < 0.01
        else:
            assert not probe.settled and probe.height_error < 0
        if probe.kind == "ball":  # rolls by half of 5/7 g sin(3°) times the square of 2.2 s, more on the side it lands first
            assert 0.7 < probe.drift < 1.3


def test_hulls_wound_inside_out_still_hold(tmp_path: Path) -> None:
    world = write_world(tmp_path / "world.usda", room(), inside_out=True)
    way = navigation(room(), probes=GRID[:4], routes={})
    result = run_gate(world, way, engine="physx", out=tmp_path, seed=7, limit_s=120.0)
    assert all(probe.settled and abs(probe.height_error) < 0.01 for probe in result.probes)


def test_thin_floor_is_tunnelled_by_fast_balls(tmp_path: Path) -> None:
    """The reason floors are 0.3 m thick: MuJoCo pushes a ball that is past the middle of a slab out below."""
    world = write_world(tmp_path / "world.usda", room(floor=0.02))
    way = navigation(room(), probes=GRID[:6], routes={})
    result = run_gate(world, way, engine="newton", out=tmp_path, seed=7, limit_s=120.0)
    assert not any(probe.fell for probe in result.probes)
    through = [shot for shot in result.shots if shot.through]
    assert through and {shot.kind for shot in through} == {"floor"}


@pytest.mark.parametrize("engine", SLOW_IN_NEWTON)
def test_thin_walls_are_tunnelled_too_and_shot_at_first(engine: str, tmp_path: Path) -> None:
    """A wall of 1 cm, which a ball of 2 cm radius may pass in one step at 10 m/s: some come out behind it, and it is named."""
    boxes = {"floor_000": room()["floor_000"], "wall_004": ((-0.005, -1.5, 0.0), (0.005, 1.5, 2.0))}
    world = write_world(tmp_path / "world.usda", boxes)
    points = [(x, y, 0.0) for x in (-0.9, -0.6, -0.43, 0.51, 0.7, 1.0) for y in (-1.0, 0.0, 1.0)]
    result = run_gate(world, navigation(boxes, probes=points, routes={}), engine=engine, out=tmp_path, seed=7, limit_s=120.0)
    thin = [shot for shot in result.shots if shot.target == "wall_004"]
    assert thin and min(shot.thickness for shot in thin) == pytest.approx(0.01, abs=1e-4)
    through = [shot for shot in result.shots if shot.through]
    assert {shot.target for shot in through} == {"wall_004"} and min(shot.radius for shot in through) == 0.02


def test_a_hole_under_a_shot_is_told(tmp_path: Path) -> None:
    boxes = {**room(), "floor_000": ((-3.3, -3.3, -0.3), (0.0, 3.3, 0.0))}
    world = write_world(tmp_path / "world.usda", boxes)
    way = navigation(boxes, probes=[(1.0, 0.0, 0.0)], routes={})
    result = run_gate(world, way, engine="physx", out=tmp_path, seed=7, limit_s=120.0)
    assert [shot.target for shot in result.shots if shot.kind == "floor"] == ["nothing"] * 12
    assert all(shot.through for shot in result.shots if shot.kind == "floor")


def around_a_crate(shift: float) -> tuple[dict[str, Box], Navigation]:
    """A crate on a block of 6 cm, under a shelf above the band; the map has them ``shift`` [m] too far along x.

    Only 1.8 m about the crate are known, so that a random cell often lies at its edge.
    """
    boxes = {
        **room(),
        "clutter_000": ((0.2, 0.2, 0.0), (0.8, 1.0, 0.5)),
        "clutter_001": ((-0.3, 0.2, 0.0), (0.0, 1.0, 0.06)),
        "clutter_002": ((0.2, -0.5, 0.65), (1.2, -0.2, 0.7)),
        "clutter_003": ((0.9, 1.2, 0.3), (1.1, 1.3, 0.35)),
    }
    moved = {name: ((a[0] + shift, *a[1:]), (b[0] + shift, *b[1:])) for name, (a, b) in boxes.items()}
    way = navigation({name: moved[name] for name in ("clutter_000", "clutter_003")}, probes=[(-2.0, 0.0, 0.0)], routes={})
    cells = way.occupancy.cells.copy()
    near = np.zeros(cells.shape, bool)
    near[48:84, 48:88] = True
    cells[~near] = UNKNOWN
    return boxes, replace(way, occupancy=replace(way.occupancy, cells=cells))


@pytest.mark.parametrize("engine", SLOW_IN_NEWTON)
class TestMap:
    def test_what_lies_below_or_above_the_band_is_free_and_what_reaches_in_is_not(
        self, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gate_stage, "CELLS_ASKED", PRESET_CELLS)
        boxes, way = around_a_crate(0.0)
        world = write_world(tmp_path / "world.usda", boxes)
        result = run_gate(world, way, engine=engine, out=tmp_path, seed=7, limit_s=240.0)
        assert len(result.cells) == 400
        assert [cell for cell in result.cells if not cell.agrees] == []

    def test_a_map_that_is_off_by_two_millimetres_is_caught(
        self, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The crate reaches 2 mm into cells that the map calls free, along 0.8 m of its edge."""
        monkeypatch.setattr(gate_stage, "CELLS_ASKED", PRESET_CELLS)
        boxes, way = around_a_crate(0.0)
        low, high = boxes["clutter_000"]
        world = write_world(tmp_path / "world.usda", {**boxes, "clutter_000": (low, (high[0] + 0.002, *high[1:]))})
        result = run_gate(world, way, engine=engine, out=tmp_path, seed=7, limit_s=240.0)
        wrong = [cell for cell in result.cells if not cell.agrees]
        assert wrong and not any(cell.occupied for cell in wrong)
        assert all(cell.x == pytest.approx(0.825) and 0.2 < cell.y < 1.0 for cell in wrong)


def test_free_cells_without_a_floor_are_no_free_cells(tmp_path: Path) -> None:
    boxes = {**room(), "floor_000": ((-3.3, -3.3, -0.3), (0.0, 3.3, 0.0))}
    world = write_world(tmp_path / "world.usda", boxes)
    result = run_gate(
        world, navigation(boxes, probes=[(-1.0, 0.0, 0.0)], routes={}), engine="physx", out=tmp_path, seed=7, limit_s=120.0
    )
    wrong = [cell for cell in result.cells if not cell.agrees]
    assert {cell.x > 0 for cell in wrong} == {True} and len(wrong) == sum(cell.x > 0 for cell in result.cells)
    assert not any(cell.touched for cell in wrong)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("template", [pytest.param("skid_steer"), *[
    pytest.param(name, marks=pytest.mark.nightly) for name in ("diff_drive_60cm", "diff_drive_30cm")
]])  # fmt: skip
def test_every_robot_drives_as_planned(template: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Round corners, on an arc and through a hairpin; a robot that scrubs round shifts a few centimetres at each turn."""
    robot = next(robot for robot in ROBOTS if robot.template == template)
    arc = [(-2.0 + 2.0 * float(np.sin(a)), 2.0 - 2.0 * float(np.cos(a))) for a in np.linspace(0, 1.5, 16)]
    routes = {
        "l": [(-2.0, -2.0), (1.8, -2.0), (1.8, 0.0)],
        "hairpin": [(-2.0, -2.0), (2.0, -2.0), (2.0, -1.5), (-2.0, -1.5)],
        "arc": arc,
    }
    way = navigation({}, probes=[], routes=routes)
    unknown = replace(way.occupancy, cells=np.full_like(way.occupancy.cells, UNKNOWN))
    way = replace(way, robot_radius=robot.footprint_radius, occupancy=unknown)
    world = write_world(tmp_path / "world.usda", room())
    result = run_gate(world, way, engine=engine, out=tmp_path, seed=7, limit_s=240.0, robot_kind=robot.kind)
    assert result.robot == template and len(result.routes) == 3 and result.probes == ()
    for route in result.routes:
        assert route.arrived and abs(route.length_error) < (0.04 if robot.scrubs else 0.02), route
        assert route.cross_track_error < (0.09 if robot.scrubs else 0.03) and route.upright_cosine > 0.995, route


def test_world_without_routes_proves_nothing_and_says_so(tmp_path: Path) -> None:
    world = write_world(tmp_path / "world.usda", room())
    result = run_gate(
        world, navigation(room(), probes=GRID[:2], routes={}), engine="physx", out=tmp_path, seed=7, limit_s=120.0
    )
    assert result.routes == ()
    assert read_json(tmp_path / "gate_physx.json")["route_count"] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_the_small_robot_drives_where_only_it_fits(engine: str, tmp_path: Path) -> None:
    """A passage of 0.4 m: the large robot is 0.46 m wide; the small one takes it, within 5 % of the plan."""
    boxes = {**room(), "wall_004": ((-0.2, -3.0, 0.0), (0.2, -0.2, 1.0)), "wall_005": ((-0.2, 0.2, 0.0), (0.2, 3.0, 1.0))}
    way = navigation({}, probes=GRID[:2], routes={"through": [(-1.5, -0.5), (-0.6, 0.0), (0.6, 0.0), (1.5, 0.5)]})
    world = write_world(tmp_path / "world.usda", boxes)
    result = run_gate(world, replace(way, robot_radius=0.15), engine=engine, out=tmp_path, seed=7, limit_s=240.0)
    (route,) = result.routes
    assert route.arrived and abs(route.length_error) < 0.05 and route.cross_track_error < 0.05, route
    assert route.upright_cosine > 0.99


class TestErrors:
    def test_a_missing_engine_leaves_the_other_its_result(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        declared = find_plugin

        def without_newton(kind: str, name: str) -> PluginSpec:
            spec = declared(kind, name)
            return replace(spec, needs={"no_such_module": "newton[sim]"}) if name == "newton" else spec

        monkeypatch.setattr("lyra_sim.physics.gate.find_plugin", without_newton)
        world = write_world(tmp_path / "world.usda", room())
        way = navigation(room(), probes=GRID[:2], routes={})
        run = run_gates(world, way, engines=ENGINES, out=tmp_path / "out", seed=7, limit_s=120.0)
        assert list(run.results) == ["physx"] and (tmp_path / "out" / "gate_physx.json").is_file()
        assert isinstance(run.failures["newton"], EnvironmentNotReady) and "newton[sim]" in str(run.failures["newton"])

    def test_a_world_no_engine_can_load_is_a_finding_of_each(self, tmp_path: Path) -> None:
        world = write_world(tmp_path / "world.usda", {})
        way = navigation({}, probes=GRID, routes={})
        run = run_gates(world, way, engines=ENGINES, out=tmp_path, seed=7, limit_s=60.0)
        assert run.results == {} and {type(error) for error in run.failures.values()} == {PhysicsError}
        with pytest.raises(PluginError, match="bullet"):
            run_gates(world, way, engines=("bullet",), out=tmp_path, seed=7, limit_s=60.0)

    def test_world_without_hulls(self, tmp_path: Path) -> None:
        world = write_world(tmp_path / "world.usda", {})
        with pytest.raises(PhysicsError, match="no colliders under /World/Environment/Collision"):
            run_gate(world, navigation({}, probes=GRID, routes={}), engine="physx", out=tmp_path, seed=7, limit_s=60.0)

    def test_routes_too_narrow_for_the_robot(self, tmp_path: Path) -> None:
        world = write_world(tmp_path / "world.usda", room())
        narrow = replace(navigation({}, probes=GRID, routes={"r": [(0.0, 0.0), (1.0, 0.0)]}), robot_radius=0.12)
        with pytest.raises(PhysicsError, match=r"routes keep 0\.12 m clear \(expected at least 0\.138 m"):
            run_gate(world, narrow, engine="physx", out=tmp_path, seed=7, limit_s=60.0)

    def test_route_that_goes_nowhere(self, tmp_path: Path) -> None:
        world = write_world(tmp_path / "world.usda", room())
        way = navigation({}, probes=[], routes={"r": [(1.0, 0.0), (1.0, 0.0)]})
        with pytest.raises(PhysicsError, match="route r: all its waypoints coincide"):
            run_gate(world, way, engine="physx", out=tmp_path, seed=7, limit_s=60.0)

    def test_wall_clock_limit_ends_the_worker(self, tmp_path: Path) -> None:
        world = write_world(tmp_path / "world.usda", room())
        with pytest.raises(PhysicsError, match=r"engine physx: not done after 0\.3 s"):
            run_gate(world, navigation({}, probes=GRID, routes={}), engine="physx", out=tmp_path, seed=7, limit_s=0.3)
        assert not (tmp_path / "gate_physx.json").exists()

    def test_failing_worker_tells_what_the_engine_said(self, tmp_path: Path) -> None:
        stage = str(tmp_path / "absent.usda")
        ball = ProbeRequest(name="b", body="/World/b", kind="ball", x=0.0, y=0.0, floor_z=0.0, rest_height=0.1)
        request = GateRequest(
            engine="physx",
            hull_count=0,
            drop=DropRequest(stage=stage, probes=(ball,)),
            drive=DriveRequest(stage=stage, robot=DiffDrive(), routes=()),
        )
        request.save(tmp_path / "request.json")
        with pytest.raises(PhysicsError, match=r"(?s)engine physx: its process failed .*absent\.usda"):
            run_worker("physx", tmp_path, 60.0)

    def test_unknown_engine(self, tmp_path: Path) -> None:
        with pytest.raises(PluginError, match="bullet"):
            run_gate(
                tmp_path / "w.usda", navigation({}, probes=GRID, routes={}), engine="bullet", out=tmp_path, seed=7, limit_s=9.0
            )


def test_engines_do_not_write_usd_at_the_same_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two threads that use pxr for the first time at once wait for each other for ever."""
    inside, together = [], []

    def slow(*args: object, **kwargs: object) -> NoReturn:
        inside.append(1)
        together.append(len(inside))
        time.sleep(0.2)
        inside.pop()
        raise PhysicsError("gate", "stopped on purpose")

    monkeypatch.setattr(gate_stage, "author_drops", slow)
    way = navigation(room(), probes=[(0.0, 0.0, 0.0)], routes={"l": [(-2.0, -2.0), (1.8, -2.0)]})
    gates = run_gates(tmp_path / "world.usda", way, engines=ENGINES, out=tmp_path, seed=1, limit_s=5.0)
    assert set(gates.failures) == {"physx", "newton"} and together == [1, 1]
