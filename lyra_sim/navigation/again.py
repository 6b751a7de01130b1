"""What follows from a map, poses and routes that somebody else keeps: found again, whatever was said of it before."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lyra_sim.data.colliders import Hull
from lyra_sim.data.navigation import Navigation
from lyra_sim.navigation.build import PROBE_HEADROOM
from lyra_sim.navigation.doorways import find_doorways
from lyra_sim.navigation.far_apart import distance_to_chosen
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, blocked
from lyra_sim.navigation.reachable import clearance, reachable
from lyra_sim.navigation.routes import route_coverage
from lyra_sim.navigation.spawns import PROBE_CLEARANCE


def found_again(stored: Navigation, hulls: Sequence[Hull], band: FloorBand) -> Navigation:
    """Reachable area, doorways, how far routes and probes reach; poses, probes and routes stay as they are stored.

    Reachable is what a robot gets to from the spawn poses; without any, nothing is.

    Args:
        stored: With the map.
        hulls: What physics sees; they take room from probes above the robot's band.
        band: Main floor and height band of ``stored``.
    """
    occupancy, radius = stored.occupancy, stored.robot_radius
    reach, room = np.zeros(occupancy.cells.shape, bool), clearance(occupancy.free, occupancy.resolution)
    if len(stored.spawns):
        reach, _ = reachable(occupancy, radius, stored.spawns)
    doors = find_doorways(reach, room)
    return replace(
        stored,
        reachable_area=round(float(reach.sum()) * occupancy.resolution**2, 4),
        doorways=doors.table(stored.routes, occupancy),
        probe_gap=_probe_gap(stored, hulls, band),
        route_coverage=round(route_coverage(occupancy, reach, stored.routes), 4),
    )


def _probe_gap(stored: Navigation, hulls: Sequence[Hull], band: FloorBand) -> float | None:
    """How far the farthest free cell with room for a probe is from one [m]; None without probes or such cells."""
    occupancy = stored.occupancy
    grid = FloorGrid(origin=occupancy.origin, shape=occupancy.cells.shape, resolution=occupancy.resolution)
    tall = replace(band, high=max(band.high, PROBE_HEADROOM))
    free = occupancy.free if tall == band else occupancy.free & ~blocked(hulls, grid, tall)
    cells = np.argwhere(clearance(free, occupancy.resolution) >= PROBE_CLEARANCE)
    if not len(cells) or not len(stored.probes):
        return None
    return round(float(distance_to_chosen(occupancy.centres(cells), stored.probes[:, :2]).max()), 4)
