"""What the gate found: one record per probe and per route, saved as plain JSON that repeats byte for byte."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from lyra_sim.data.files import read_json, write_json

ProbeKind = Literal["ball", "small_ball", "box"]

FALL_DEPTH = 0.05
"""A body whose lowest point is this far below the floor is under it [m]: it fell through, or went over an edge. Convention."""
FALL_SLOPE = 0.1
"""A body that moved may lie lower by this share of its way without being under it: a floor that slopes by 6 degrees.
Convention."""
ON_FLOOR = 0.02
"""A probe that rests within this of the expected height is on the floor [m]; one that isn't lies on or below a ledge.
Convention."""


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """One body dropped on one point of the floor."""

    name: str
    kind: ProbeKind
    x: float
    """Where it was dropped [m]."""
    y: float
    floor_z: float
    """Height of the floor there, as the map has it [m]."""
    height_error: float
    """Rest height minus the height expected on that floor [m]; negative is too low."""
    drift: float
    """Horizontal way from the drop point to where it ended [m]; a ball rolls off on a slope."""
    speed: float
    """At the end of the settling time [m/s]."""
    settled: bool
    """It lies still."""
    fell: bool
    """It went through the floor, or out of the world. One that rolled over an edge and lies on what is below it didn't."""
    over_edge: bool = False
    """It lies too low, and far enough from where it was dropped to have got round an edge of what was below it."""

    @property
    def penetration(self) -> float:
        """How far it sank into what it lies on [m], at least 0."""
        return 0.0 if self.over_edge else max(0.0, -self.height_error)

    @property
    def on_floor(self) -> bool:
        """It rests where the map has the floor."""
        return not self.fell and abs(self.height_error) <= ON_FLOOR


@dataclass(frozen=True, kw_only=True)
class ShotResult:
    """One ball shot at a floor or a wall at :data:`lyra_sim.physics.shots.SPEED`."""

    name: str
    kind: Literal["floor", "wall"]
    """Shot straight down, or level."""
    target: str
    """Name of the hull."""
    radius: float
    """[m]"""
    thickness: float
    """Of what it was shot at, along its way [m]."""
    x: float
    """Where it was to hit [m]."""
    y: float
    z: float
    depth: float
    """How far its middle came past the surface at the most [m]; negative when the surface held it off all the time."""
    through: bool
    """Its middle came out behind, or stays inside."""


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """One cell of the map, asked of the engine by a box that fills the cell and the robot's height band."""

    name: str
    x: float
    """The cell's middle [m]."""
    y: float
    occupied: bool
    """What the map says."""
    touched: bool
    """At once something held, shifted, turned or pushed the box."""
    rests: bool
    """It came to lie there, lower than the band begins and not below the floor."""
    departure: float
    """From free fall after the first moment [m]."""

    @property
    def agrees(self) -> bool:
        """The engine feels in this cell what the map says."""
        return self.touched if self.occupied else self.rests and not self.touched


@dataclass(frozen=True, kw_only=True)
class RouteResult:
    """One robot driven along one planned route."""

    name: str
    planned_length: float
    """[m]"""
    driven_length: float
    """Of the way of the axle's middle over the floor [m]."""
    arrived: bool
    """It stopped within the arrival tolerance of the goal."""
    final_error: float
    """Distance to the goal in the end [m]."""
    cross_track_error: float
    """Largest distance from the planned polyline [m]."""
    upright_cosine: float
    """Smallest cosine between the robot's up axis and the world's; 1 is upright."""
    stuck: bool
    """It stopped making progress before the goal, at the last point of ``trajectory``."""
    fell: bool
    """It went through the floor, or off its edge."""
    duration: float
    """Simulated time from the start of driving to the stop [s]."""
    trajectory: tuple[tuple[float, float], ...]
    """World x, y, five times a simulated second [m]."""

    @property
    def end(self) -> tuple[float, float]:
        """World x, y where it stopped [m]; where something was in the way when it is stuck."""
        return self.trajectory[-1]

    @property
    def length_error(self) -> float:
        """Driven minus planned length, as a share of the planned one; negative for a robot that didn't get there."""
        return self.driven_length / self.planned_length - 1.0


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """All of one engine's findings on one world. Zero routes is a finding too: nothing was proven to be driveable."""

    engine: str
    engine_version: str
    hull_count: int
    """Static colliders that the engine was given."""
    robot: str
    """Template that drove the routes."""
    step_count: int
    dt: float
    """Of one step [s]."""
    probes: tuple[ProbeResult, ...]
    routes: tuple[RouteResult, ...]
    shots: tuple[ShotResult, ...] = ()
    cells: tuple[CellResult, ...] = ()
    wall_seconds: float | None = field(default=None, compare=False)
    """What it took; kept out of the file, which must repeat. None when read from one."""

    @property
    def counts(self) -> dict[str, int]:
        """How much was tried."""
        parts = {"probe": self.probes, "route": self.routes, "shot": self.shots, "cell": self.cells}
        return {f"{name}_count": len(rows) for name, rows in parts.items()}

    @property
    def fallen(self) -> tuple[str, ...]:
        """Names of probes and routes whose body fell, with the place: what to tell the user first."""
        probes = [f"{probe.name} ({probe.kind} at {probe.x:.2f}, {probe.y:.2f})" for probe in self.probes if probe.fell]
        return (*probes, *[f"{route.name} (robot)" for route in self.routes if route.fell])

    def save(self, path: Path) -> None:
        stored = asdict(self)
        del stored["wall_seconds"]
        for part in ("probes", "routes", "shots", "cells"):
            stored[part] = [_decimals(row) for row in stored[part]]
        write_json(path, {**stored, **self.counts})

    @classmethod
    def load(cls, path: Path) -> "GateResult":
        stored = read_json(path)
        probes = tuple(ProbeResult(**row) for row in stored["probes"])
        routes = tuple(
            RouteResult(**{**row, "trajectory": tuple((x, y) for x, y in row["trajectory"])}) for row in stored["routes"]
        )
        shots = tuple(ShotResult(**row) for row in stored["shots"])
        cells = tuple(CellResult(**row) for row in stored["cells"])
        plain = {each.name: stored[each.name] for each in fields(cls) if each.name in stored}
        return cls(**{**plain, "probes": probes, "routes": routes, "shots": shots, "cells": cells})


def agreement(a: GateResult, b: GateResult) -> dict[str, float]:
    """Per route of both engines: difference of driven length as a share of the planned one.

    Two that both stopped short are compared like two that arrived: agreeing on where the way is blocked is agreement.
    A route that only one of them finished is as far from it as can be and counts as 1.
    """
    other = {route.name: route for route in b.routes}
    shares = {}
    for route in a.routes:
        if route.name in other:
            twin = other[route.name]
            difference = abs(route.driven_length - twin.driven_length) / route.planned_length
            shares[route.name] = difference if route.arrived == twin.arrived else 1.0
    return shares


def _decimals(row: dict[str, Any]) -> dict[str, Any]:
    """Floats to a hundredth of a millimetre: the file says no more than physics does."""
    rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in row.items()}
    if "trajectory" in row:
        rounded["trajectory"] = [[round(x, 3), round(y, 3)] for x, y in row["trajectory"]]
    return rounded
