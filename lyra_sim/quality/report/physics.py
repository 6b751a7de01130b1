"""The report's section on the physics gate: what was dropped, shot and driven where, and each failure in its place."""

from collections.abc import Mapping, Sequence

import numpy as np

from lyra_sim.data.navigation import Navigation
from lyra_sim.physics.result import GateResult
from lyra_sim.quality.report.page import Figure, Section, swatches
from lyra_sim.quality.report.plan_svg import PlanSvg

GOOD_RGB, BAD_RGB, FREE_RGB, OCCUPIED_RGB, DOOR_RGB, SHOT_RGB = (
    (47, 158, 68),
    (224, 49, 49),
    (116, 184, 22),
    (66, 99, 235),
    (240, 140, 0),
    (156, 54, 181),
)
"""Colours of marks on plans. Convention."""
NEWTON_RGB = (214, 51, 108)
"""Newton's colour beside PhysX's. Convention."""
TOLD = 8
"""Failures told of in words; of more, the first ones and a count. Convention."""


def physics_section(
    gates: Mapping[str, GateResult], navigation: Navigation, map_uri: str, *, low: np.ndarray, high: np.ndarray
) -> Section | None:
    """One picture of everything that fell or flew and one of everything that drove, per engine; None without any engine.

    Args:
        gates: By engine.
        navigation: What was asked of them.
        map_uri: Picture of the map over exactly the rectangle from ``low`` to ``high`` [m].
        low: Low corner of the plans.
        high: High corner.
    """
    if not gates:
        return None
    figures, lines = [], []
    mark = float((high - low).max()) / 220
    for engine, gate in gates.items():
        failures = _failures(gate)
        told = "; ".join(failures[:TOLD]) + (f"; and {len(failures) - TOLD} more" if len(failures) > TOLD else "")
        lines.append(f"{gate.engine_version}: {told or 'nothing failed'}.")
        figures += [
            _fallen_figure(engine, gate, PlanSvg(map_uri, low=low, high=high), mark),
            _driven_figure(engine, gate, navigation, PlanSvg(map_uri, low=low, high=high), mark),
        ]
    return Section(title="What two engines felt", text="<br>".join(lines), figures=tuple(figures))


def _fallen_figure(engine: str, gate: GateResult, plan: PlanSvg, mark: float) -> Figure:
    for cell in sorted(gate.cells, key=lambda cell: not cell.agrees):
        says = "occupied" if cell.occupied else "free"
        felt = "something in it" if cell.touched else "nothing in it" if cell.rests else "nothing in it, and no rest below it"
        style = ("occupied-cell" if cell.occupied else "free-cell") if cell.agrees else "fell"
        plan.square(
            np.array([cell.x, cell.y]),
            half=mark if cell.agrees else 2 * mark,
            style=style,
            title=f"{cell.name}: the map says {says}, {engine} felt {felt}",
        )
    for probe in sorted(gate.probes, key=lambda probe: probe.fell):
        text = f"{probe.name}: {'fell' if probe.fell else f'{1000 * probe.height_error:+.1f} mm off'}"
        style = "fell" if probe.fell else "probe" if probe.settled and probe.on_floor else "rolling"
        plan.dot(np.array([probe.x, probe.y]), radius=2 * mark if probe.fell else mark, style=style, title=text)
    for shot in sorted(gate.shots, key=lambda shot: shot.through):
        text = f"{shot.name}: {shot.radius:g} m ball at {shot.target}, {shot.thickness:.2f} m thick" + (
            ", came through" if shot.through else ""
        )
        plan.dot(np.array([shot.x, shot.y]), radius=1.6 * mark, style="fell" if shot.through else "shot", title=text)
    wrong = sum(not cell.agrees for cell in gate.cells)
    keys = swatches(
        [
            ("probe", GOOD_RGB),
            ("shot hit", SHOT_RGB),
            ("cell asked, free", FREE_RGB),
            ("cell asked, occupied", OCCUPIED_RGB),
            ("failure", BAD_RGB),
        ]
    )
    fallen = sum(probe.fell for probe in gate.probes)
    ledges = sum(not probe.on_floor and not probe.fell for probe in gate.probes)
    caption = (
        f"{keys}<br>{engine}: {len(gate.probes)} probes, {fallen} fell, {ledges} off the floor; {len(gate.shots)} shots, "
        f"{sum(shot.through for shot in gate.shots)} came through; {len(gate.cells)} cells, {wrong} felt otherwise than mapped."
    )
    return Figure(html=plan.html(label=f"what fell and flew in {engine}"), caption=caption)


def _driven_figure(engine: str, gate: GateResult, navigation: Navigation, plan: PlanSvg, mark: float) -> Figure:
    for route in navigation.routes:
        plan.line(route.waypoints, style="route", title=f"{route.name}: planned {route.length:.2f} m")
    for door in navigation.doorways:
        through = ", ".join(door.routes) or "no route"
        plan.dot(
            np.array([door.x, door.y]), radius=door.width / 2, style="door", title=f"doorway, {door.width:.2f} m: {through}"
        )
    for drive in sorted(gate.routes, key=lambda drive: not drive.arrived):
        way = np.array(drive.trajectory, np.float64).reshape(-1, 2)
        plan.line(way, style=engine if drive.arrived else "lost", title=f"{drive.name}: {_outcome(gate, drive.name)}")
        if not drive.arrived:
            plan.dot(way[-1], radius=3 * mark, style="fell", title=f"{drive.name} ended here")
    arrived = sum(drive.arrived for drive in gate.routes)
    arrived_rgb = GOOD_RGB if engine == "physx" else NEWTON_RGB
    keys = swatches([("arrived", arrived_rgb), ("failure", BAD_RGB), ("doorway", DOOR_RGB)])
    drove = f"{engine}: {gate.robot} on {len(gate.routes)} routes, {arrived} arrived"
    caption = f"{keys}<br>{drove}; doorways: {len(navigation.doorways)}."
    return Figure(html=plan.html(label=f"routes driven in {engine}"), caption=caption)


def _failures(gate: GateResult) -> Sequence[str]:
    return [
        *(f"{probe.name} fell at {probe.x:.2f}, {probe.y:.2f}" for probe in gate.probes if probe.fell),
        *(
            f"{probe.name}, dropped at {probe.x:.2f}, {probe.y:.2f}, lies {100 * probe.height_error:+.1f} cm off the floor"
            for probe in gate.probes
            if not probe.fell and not probe.on_floor
        ),
        *(f"{shot.name} came through {shot.target}" for shot in gate.shots if shot.through),
        *(f"{route.name} {_outcome(gate, route.name)}" for route in gate.routes if not route.arrived),
        *(
            f"the {'occupied' if cell.occupied else 'free'} cell at {cell.x:.2f}, {cell.y:.2f} felt otherwise"
            for cell in gate.cells
            if not cell.agrees
        ),
    ]


def _outcome(gate: GateResult, name: str) -> str:
    route = next(route for route in gate.routes if route.name == name)
    if route.arrived:
        return f"arrived, {100 * route.length_error:+.1f} % of the plan"
    x, y = route.end
    return f"{'fell' if route.fell else 'got stuck' if route.stuck else 'missed its goal'} at {x:.2f}, {y:.2f}"
