"""Routes for the physics gate: far-apart ends, spread over the reachable floor, the same for the same seed."""

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.data.navigation import Route
from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.navigation.planner import MARGIN, Planner
from lyra_sim.navigation.spread import farthest_points

CANDIDATES = 16
"""Route ends considered, spread over the reachable floor."""
ENOUGH = 2.5
"""Length beyond this many minimum lengths earns a route nothing more: variety counts."""


def choose_routes(
    occupancy: OccupancyMap,
    reach: Bool[np.ndarray, "nx ny"],
    room: Float64[np.ndarray, "nx ny"],
    *,
    radius: float,
    count: int,
    min_length: float,
    seed: int,
) -> tuple[Route, ...]:
    """Up to ``count`` routes of at least ``min_length`` [m]; fewer when the floor has no room for more.

    Pairs are taken greedily by length (capped) plus the distance of their ends from ends already used, so routes go to
    different places instead of up and down the longest corridor.
    """
    cells = np.argwhere(reach & (room >= radius + MARGIN))
    if len(cells) < 2:
        return ()
    planner = Planner(occupancy, reach, room, radius)
    points = occupancy.centres(cells)
    first = int(np.random.default_rng(seed).integers(len(points)))
    ends = farthest_points(points, CANDIDATES, first=first)
    costs = np.array([planner.costs_from(cells[i])[tuple(cells[ends].T)] for i in ends])
    straight = np.linalg.norm(points[ends][:, None] - points[ends][None], axis=2)
    routes: list[Route] = []
    used: list[int] = []
    tried = np.zeros(costs.shape, bool)
    while len(routes) < count:
        spare = np.ones(len(ends)) * 2 * min_length
        if used:
            spare = straight[:, used].min(axis=1)
        worth = np.minimum(straight, ENOUGH * min_length) + 0.5 * (spare[:, None] + spare[None, :])
        worth[tried | ~np.isfinite(costs) | (np.arange(len(ends))[:, None] >= np.arange(len(ends))[None, :])] = -np.inf
        a, b = np.unravel_index(int(np.argmax(worth)), worth.shape)
        if not np.isfinite(worth[a, b]):
            break
        tried[a, b] = True
        route = Route(name=f"route_{len(routes):02d}", waypoints=planner.plan(points[ends[a]], points[ends[b]]))
        if route.length >= min_length:
            routes.append(route)
            used += [int(a), int(b)]
    return tuple(routes)
