"""The physics gate in figures: what fell, what rests where it should, what was driven. Nothing to drive is a failure."""

from collections.abc import Mapping

import numpy as np

from lyra_sim.data.report import Metric
from lyra_sim.physics.result import GateResult, agreement
from lyra_sim.quality.metrics import measured, not_measured


def gate_metrics(gates: Mapping[str, GateResult]) -> list[Metric]:
    """All engines' figures in the order given, then how well two engines agree."""
    metrics = [metric for engine, gate in gates.items() for metric in _engine_metrics(engine, gate)]
    if len(gates) < 2:
        return [*metrics, not_measured("physics.agreement", "share", f"needs two engines, {len(gates)} ran")]
    first, second = list(gates.values())[:2]
    shares = agreement(first, second)
    note = f"{first.engine_version} against {second.engine_version}"
    return [*metrics, measured("physics.agreement", max(shares.values(), default=np.nan), n=len(shares), note=note)]


def _engine_metrics(engine: str, gate: GateResult) -> list[Metric]:
    resting = [probe for probe in gate.probes if not probe.fell]
    driven = [route for route in gate.routes if route.arrived and not route.fell]
    n, m = len(resting), len(driven)
    fell = [probe.name for probe in gate.probes if probe.fell]
    lost = [
        f"{route.name} {'fell' if route.fell else 'stuck' if route.stuck else 'missed its goal'}"
        for route in gate.routes
        if route not in driven
    ]
    share = m / len(gate.routes) if gate.routes else 0.0
    return [
        measured(f"physics.{engine}.probes_fell", len(fell), n=len(gate.probes), note=_some(fell) or gate.engine_version),
        measured(f"physics.{engine}.probes_settled", sum(probe.settled for probe in resting) / n if n else np.nan, n=n),
        measured(f"physics.{engine}.settle_error", max((abs(probe.height_error) for probe in resting), default=np.nan), n=n),
        measured(f"physics.{engine}.penetration", max((probe.penetration for probe in resting), default=np.nan), n=n),
        measured(
            f"physics.{engine}.routes_driven",
            share,
            n=max(len(gate.routes), 1),
            note=(_some(lost) or gate.robot) if gate.routes else "no route",
        ),
        measured(f"physics.{engine}.length_error", max((abs(route.length_error) for route in driven), default=np.nan), n=m),
        measured(f"physics.{engine}.cross_track", max((route.cross_track_error for route in driven), default=np.nan), n=m),
    ]


def _some(names: list[str]) -> str:
    """The first few names and how many more there are."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
