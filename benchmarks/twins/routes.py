"""Routes for the twin test: drawn from what was measured alone, so that neither world is asked which ones succeed."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.errors import GeometryError
from lyra_sim.navigation.occupancy import FloorBand
from lyra_sim.navigation.planner import Planner
from lyra_sim.navigation.reachable import reachable
from lyra_sim.quality.truth.doorways import columns

SHORTEST, LONGEST = 1.5, 8.0
"""Between start and goal in a straight line [m]."""
PLANNED_FOR = 0.12
"""Half of the routes are planned for a robot of this radius [m], which is less than the one that drives them …"""
SHAKEN = 0.25
"""… and their corners moved by this much (standard deviation) [m], so that a good share of them can't be driven."""
START_MARGIN = 0.05
"""Room around a robot at its start beyond its own radius [m]: it must stand free in both worlds."""
UNSEEN_MARGIN = 0.1
"""Between a robot on its route and what nobody saw [m]."""
STEP = 0.02
"""Routes are followed this finely when they are checked [m]."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The floor as the voxels have it."""

    occupancy: OccupancyMap
    """FREE: free over the band; OCCUPIED: something solid in it; UNKNOWN: not seen."""
    to_solid: np.ndarray
    """Distance of every cell to the nearest occupied one [m]."""
    to_unseen: np.ndarray

    @classmethod
    def of(cls, free_space: FreeSpace, band: FloorBand) -> "Seen":
        free, known = columns(free_space, band)
        cells = np.full(free.shape, UNKNOWN, np.uint8)
        cells[known] = OCCUPIED
        cells[free] = FREE_CELL
        size = free_space.voxel_size
        return cls(
            occupancy=OccupancyMap(cells=cells, origin=free_space.origin[:2], resolution=size),
            to_solid=ndimage.distance_transform_edt(cells != OCCUPIED) * size,
            to_unseen=ndimage.distance_transform_edt(np.pad(cells != UNKNOWN, 1))[1:-1, 1:-1] * size,
        )

    def stays_seen(self, route: np.ndarray, radius: float) -> bool:
        """Whether a disc on ``route`` comes to something solid, or to its goal, before it comes to what nobody saw."""
        length = np.linalg.norm(np.diff(route, axis=0), axis=1)
        at = np.concatenate([[0.0], np.cumsum(length)])
        along = np.arange(0, at[-1] + STEP, STEP)
        points = np.stack([np.interp(along, at, route[:, k]) for k in (0, 1)], axis=1)
        cells = np.clip(self.occupancy.indices(points), 0, np.array(self.to_solid.shape) - 1)
        solid, unseen = self.to_solid[tuple(cells.T)] <= radius, self.to_unseen[tuple(cells.T)] <= radius + UNSEEN_MARGIN
        first = np.argmax(solid) if solid.any() else len(solid)
        return not unseen[:first].any()


def draw_routes(seen: Seen, path: np.ndarray, *, radius: float, count: int, seed: int) -> list[np.ndarray]:
    """``count`` polylines: straight ones and shaken plans in turn.

    Args:
        seen: The measured floor.
        path: Camera centres [m]; starts are where a robot gets to from there.
        radius: Of the robot [m].
        count: Of routes.
        seed: Of all draws.

    Raises:
        GeometryError: The floor has no room for that many.
    """
    rng = np.random.default_rng(seed)
    reach, _ = reachable(seen.occupancy, radius + START_MARGIN, path)
    starts = seen.occupancy.centres(np.argwhere(reach))
    small, small_room = reachable(seen.occupancy, PLANNED_FOR, path)
    goals = seen.occupancy.centres(np.argwhere(seen.occupancy.cells != UNKNOWN))
    plannable = seen.occupancy.centres(np.argwhere(small))
    planner = Planner(seen.occupancy, small, small_room, PLANNED_FOR)
    routes: list[np.ndarray] = []
    for _ in range(400 * count):
        if len(routes) == count or not len(starts):
            break
        straight = len(routes) % 2 == 0
        start = starts[rng.integers(len(starts))]
        ends = goals if straight else plannable
        goal = ends[rng.integers(len(ends))]
        if not SHORTEST <= np.linalg.norm(goal - start) <= LONGEST:
            continue
        route = np.stack([start, goal])
        if not straight:
            route = planner.plan(start, goal)
            route[1:-1] += rng.normal(0, SHAKEN, (len(route) - 2, 2))
        if seen.stays_seen(route, radius):
            routes.append(route)
    if len(routes) < count:
        raise GeometryError("twin routes", f"{len(routes)} found", expected=f"{count}", likely="Little floor was seen.")
    return routes
