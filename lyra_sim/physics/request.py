"""What one worker process is asked to simulate, and its JSON form. Holds no pxr types: PhysX brings its own USD."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lyra_sim.data.files import read_json, write_json
from lyra_sim.physics.result import ProbeKind
from lyra_sim.physics.robots import DiffDrive


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
    """Of the body's origin above the floor it lies on [m]: half its least width, too."""
    room: float = 0.0
    """The map has floor this far around it [m]."""
    below_band: float = 0.0
    """Where the map has floor, there is some no lower than this [m]: what is lower than the band begins isn't in the map."""


@dataclass(frozen=True, kw_only=True)
class ShotRequest:
    """A ball of the stage that flies at a hull from its start."""

    name: str
    body: str
    """Prim path."""
    radius: float
    """[m]"""
    start: tuple[float, float, float]
    """World position of its middle [m]."""
    direction: tuple[float, float, float]
    """Unit."""
    target: str
    """Name of the hull it meets first."""
    entry: float
    """From the start to that hull's near side [m]."""
    exit: float
    """… and to its far side, or that of what lies behind it without a gap [m]."""


@dataclass(frozen=True, kw_only=True)
class CellRequest:
    """A box of the stage that fills the robot's height band over one cell of the map, let go there."""

    name: str
    body: str
    """Prim path."""
    x: float
    """The cell's middle [m]."""
    y: float
    occupied: bool
    """What the map says."""
    floor_z: float
    drop: float
    """From the box's bottom, which is the body's origin, to the floor [m]: what lies lower isn't in the band."""
    length: float
    """Of the box, from its bottom up [m]."""


@dataclass(frozen=True, kw_only=True)
class RouteRequest:
    """A robot of the stage and the polyline it is to follow."""

    name: str
    body: str
    """Prim path of the chassis, whose origin is above the axle's middle."""
    wheel_joints: tuple[str, ...]
    """Prim paths, those of the left side and then as many of the right."""
    waypoints: tuple[tuple[float, float], ...]
    """World x, y [m]."""


@dataclass(frozen=True, kw_only=True)
class DropRequest:
    """One stage with everything that falls or flies by itself."""

    stage: str
    probes: tuple[ProbeRequest, ...]
    shots: tuple[ShotRequest, ...] = ()
    cells: tuple[CellRequest, ...] = ()
    reference: str | None = None
    """Prim path of a box like those over the cells, far above everything: how one falls that nothing touches."""
    bottom: float | None = None
    """Lowest point of any hull [m]: what is below it has left the world."""
    seconds: float = 2.5
    """After which everything is to lie still."""

    @property
    def bodies(self) -> list[str]:
        """Prim paths of all bodies, in the order that :mod:`lyra_sim.physics.drop` reads them in."""
        moving = [
            *(each.body for each in self.probes),
            *(each.body for each in self.shots),
            *(each.body for each in self.cells),
        ]
        return moving if self.reference is None else [*moving, self.reference]


@dataclass(frozen=True, kw_only=True)
class DriveRequest:
    """One stage with a robot for every route."""

    stage: str
    robot: DiffDrive
    """What drives every route."""
    routes: tuple[RouteRequest, ...]
    settle_seconds: float = 1.0
    """The robots come to rest on their wheels before anything drives."""
    arrival_tolerance: float = 0.15
    """[m]"""
    stuck_seconds: float = 4.0
    """A robot without progress for this long is stuck; turning round takes under 2 s."""


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """What one engine does with one world: the two experiments don't meet, so each has a simulation of its own."""

    engine: str
    hull_count: int
    drop: DropRequest
    drive: DriveRequest

    def save(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "GateRequest":
        stored: dict[str, Any] = read_json(path)
        drop, drive = stored["drop"], stored["drive"]
        robot = {**drive["robot"], **{side: tuple(drive["robot"][side]) for side in ("left_wheels", "right_wheels")}}
        routes = [
            {**row, "wheel_joints": tuple(row["wheel_joints"]), "waypoints": tuple((x, y) for x, y in row["waypoints"])}
            for row in drive["routes"]
        ]
        shots = [{**row, **{key: tuple(row[key]) for key in ("start", "direction")}} for row in drop["shots"]]
        return cls(
            engine=stored["engine"],
            hull_count=stored["hull_count"],
            drop=DropRequest(
                **{
                    **drop,
                    "probes": tuple(ProbeRequest(**row) for row in drop["probes"]),
                    "shots": tuple(ShotRequest(**row) for row in shots),
                    "cells": tuple(CellRequest(**row) for row in drop["cells"]),
                }
            ),
            drive=DriveRequest(
                **{**drive, "robot": DiffDrive(**robot), "routes": tuple(RouteRequest(**row) for row in routes)}
            ),
        )
