"""From gate results to verdicts: nothing falls by, nothing passes by default."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from lyra_sim.data.navigation import Doorway, Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OccupancyMap
from lyra_sim.data.report import Metric, Report
from lyra_sim.errors import EnvironmentNotReady, PhysicsError
from lyra_sim.physics.gate import GateRun
from lyra_sim.physics.result import CellResult, GateResult, ProbeResult, RouteResult, ShotResult
from lyra_sim.quality.physics import gate_metrics
from lyra_sim.quality.report.physics import physics_section
from lyra_sim.quality.report.world_report import driven_paths, dropped_probes


def probe(name: str, *, height_error: float = 0.001, fell: bool = False, settled: bool = True) -> ProbeResult:
    return ProbeResult(
        name=name,
        kind="ball",
        x=1.0,
        y=2.0,
        floor_z=0.0,
        height_error=height_error,
        drift=0.0,
        speed=0.0,
        settled=settled,
        fell=fell,
    )


def route(name: str, *, driven: float = 5.1, arrived: bool = True, upright: float = 1.0) -> RouteResult:
    return RouteResult(
        name=name,
        planned_length=5.0,
        driven_length=driven,
        arrived=arrived,
        final_error=0.05,
        cross_track_error=0.03,
        upright_cosine=upright,
        stuck=not arrived,
        fell=False,
        duration=9.0,
        trajectory=((0.0, 0.0), (driven, 0.0)),
    )


def shot(name: str, kind: Literal["floor", "wall"], *, through: bool = False, thickness: float = 0.3) -> ShotResult:
    where = {"x": 1.0, "y": 2.0, "z": 0.3}
    return ShotResult(
        name=name, kind=kind, target=f"{kind}_007", radius=0.02, thickness=thickness, **where, depth=0.01, through=through
    )


def cell(name: str, *, occupied: bool, touched: bool, rests: bool = True) -> CellResult:
    return CellResult(name=name, x=1.0, y=2.0, occupied=occupied, touched=touched, rests=rests, departure=0.0)


SHOTS = (shot("s0", "floor"), shot("s1", "wall", thickness=0.12), shot("s2", "wall"))
CELLS = (cell("c0", occupied=False, touched=False), cell("c1", occupied=True, touched=True, rests=False)) * 50


def gate(engine: str, probes: tuple[ProbeResult, ...], routes: tuple[RouteResult, ...]) -> GateResult:
    return GateResult(
        engine=engine,
        engine_version=f"{engine} 1",
        robot="diff_drive",
        hull_count=3,
        step_count=10,
        dt=0.01,
        probes=probes,
        routes=routes,
        shots=SHOTS,
        cells=CELLS,
    )


def figures(gates: dict[str, GateResult], **failures: EnvironmentNotReady | PhysicsError) -> list[Metric]:
    return gate_metrics(GateRun(results=gates, failures=failures), robot_radius=0.25)


def named(metrics: list[Metric]) -> dict[str, Metric]:
    assert len({metric.name for metric in metrics}) == len(metrics)
    return {metric.name.removeprefix("physics."): metric for metric in metrics}


GOOD = gate("physx", (probe("a"), probe("b", height_error=-0.004)), (route("r0"), route("r1", driven=4.9)))


def test_two_good_engines_pass() -> None:
    metrics = named(figures({"physx": GOOD, "newton": replace(GOOD, engine="newton")}))
    assert {metric.verdict for metric in metrics.values()} == {"pass"}
    assert metrics["physx.settle_error"].value == pytest.approx(0.004)
    assert metrics["physx.penetration"].value == pytest.approx(0.004)
    assert metrics["newton.routes_driven"].value == 1.0 and metrics["newton.routes_driven"].n == 2
    assert metrics["physx.length_error"].value == pytest.approx(0.02)
    assert metrics["agreement"].value == 0.0


def test_one_fallen_ball_fails_and_is_named_but_does_not_count_as_resting() -> None:
    metrics = named(figures({"physx": gate("physx", (probe("a"), probe("lost", height_error=-9.0, fell=True)), GOOD.routes)}))
    assert metrics["physx.probes_fell"].verdict == "fail" and metrics["physx.probes_fell"].note.startswith("lost at 1.00, 2.00")
    assert metrics["physx.settle_error"].value == pytest.approx(0.001)


def test_one_ball_of_two_hundred_on_a_ledge_passes_and_its_place_is_told() -> None:
    probes = (*(probe(f"p{number}") for number in range(199)), probe("ball_199", height_error=0.3))
    metrics = named(figures({"physx": gate("physx", probes, GOOD.routes)}))
    held = metrics["physx.on_floor"]
    assert (held.value, held.verdict) == (pytest.approx(0.995), "pass")
    assert held.note.startswith("ball_199 at 1.00, 2.00: 30.0 cm high")
    assert metrics["physx.settle_error"].value == pytest.approx(0.3)
    assert "fail" not in {metric.verdict for name, metric in metrics.items() if name.startswith("physx.")}


@pytest.mark.parametrize(("off", "verdict"), [(2, "pass"), (3, "fail"), (11, "fail")])
def test_more_than_one_in_a_hundred_off_the_floor_is_the_floors_fault(off: int, verdict: str) -> None:
    probes = tuple(probe(f"p{number}", height_error=0.021 if number < off else 0.0) for number in range(200))
    held = named(figures({"physx": gate("physx", probes, GOOD.routes)}))["physx.on_floor"]
    assert held.verdict == verdict and (off < 5 or f"and {off - 4} more" in held.note)


def test_a_body_that_sank_where_it_was_dropped_fails_alone_and_one_below_a_ledge_does_not() -> None:
    sunk = probe("sunk", height_error=-0.03)
    for last, verdict in ((sunk, "fail"), (replace(sunk, drift=0.5, over_edge=True), "pass")):
        probes = (*(probe(f"p{number}") for number in range(199)), last)
        metrics = named(figures({"physx": gate("physx", probes, GOOD.routes)}))
        assert metrics["physx.penetration"].verdict == verdict and metrics["physx.on_floor"].verdict == "pass"


def test_no_routes_fail() -> None:
    metrics = named(figures({"physx": gate("physx", GOOD.probes, ())}))
    assert (metrics["physx.routes_driven"].value, metrics["physx.routes_driven"].verdict) == (0.0, "fail")
    assert metrics["physx.routes_driven"].note.startswith("no route")
    assert metrics["physx.length_error"].verdict == "not-measured"


def test_a_stuck_robot_fails_however_well_the_others_did() -> None:
    metrics = named(figures({"physx": gate("physx", GOOD.probes, (route("r0"), route("r1", driven=1.0, arrived=False)))}))
    assert (metrics["physx.routes_driven"].value, metrics["physx.routes_driven"].verdict) == (0.5, "fail")
    assert "r1 stuck" in metrics["physx.routes_driven"].note
    assert metrics["physx.length_error"].value == pytest.approx(0.02), "its length says nothing about driving"


def test_engines_that_disagree_are_told_apart() -> None:
    other = gate("newton", GOOD.probes, (route("r0", driven=6.0), route("r1", driven=4.9)))
    metrics = named(figures({"physx": GOOD, "newton": other}))
    assert metrics["agreement"].value == pytest.approx(0.18)
    assert metrics["agreement"].verdict == "fail"
    assert metrics["newton.length_error"].verdict == "fail"


def test_no_probes_and_one_engine_are_not_measured() -> None:
    metrics = named(figures({"physx": gate("physx", (), GOOD.routes)}))
    for name in ("physx.probes_fell", "physx.probes_settled", "physx.on_floor", "physx.settle_error", "agreement"):
        assert metrics[name].verdict == "not-measured"


def test_a_ball_through_a_floor_fails_and_one_through_a_wall_warns_and_both_are_named() -> None:
    shots = (shot("s0", "floor", through=True), shot("s1", "wall"), shot("s2", "wall", through=True))
    metrics = named(figures({"physx": replace(GOOD, shots=shots)}))
    floor, wall = metrics["physx.tunnelled_floor"], metrics["physx.tunnelled_wall"]
    assert (floor.value, floor.n, floor.verdict) == (1, 1, "fail") and "s0 (floor_007, 0.02 m)" in floor.note
    assert (wall.value, wall.n, wall.verdict) == (1, 2, "warn") and "s2" in wall.note
    held = named(figures({"physx": GOOD}))["physx.tunnelled_wall"]
    assert held.verdict == "pass" and "thinnest 0.12 m" in held.note
    assert named(figures({"physx": replace(GOOD, shots=SHOTS[:1])}))["physx.tunnelled_wall"].verdict == "not-measured"


@pytest.mark.parametrize(
    ("wrong", "count", "verdict"),
    [
        (cell("w", occupied=False, touched=True), 1, "pass"),
        (cell("w", occupied=False, touched=False, rests=False), 2, "warn"),
        (cell("w", occupied=True, touched=False), 4, "fail"),
    ],
)
def test_the_worse_engine_says_how_far_map_and_physics_disagree(wrong: CellResult, count: int, verdict: str) -> None:
    off = replace(GOOD, engine="newton", cells=(*CELLS[count:], *(wrong,) * count))
    metric = named(figures({"physx": GOOD, "newton": off}))["navigation.map_physics_disagreement"]
    assert (metric.value, metric.n, metric.verdict) == (pytest.approx(count / 100), 100, verdict)
    assert metric.note.startswith("newton: ") and ("occupied" if wrong.occupied else "free") + " at 1.00, 2.00" in metric.note
    unasked = named(figures({"physx": replace(GOOD, cells=())}))["navigation.map_physics_disagreement"]
    assert unasked.verdict == "not-measured"


def test_the_report_shows_every_failure_in_its_place() -> None:
    failing = replace(
        GOOD,
        probes=(*GOOD.probes, probe("lost", fell=True)),
        routes=(*GOOD.routes, route("r2", driven=1.0, arrived=False)),
        shots=(*SHOTS, shot("s9", "wall", through=True)),
        cells=(*CELLS, cell("c9", occupied=False, touched=True)),
    )
    way = Navigation(
        occupancy=OccupancyMap(cells=np.full((4, 4), FREE_CELL, np.uint8), origin=np.zeros(2), resolution=0.05),
        robot_radius=0.25,
        reachable_area=1.0,
        spawns=np.zeros((0, 3)),
        probes=np.zeros((0, 3)),
        probe_room=np.zeros(0),
        routes=(Route(name="r0", waypoints=np.array([[0.0, 0.0], [5.0, 0.0]])),),
        doorways=(Doorway(x=1.0, y=1.0, width=0.8, routes=("r0",)),),
    )
    size = {"low": np.zeros(2), "high": np.array([6.0, 4.0])}
    section = physics_section({"physx": GOOD, "newton": failing}, way, "data:image/png;base64,", **size)
    assert section is not None and len(section.figures) == 4
    good, bad = section.text.split("<br>")
    assert good == "physx 1: nothing failed."
    for words in ("lost fell at 1.00, 2.00", "s9 came through wall_007", "r2 got stuck at 1.00, 0.00", "the free cell at 1.00"):
        assert words in bad
    assert 'class="fell"' not in "".join(figure.html for figure in section.figures[:2])
    fallen, driven = (figure.html for figure in section.figures[2:])
    assert fallen.count('class="fell"') == 3 and driven.count('class="lost"') == driven.count('class="fell"') == 1
    assert "the map says free, newton felt something in it" in fallen and "doorway, 0.80 m: r0" in driven
    assert physics_section({}, way, "", **size) is None


def test_a_lost_engine_is_named_fails_and_costs_the_other_nothing() -> None:
    missing = EnvironmentNotReady("physics 'newton'", "2 of its packages are not installed", expected="newton[sim]==1.8.*")
    metrics = figures({"physx": GOOD}, newton=missing)
    by_name = named(metrics)
    assert by_name["physx.routes_driven"].verdict == "pass"
    for name in ("routes_driven", "probes_fell", "upright"):
        metric = by_name[f"newton.{name}"]
        assert metric.verdict == "not-measured" and "not installed" in metric.note
    assert {m.name.split(".")[2] for m in metrics if ".newton." in m.name} == {
        m.name.split(".")[2] for m in metrics if ".physx." in m.name
    }
    assert (by_name["engines"].value, by_name["engines"].verdict) == (1, "warn")
    assert (by_name["engines_lost"].value, by_name["engines_lost"].verdict) == (1, "fail")
    assert "newton: 2 of its packages" in by_name["engines_lost"].note
    assert Report(scene="x", metrics=tuple(metrics)).verdict == "fail"


def test_one_engine_by_choice_warns_and_two_crashed_ones_fail() -> None:
    alone = figures({"physx": GOOD})
    assert named(alone)["engines_lost"].verdict == "pass" and Report(scene="x", metrics=tuple(alone)).verdict == "warn"
    crash = PhysicsError("engine physx", "its process failed (killed by signal 11)")
    none = named(figures({}, physx=crash, newton=crash))
    assert none["engines"].value == 0 and none["engines_lost"].verdict == "fail"
    assert none["robot_footprint"].verdict == none["agreement"].verdict == "not-measured"


@pytest.mark.parametrize(("upright", "verdict"), [(0.999, "pass"), (0.95, "warn"), (0.5, "fail")])
def test_the_worst_tilt_of_any_route_is_judged(upright: float, verdict: str) -> None:
    tilted = gate("physx", GOOD.probes, (route("r0"), route("r1", arrived=False, upright=upright)))
    metric = named(figures({"physx": tilted}))["physx.upright"]
    assert (metric.value, metric.verdict, metric.n) == (upright, verdict, 2)
    assert ("r1" in metric.note) == (verdict != "pass")


@pytest.mark.parametrize(("radius", "verdict"), [(0.25, "pass"), (0.28, "pass"), (0.6, "warn")])
def test_a_robot_smaller_than_asked_proves_less(radius: float, verdict: str) -> None:
    found = named(gate_metrics(GateRun(results={"physx": GOOD}, failures={}), robot_radius=radius))
    assert found["robot_footprint"].value == 0.23 and found["robot_footprint"].n == 2
    assert (found["robot_share"].value, found["robot_share"].verdict) == (pytest.approx(0.23 / radius), verdict)
    assert ("smaller robot than asked" in found["robot_share"].note) == (verdict == "warn")


def test_pictures_get_every_path_and_fallen_probes_on_top() -> None:
    gates = {"physx": gate("physx", (probe("lost", fell=True), probe("a")), GOOD.routes), "newton": GOOD}
    assert [(path.engine, path.route) for path in driven_paths(gates)] == [
        (e, r) for e in ("physx", "newton") for r in ("r0", "r1")
    ]
    assert driven_paths(gates)[0].xy.shape == (2, 2)
    assert [mark.fell for mark in dropped_probes(gates)] == [False, False, False, True]
