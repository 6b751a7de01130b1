"""Routes for the physics gate: through every doorway, far-apart ends, spread over the reachable floor."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from lyra_sim.data.navigation import Route
from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.navigation.doorways import Doors, along, find_doorways
from lyra_sim.navigation.far_apart import distance_to_chosen, farthest_points
from lyra_sim.navigation.planner import MARGIN, Planner

FEWEST_ENDS = 16
"""Route ends considered, at least. Convention."""
ENDS_PER_ROUTE = 1.5
"""Route ends considered, spread over the reachable floor. Convention."""
ENOUGH = 2.5
"""Length beyond this many minimum lengths earns a route nothing more: variety counts. Convention."""
SHARE_OF_LONGEST = 0.5
"""Where the floor is too small for the minimum length, this share of its longest way counts as a route. Convention."""
DETOUR = 0.2
"""A doorway lies on the way when going through it costs at most this much more [m, weighted by the planner].
Tuned, unrecorded."""
PROVEN = 1.0
"""A cell nearer than this to a route counts as covered by it [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """Places routes may start and end at, and what it costs to get from each to each and to the doorways."""

    points: Float64[np.ndarray, "e 2"]
    between: Float64[np.ndarray, "e e"]
    to_doors: Float64[np.ndarray, "e d"]

    def passing(self) -> Bool[np.ndarray, "e e d"]:
        """The doorways on the cheapest way between every two ends, as far as costs tell."""
        through = self.to_doors[:, None] + self.to_doors[None]
        return np.isfinite(through) & (through <= self.between[..., None] + DETOUR)


def choose_routes(
    occupancy: OccupancyMap,
    reach: Bool[np.ndarray, "nx ny"],
    room: Float64[np.ndarray, "nx ny"],
    *,
    radius: float,
    count: int,
    min_length: float,
    seed: int,
    doors: Doors | None = None,
) -> tuple[Route, ...]:
    """Up to ``count`` routes of at least ``min_length`` [m], and as many more as it takes to go through every doorway.

    Pairs of ends are taken greedily by length (capped), the distance of their ends from ends already used, and the doorways on
    their way that no route goes through yet. Doorways that are on no way between two ends get a route of their own.

    Args:
        occupancy: The map.
        reach: Cells a robot's centre can get to.
        room: Clearance of each cell [m].
        radius: Of the robot [m].
        count: Routes wanted.
        min_length: [m].
        seed: For ends that are chosen at random.
        doors: Found before; looked for if None.
    """
    cells = np.argwhere(reach & (room >= radius + MARGIN))
    if len(cells) < 2:
        return ()
    doors = find_doorways(reach, room) if doors is None else doors
    planner = Planner(occupancy, reach, room, radius)
    ends = _find_ends(planner, occupancy, cells, doors, count=count, seed=seed)
    straight = np.linalg.norm(ends.points[:, None] - ends.points[None], axis=2)
    longest = straight[np.isfinite(ends.between)].max()
    min_length = max(min(min_length, SHARE_OF_LONGEST * float(longest)), 2 * radius)
    passing = ends.passing()
    routes: list[Route] = []
    open_doors = np.ones(len(doors), bool)
    used: list[int] = []
    tried = np.tril(np.ones(straight.shape, bool)) | ~np.isfinite(ends.between)
    while len(routes) < count:
        spare = np.full(len(straight), 2 * min_length)
        if used:
            spare = straight[:, used].min(axis=1)
        worth = np.minimum(straight, ENOUGH * min_length) + 0.5 * (spare[:, None] + spare[None, :])
        worth += min_length * (passing & open_doors).sum(axis=2)
        worth[tried] = -np.inf
        a, b = np.unravel_index(int(np.argmax(worth)), worth.shape)
        if not np.isfinite(worth[a, b]):
            break
        tried[a, b] = True
        route = Route(name=f"route_{len(routes):02d}", waypoints=planner.plan(ends.points[a], ends.points[b]))
        crossed = doors.crossed_by(route, occupancy)
        passing[a, b] &= crossed
        if route.length >= min_length:
            routes.append(route)
            used += [int(a), int(b)]
            open_doors &= ~crossed
    for door in np.flatnonzero(open_doors):
        if open_doors[door]:  # one route may go through several
            way = _through(planner, occupancy, room, doors, int(door))
            if way is not None:
                routes.append(Route(name=f"route_{len(routes):02d}", waypoints=way))
                open_doors &= ~doors.crossed_by(routes[-1], occupancy)
    return tuple(routes)


def route_coverage(occupancy: OccupancyMap, reach: Bool[np.ndarray, "nx ny"], routes: tuple[Route, ...]) -> float:
    """Share of the reachable cells that lie near a route."""
    cells = occupancy.centres(np.argwhere(reach))
    if not len(cells) or not routes:
        return 0.0
    ways = np.concatenate([along(route.waypoints, PROVEN / 4) for route in routes])
    return float((distance_to_chosen(cells, ways) <= PROVEN).mean())


def _find_ends(
    planner: Planner, occupancy: OccupancyMap, cells: Int64[np.ndarray, "n 2"], doors: Doors, *, count: int, seed: int
) -> _Ends:
    points = occupancy.centres(cells)
    first = int(np.random.default_rng(seed).integers(len(points)))
    chosen = farthest_points(points, max(FEWEST_ENDS, round(ENDS_PER_ROUTE * count)), first=first)
    costs = [planner.costs_from(cells[index]) for index in chosen]
    return _Ends(
        points=points[chosen],
        between=np.array([cost[tuple(cells[chosen].T)] for cost in costs]),
        to_doors=np.array([cost[tuple(doors.cells.T)] for cost in costs]).reshape(len(chosen), len(doors)),
    )


def _through(
    planner: Planner, occupancy: OccupancyMap, room: Float64[np.ndarray, "nx ny"], doors: Doors, door: int
) -> Float64[np.ndarray, "n 2"] | None:
    """From the roomiest place on one side of a doorway through its middle to the roomiest on the other."""
    middle = occupancy.centres(doors.cells[door : door + 1])[0]
    halves = []
    for side in doors.sides[door]:
        cells = np.argwhere(doors.areas == side)
        roomiest = cells[np.argmax(room[tuple(cells.T)])]
        if (roomiest == doors.cells[door]).all():
            return None
        halves.append(planner.plan(middle, occupancy.centres(roomiest[None])[0]))
    return np.concatenate([halves[0][::-1], halves[1][1:]])
