"""From gate results to verdicts: nothing falls by, nothing passes by default."""

from dataclasses import replace

import pytest

from lyra_sim.data.report import Metric
from lyra_sim.physics.result import GateResult, ProbeResult, RouteResult
from lyra_sim.quality.physics import gate_metrics
from lyra_sim.quality.report import driven_paths, dropped_probes


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


def route(name: str, *, driven: float = 5.1, arrived: bool = True) -> RouteResult:
    return RouteResult(
        name=name,
        planned_length=5.0,
        driven_length=driven,
        arrived=arrived,
        final_error=0.05,
        cross_track_error=0.03,
        upright_cosine=1.0,
        stuck=not arrived,
        fell=False,
        duration=9.0,
        trajectory=((0.0, 0.0), (driven, 0.0)),
    )


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
    )


def named(metrics: list[Metric]) -> dict[str, Metric]:
    return {metric.name.removeprefix("physics."): metric for metric in metrics}


GOOD = gate("physx", (probe("a"), probe("b", height_error=-0.004)), (route("r0"), route("r1", driven=4.9)))


def test_two_good_engines_pass() -> None:
    metrics = named(gate_metrics({"physx": GOOD, "newton": replace(GOOD, engine="newton")}))
    assert {metric.verdict for metric in metrics.values()} == {"pass"}
    assert metrics["physx.settle_error"].value == pytest.approx(0.004)
    assert metrics["physx.penetration"].value == pytest.approx(0.004)
    assert metrics["newton.routes_driven"].value == 1.0 and metrics["newton.routes_driven"].n == 2
    assert metrics["physx.length_error"].value == pytest.approx(0.02)
    assert metrics["agreement"].value == 0.0


def test_one_fallen_ball_fails_and_is_named_but_does_not_count_as_resting() -> None:
    metrics = named(
        gate_metrics({"physx": gate("physx", (probe("a"), probe("lost", height_error=-9.0, fell=True)), GOOD.routes)})
    )
    assert metrics["physx.probes_fell"].verdict == "fail" and "lost" in metrics["physx.probes_fell"].note
    assert metrics["physx.settle_error"].value == pytest.approx(0.001)


def test_no_routes_fail() -> None:
    metrics = named(gate_metrics({"physx": gate("physx", GOOD.probes, ())}))
    assert (metrics["physx.routes_driven"].value, metrics["physx.routes_driven"].verdict) == (0.0, "fail")
    assert metrics["physx.routes_driven"].note.startswith("no route")
    assert metrics["physx.length_error"].verdict == "not-measured"


def test_a_stuck_robot_fails_however_well_the_others_did() -> None:
    metrics = named(gate_metrics({"physx": gate("physx", GOOD.probes, (route("r0"), route("r1", driven=1.0, arrived=False)))}))
    assert (metrics["physx.routes_driven"].value, metrics["physx.routes_driven"].verdict) == (0.5, "fail")
    assert "r1 stuck" in metrics["physx.routes_driven"].note
    assert metrics["physx.length_error"].value == pytest.approx(0.02), "its length says nothing about driving"


def test_engines_that_disagree_are_told_apart() -> None:
    other = gate("newton", GOOD.probes, (route("r0", driven=6.0), route("r1", driven=4.9)))
    metrics = named(gate_metrics({"physx": GOOD, "newton": other}))
    assert metrics["agreement"].value == pytest.approx(0.18)
    assert metrics["agreement"].verdict == "fail"
    assert metrics["newton.length_error"].verdict == "fail"


def test_no_probes_and_one_engine_are_not_measured() -> None:
    metrics = named(gate_metrics({"physx": gate("physx", (), GOOD.routes)}))
    for name in ("physx.probes_fell", "physx.probes_settled", "physx.settle_error", "agreement"):
        assert metrics[name].verdict == "not-measured"


def test_pictures_get_every_path_and_fallen_probes_on_top() -> None:
    gates = {"physx": gate("physx", (probe("lost", fell=True), probe("a")), GOOD.routes), "newton": GOOD}
    assert [(path.engine, path.route) for path in driven_paths(gates)] == [
        (e, r) for e in ("physx", "newton") for r in ("r0", "r1")
    ]
    assert driven_paths(gates)[0].xy.shape == (2, 2)
    assert [mark.fell for mark in dropped_probes(gates)] == [False, False, False, True]
