"""Where a robot can be put and the ways it can go: what the map proves, physics then drives."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.files import read_json, write_json
from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.errors import GeometryError


@dataclass(frozen=True, kw_only=True)
class Route:
    """A collision-free polyline on the floor for a disc-shaped robot."""

    name: str
    waypoints: Float64[np.ndarray, "n 2"]
    """World x, y [m], start first, n ≥ 2."""

    @property
    def length(self) -> float:
        """Planned length [m]."""
        return float(np.linalg.norm(np.diff(self.waypoints, axis=0), axis=1).sum())


@dataclass(frozen=True, kw_only=True)
class Doorway:
    """A narrow place between two wider ones."""

    x: float
    """Its middle [m]."""
    y: float
    width: float
    """Between what stands on either side [m]."""
    routes: tuple[str, ...]
    """Names of the routes through it."""


@dataclass(frozen=True, kw_only=True)
class Navigation:
    """Occupancy map, the area a robot of ``robot_radius`` can reach, spawn poses and planned routes.

    Raises:
        GeometryError: Probes and their clearances differ in number.
    """

    occupancy: OccupancyMap
    robot_radius: float
    """Radius the routes keep clear [m]."""
    reachable_area: float
    """Area of robot centres reachable without leaving known free space [m^2]."""
    spawns: Float64[np.ndarray, "s 3"]
    """World x, y [m] and yaw [rad] of collision-free start poses on the main floor; best first."""
    probes: Float64[np.ndarray, "p 3"]
    """World x, y, z [m] of floor points under free cells, for drop tests; z is the floor height there."""
    probe_room: Float64[np.ndarray, "p"]
    """Distance from each probe point to the nearest edge of a cell with anything in a probe's way [m]."""
    routes: tuple[Route, ...]
    floor: Float64[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    """The main floor: z = floor[0] + floor[1] x + floor[2] y [m]."""
    band: tuple[float, float] = (0.1, 0.62)
    """Heights above it in which the map tells what is in the way [m]."""
    doorways: tuple[Doorway, ...] = ()
    """In reachable space."""
    probe_gap: float | None = None
    """How far the farthest free cell with room for a probe is from one [m]; None without probes."""
    route_coverage: float | None = None
    """Share of the reachable cells within a metre of a route."""

    def floor_height(self, xy: Float64[np.ndarray, "*n 2"]) -> Float64[np.ndarray, "*n"]:
        """z of the main floor [m]."""
        return np.asarray(self.floor[0] + np.asarray(xy, np.float64) @ self.floor[1:])

    def __post_init__(self) -> None:
        if len(self.probe_room) != len(self.probes):
            raise GeometryError("probes", f"{len(self.probe_room)} clearances", expected=f"{len(self.probes)}, one a probe")

    def save(self, folder: Path) -> None:
        self.occupancy.save(folder / "occupancy_map")
        facts = {
            "robot_radius": self.robot_radius,
            "reachable_area": self.reachable_area,
            "spawns": self.spawns.tolist(),
            "probes": self.probes.tolist(),
            "probe_room": self.probe_room.tolist(),
            "routes": [{"name": route.name, "waypoints": route.waypoints.tolist()} for route in self.routes],
            "floor": self.floor.tolist(),
            "band": list(self.band),
            "doorways": [asdict(doorway) for doorway in self.doorways],
            "probe_gap": self.probe_gap,
            "route_coverage": self.route_coverage,
        }
        write_json(folder / "navigation.json", facts)

    @classmethod
    def load(cls, folder: Path) -> "Navigation":
        facts = read_json(folder / "navigation.json")
        routes = tuple(Route(name=row["name"], waypoints=np.array(row["waypoints"], np.float64)) for row in facts["routes"])
        return cls(
            occupancy=OccupancyMap.load(folder / "occupancy_map"),
            robot_radius=facts["robot_radius"],
            reachable_area=facts["reachable_area"],
            spawns=np.array(facts["spawns"], np.float64).reshape(-1, 3),
            probes=np.array(facts["probes"], np.float64).reshape(-1, 3),
            probe_room=np.array(facts["probe_room"], np.float64),
            routes=routes,
            floor=np.array(facts["floor"], np.float64),
            band=(facts["band"][0], facts["band"][1]),
            doorways=tuple(Doorway(**{**row, "routes": tuple(row["routes"])}) for row in facts["doorways"]),
            probe_gap=facts["probe_gap"],
            route_coverage=facts["route_coverage"],
        )
