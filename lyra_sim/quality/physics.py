"""The physics gate in figures: what fell, what rests where it should, what was driven. Nothing to drive is a failure."""

from collections.abc import Mapping

import numpy as np

from lyra_sim.data.report import Metric
from lyra_sim.errors import LyraSimError
from lyra_sim.physics.gate import GateRun
from lyra_sim.physics.result import GateResult, ProbeResult, agreement
from lyra_sim.physics.robots import ROBOTS
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured

PARTS = (
    "probes_fell",
    "probes_settled",
    "on_floor",
    "settle_error",
    "penetration",
    "tunnelled_floor",
    "tunnelled_wall",
    "routes_driven",
    "length_error",
    "cross_track",
    "upright",
)
"""Figures every engine gives."""


def gate_metrics(run: GateRun, *, robot_radius: float) -> list[Metric]:
    """What engines make of the map, which ran and what they drove, all engines' figures, then how well the first two agree.

    ``robot_radius`` is what the scene asks for [m]; the gate drives the largest robot there is that fits.
    """
    gates, asked = run.results, len(run.results) + len(run.failures)
    lost = "; ".join(_why(engine, error) for engine, error in run.failures.items())
    metrics = [
        _map_metric(gates),
        measured("physics.engines", len(gates), n=max(asked, 1), note=f"of {asked} asked for"),
        measured("physics.engines_lost", len(run.failures), n=max(asked, 1), note=lost),
        *_robot_metrics(gates, robot_radius),
    ]
    for engine, gate in gates.items():
        metrics += _engine_metrics(engine, gate)
    for engine, error in run.failures.items():
        names = [f"physics.{engine}.{part}" for part in PARTS]
        metrics += [not_measured(name, limit_of(name).unit, _why(engine, error)) for name in names]
    if len(gates) < 2:
        return [*metrics, not_measured("physics.agreement", "share", f"needs two engines, {len(gates)} ran")]
    first, second = list(gates.values())[:2]
    shares = agreement(first, second)
    note = f"{first.engine_version} against {second.engine_version}"
    return [*metrics, measured("physics.agreement", max(shares.values(), default=np.nan), n=len(shares), note=note)]


def _why(engine: str, error: LyraSimError) -> str:
    """``newton: 2 of its packages are not installed``; the whole error is in the log."""
    return f"{engine}: {error.found}"


def _map_metric(gates: Mapping[str, GateResult]) -> Metric:
    """The worse engine's share of cells in which it doesn't feel what the map says."""
    name = "navigation.map_physics_disagreement"
    shares = {engine: np.mean([not cell.agrees for cell in gate.cells]) for engine, gate in gates.items() if gate.cells}
    if not shares:
        return not_measured(name, "share", "no engine was asked about a cell")
    worst = max(shares, key=lambda engine: float(shares[engine]))
    cells = gates[worst].cells
    wrong = [cell for cell in cells if not cell.agrees]
    places = _some([f"{'occupied' if cell.occupied else 'free'} at {cell.x:.2f}, {cell.y:.2f}" for cell in wrong])
    return measured(name, float(shares[worst]), n=len(cells), note=f"{worst}: {places}" if wrong else worst)


def _shot_metrics(engine: str, gate: GateResult) -> list[Metric]:
    """How many fast balls came through floors, and through walls."""
    metrics = []
    for kind in ("floor", "wall"):
        shots = [shot for shot in gate.shots if shot.kind == kind]
        name = f"physics.{engine}.tunnelled_{kind}"
        if not shots:
            metrics.append(not_measured(name, "1", f"no {kind} that could be shot at"))
            continue
        through = [f"{shot.name} ({shot.target}, {shot.radius:g} m)" for shot in shots if shot.through]
        thinnest = f"thinnest {min(shot.thickness for shot in shots):.2f} m"
        metrics.append(measured(name, len(through), n=len(shots), note=_some(through) or thinnest))
    return metrics


def _robot_metrics(gates: Mapping[str, GateResult], radius: float) -> list[Metric]:
    """The driven robot's footprint, and whether what it proves holds for the robot that was asked for."""
    drove = {gate.robot: len(gate.routes) for gate in gates.values() if gate.routes}
    if not drove:
        why = "nothing was driven"
        return [not_measured("physics.robot_footprint", "m", why), not_measured("physics.robot_share", "share", why)]
    footprint = min(robot.footprint_radius for robot in ROBOTS if robot.template in drove)
    share, n = footprint / radius, sum(drove.values())
    note = f"of robot.radius {radius:g} m"
    if limit_of("physics.robot_share").judge(share) != "pass":
        note = f"proven for a smaller robot than asked: {footprint:g} m {note}"
    return [
        measured("physics.robot_footprint", footprint, n=n, note=", ".join(sorted(drove))),
        measured("physics.robot_share", share, n=n, note=note),
    ]


def _engine_metrics(engine: str, gate: GateResult) -> list[Metric]:
    resting = [probe for probe in gate.probes if not probe.fell]
    driven = [route for route in gate.routes if route.arrived and not route.fell]
    n, m = len(resting), len(driven)
    fell = [f"{probe.name} at {probe.x:.2f}, {probe.y:.2f}" for probe in gate.probes if probe.fell]
    lost = [
        f"{route.name} {'fell' if route.fell else 'stuck' if route.stuck else 'missed its goal'}"
        for route in gate.routes
        if route not in driven
    ]
    share = m / len(gate.routes) if gate.routes else 0.0
    upright = limit_of("physics.*.upright")
    return [
        measured(f"physics.{engine}.probes_fell", len(fell), n=len(gate.probes), note=_some(fell) or gate.engine_version),
        measured(f"physics.{engine}.probes_settled", sum(probe.settled for probe in resting) / n if n else np.nan, n=n),
        measured(
            f"physics.{engine}.on_floor",
            sum(probe.on_floor for probe in resting) / n if n else np.nan,
            n=n,
            note=_some([_where(probe) for probe in resting if not probe.on_floor]),
        ),
        measured(f"physics.{engine}.settle_error", max((abs(probe.height_error) for probe in resting), default=np.nan), n=n),
        measured(f"physics.{engine}.penetration", max((probe.penetration for probe in resting), default=np.nan), n=n),
        *_shot_metrics(engine, gate),
        measured(
            f"physics.{engine}.routes_driven",
            share,
            n=max(len(gate.routes), 1),
            note=(_some(lost) or gate.robot) if gate.routes else "no route",
        ),
        measured(f"physics.{engine}.length_error", max((abs(route.length_error) for route in driven), default=np.nan), n=m),
        measured(f"physics.{engine}.cross_track", max((route.cross_track_error for route in driven), default=np.nan), n=m),
        measured(
            f"physics.{engine}.upright",
            min((route.upright_cosine for route in gate.routes), default=np.nan),
            n=len(gate.routes),
            note=_some([route.name for route in gate.routes if upright.judge(route.upright_cosine) != "pass"]),
        ),
    ]


def _where(probe: ProbeResult) -> str:
    """``ball_007 at 1.20, 3.40: 4.1 cm low``; the place is where it was dropped."""
    off = f"{100 * abs(probe.height_error):.1f} cm {'low' if probe.height_error < 0 else 'high'}"
    return f"{probe.name} at {probe.x:.2f}, {probe.y:.2f}: {off}"


def _some(names: list[str]) -> str:
    """The first few names and how many more there are."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
