"""Start poses with room around them, and floor points to drop things on."""

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.navigation.far_apart import distance_to_chosen, farthest_points

SPAWN_COUNT = 8
"""Spawn poses sought. Convention."""
SPAWN_SPACING = 1.0
"""Between spawn poses [m]. Convention."""
PROBE_CLEARANCE = 0.06
"""What the smallest probe, a ball of 5 cm radius, needs so that it touches no wall on its way [m]. Derived."""
VIEW = 5.0
"""How far ahead a spawn's yaw looks for open floor [m]. Convention."""


def spawn_poses(
    occupancy: OccupancyMap, reach: Bool[np.ndarray, "nx ny"], room: Float64[np.ndarray, "nx ny"]
) -> Float64[np.ndarray, "s 3"]:
    """x, y [m] and yaw [rad] in reachable space, best clearance first, facing the longest open view."""
    cells = np.argwhere(reach)
    order = np.argsort(-room[tuple(cells.T)], kind="stable")
    points = occupancy.centres(cells)
    chosen: list[int] = []
    for index in order:
        if all(np.linalg.norm(points[index] - points[other]) >= SPAWN_SPACING for other in chosen):
            chosen.append(int(index))
            if len(chosen) == SPAWN_COUNT:
                break
    return np.array([[*points[i], _open_yaw(occupancy, points[i])] for i in chosen], np.float64).reshape(-1, 3)


def _open_yaw(occupancy: OccupancyMap, point: np.ndarray) -> float:
    yaws = np.arange(24) * np.pi / 12
    steps = np.arange(1, int(VIEW / occupancy.resolution) + 1) * occupancy.resolution
    rays = point + steps[None, :, None] * np.stack([np.cos(yaws), np.sin(yaws)], axis=1)[:, None]
    open_floor = occupancy.sample(rays.reshape(-1, 2)).reshape(len(yaws), -1) == 255
    length = np.where(open_floor.all(axis=1), open_floor.shape[1], np.argmin(open_floor, axis=1))
    yaw = float(yaws[int(np.argmax(length))])
    return yaw - 2 * np.pi if yaw > np.pi else yaw


def floor_probes(
    occupancy: OccupancyMap, room: Float64[np.ndarray, "nx ny"], *, count: int, seed: int
) -> tuple[Float64[np.ndarray, "p 2"], float]:
    """x, y of points spread over all free cells with room for a small ball, and how far the farthest such cell is from one [m].

    By area, because each point is the farthest from all before it; but every patch of floor that no free way joins to the
    others gets one first, the largest before the smaller.
    """
    open_cells = room >= PROBE_CLEARANCE
    cells = np.argwhere(open_cells)
    points = occupancy.centres(cells)
    if not len(points):
        return np.zeros((0, 2)), float("inf")
    patches, patch_count = ndimage.label(open_cells, np.ones((3, 3)))
    owner = patches[tuple(cells.T)]
    rng = np.random.default_rng(seed)
    by_size = np.argsort(-np.bincount(owner, minlength=patch_count + 1)[1:], kind="stable") + 1
    first = [int(rng.choice(np.flatnonzero(owner == patch))) for patch in by_size[:count]]
    chosen = points[farthest_points(points, count, first=first)]
    return chosen, float(distance_to_chosen(points, chosen).max())
