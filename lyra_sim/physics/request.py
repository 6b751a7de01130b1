"""What one worker process is asked to simulate, and its JSON form. Holds no pxr types: PhysX brings its own USD."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lyra_sim.data.files import read_json, write_json
from lyra_sim.physics.controller import DiffDrive
from lyra_sim.physics.result import ProbeKind


@dataclass(frozen=True, kw_only=True)
class ProbeRequest:
    """A body of the stage that falls on a point of the floor."""

    name: str
    body: str
    """Prim path."""
    kind: ProbeKind
    x: float
    """[m]"""
    y: float
    floor_z: float
    rest_height: float
    """Of the body's origin above the floor it lies on [m]."""


@dataclass(frozen=True, kw_only=True)
class RouteRequest:
    """A robot of the stage and the polyline it is to follow."""

    name: str
    body: str
    """Prim path of the chassis, whose origin is above the axle's middle."""
    wheel_joints: tuple[str, str]
    """Prim paths, left and right."""
    waypoints: tuple[tuple[float, float], ...]
    """World x, y [m]."""


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """One stage, everything in it that moves, and for how long."""

    engine: str
    stage: str
    hull_count: int
    robot: DiffDrive
    """What drives every route."""
    probes: tuple[ProbeRequest, ...]
    routes: tuple[RouteRequest, ...]
    settle_seconds: float = 2.5
    """Probes fall and the robots come to rest on their wheels before anything drives."""
    arrival_tolerance: float = 0.15
    """[m]"""
    stuck_seconds: float = 4.0
    """A robot without progress for this long is stuck; turning round takes under 2 s."""

    def save(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "GateRequest":
        stored: dict[str, Any] = read_json(path)
        routes = [
            {**row, "wheel_joints": tuple(row["wheel_joints"]), "waypoints": tuple((x, y) for x, y in row["waypoints"])}
            for row in stored["routes"]
        ]
        probes, robot = tuple(ProbeRequest(**row) for row in stored["probes"]), DiffDrive(**stored["robot"])
        return cls(**{**stored, "robot": robot, "probes": probes, "routes": tuple(RouteRequest(**row) for row in routes)})
