"""The gate over worlds whose truth is known: a sound one, and one with every fault it exists to find."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.files import read_json
from lyra_sim.errors import EnvironmentNotReady, PhysicsError, PluginError
from lyra_sim.physics.controller import DiffDrive
from lyra_sim.physics.gate import run_gate, run_gates, run_worker
from lyra_sim.physics.gate_stage import author_gate_stage
from lyra_sim.physics.request import GateRequest
from lyra_sim.physics.result import GateResult, agreement
from lyra_sim.plugins import PluginSpec, find_plugin
from tests.physics.worlds import navigation, room, write_world

ENGINES = ("physx", "newton")
GRID = [(x, y, 0.0) for x in (-2.2, -1.1, 1.7, 2.78) for y in (-2.4, -1.3, 2.3)]


@dataclass(frozen=True)
class Run:
    """Results by engine, and the folder they were saved in."""

    folder: Path
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
    return Run(folder, run_gates(world, way, engines=ENGINES, out=folder / "out", seed=7, limit_s=240.0).results)


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
    return Run(folder, run_gates(world, way, engines=ENGINES, out=folder / "out", seed=7, limit_s=240.0).results)


@pytest.mark.parametrize("engine", ENGINES)
class TestSoundWorld:
    def test_every_probe_comes_to_rest_where_the_map_has_the_floor(self, sound: Run, engine: str) -> None:
        probes = sound.results[engine].probes
        assert len(probes) == len(GRID) + 1 + 6
        assert {probe.kind for probe in probes} == {"ball", "box", "small_ball", "fast_ball"}
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
        boxes = {**room(), "clutter_000": ((0.2, 0.2, 0.0), (1.2, 1.2, 0.8))}
        way = navigation(boxes, probes=GRID[:4], routes={"short": [(-2.0, -2.0), (-1.0, -2.0), (-1.0, -1.5)]})
        files = []
        for attempt in ("first", "second"):
            run_gate(sound.folder / "world.usda", way, engine=engine, out=tmp_path / attempt, seed=7, limit_s=240.0)
            files.append((tmp_path / attempt / f"gate_{engine}.json").read_bytes())
        assert files[0] == files[1]


def test_a_ball_is_only_dropped_where_all_of_it_has_room(tmp_path: Path) -> None:
    """3 cells between a probe's own cell and the wall leave 12.5 cm: less than the large ball's 15 cm."""
    kinds = {}
    for x in (-2.875, -2.775):
        way = navigation(room(), probes=[(x, 0.0, 0.0)], routes={})
        stage = tmp_path / f"{x}.usda"
        world = write_world(tmp_path / f"world{x}.usda", room())
        gate = author_gate_stage(stage, world=world, navigation=way, robot=DiffDrive(), seed=7)
        kinds[round(float(way.probe_room[0]), 3)] = gate.probes[0].kind
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
    assert {probe.kind for probe in result.probes if probe.fell} == {"fast_ball"}


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
        request = GateRequest(
            engine="physx", stage=str(tmp_path / "absent.usda"), hull_count=0, robot=DiffDrive(), probes=(), routes=()
        )
        request.save(tmp_path / "request.json")
        with pytest.raises(PhysicsError, match=r"(?s)engine physx: its process failed .*absent\.usda"):
            run_worker("physx", tmp_path, 60.0)

    def test_unknown_engine(self, tmp_path: Path) -> None:
        with pytest.raises(PluginError, match="bullet"):
            run_gate(
                tmp_path / "w.usda", navigation({}, probes=GRID, routes={}), engine="bullet", out=tmp_path, seed=7, limit_s=9.0
            )
