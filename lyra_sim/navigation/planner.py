"""Paths for a disc on the clearance grid: cheapest path with a dislike for tight places, then pulled straight."""

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import ndimage

from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.errors import GeometryError

MARGIN = 0.03
"""Kept on top of the robot's radius where the path allows it [m]. Tuned, unrecorded."""
COMFORT = 0.35
"""Clearance beyond the radius at which a place stops costing extra [m]. Tuned, unrecorded."""
TIGHT_COST = 3.0
"""A metre at bare radius costs this much more than a metre in the open. Tuned, unrecorded."""


class Planner:
    """Plans on one map for one robot radius; reuse it, the cost grid is made once."""

    def __init__(
        self, occupancy: OccupancyMap, reach: Bool[np.ndarray, "nx ny"], room: Float64[np.ndarray, "nx ny"], radius: float
    ) -> None:
        self._map, self._reach, self._room, self._radius = occupancy, reach, room, radius
        tight = np.clip(1 - (room - radius) / COMFORT, 0, 1)
        self._costs = np.where(reach, 1 + TIGHT_COST * tight**2, -1.0)

    def costs_from(self, start: Int64[np.ndarray, "2"]) -> Float64[np.ndarray, "nx ny"]:
        """Cost [m, weighted] of the best path from a cell to every other; inf where none leads."""
        from skimage.graph import MCP_Geometric

        total, _ = MCP_Geometric(self._costs, fully_connected=True).find_costs([tuple(int(x) for x in start)])
        return np.where(self._reach, total, np.inf) * self._map.resolution

    def plan(self, start: Float64[np.ndarray, "2"], goal: Float64[np.ndarray, "2"]) -> Float64[np.ndarray, "n 2"]:
        """Waypoints from start to goal [m], both included, clear of obstacles by the robot's radius all the way.

        Raises:
            GeometryError: Start or goal isn't in reachable space.
        """
        from skimage.graph import MCP_Geometric

        ends = self._map.indices(np.stack([start, goal]))
        for name, point, cell in zip(("start", "goal"), (start, goal), ends, strict=True):
            inside = ((cell >= 0) & (cell < self._reach.shape)).all()
            if not inside or not self._reach[tuple(cell)]:
                raise GeometryError(
                    "route", f"its {name} ({point[0]:.2f}, {point[1]:.2f}) isn't reachable", expected="a reachable free cell"
                )
        search = MCP_Geometric(self._costs, fully_connected=True)
        search.find_costs([tuple(int(x) for x in ends[0])], [tuple(int(x) for x in ends[1])])
        cells = np.array(search.traceback(tuple(int(x) for x in ends[1])), np.int64)
        path = self._map.centres(cells)
        path[0], path[-1] = start, goal
        return self._pulled(path)

    def clearance_along(self, a: np.ndarray, b: np.ndarray) -> float:
        """Least clearance on a straight line [m], sampled four times a cell."""
        count = max(int(np.ceil(np.linalg.norm(b - a) / self._map.resolution * 4)), 1) + 1
        points = a + np.linspace(0, 1, count)[:, None] * (b - a)
        grid = (points - self._map.origin) / self._map.resolution - 0.5
        cells = np.floor((points - self._map.origin) / self._map.resolution).astype(int)
        cells = np.clip(cells, 0, np.array(self._reach.shape) - 1)
        if not self._reach[tuple(cells.T)].all():
            return 0.0
        return float(ndimage.map_coordinates(self._room, grid.T, order=1, mode="nearest").min())

    def _pulled(self, path: np.ndarray) -> np.ndarray:
        """String pulling: from each kept point, go straight to the farthest one the robot can see with room to spare.

        "To spare" is the margin, or what the path itself has where it is tighter than that.
        """
        local = np.array([self.clearance_along(p, p) for p in path])
        kept, at = [path[0]], 0
        while at < len(path) - 1:
            ahead = at + 1
            need = np.minimum.accumulate(np.minimum(local[at:], self._radius + MARGIN)) - 1e-9
            step, limit = 1, len(path) - 1
            while at + step <= limit:  # galloping then bisection: visibility is nearly monotone along a path
                if self.clearance_along(path[at], path[at + step]) < need[step]:
                    break
                ahead, step = at + step, step * 2
            low, high = ahead, min(at + step, limit)
            while high - low > 1:
                middle = (low + high) // 2
                if self.clearance_along(path[at], path[middle]) >= need[middle - at]:
                    low = middle
                else:
                    high = middle
            if low == limit - 1 and self.clearance_along(path[at], path[limit]) >= need[limit - at]:
                low = limit
            at = max(low, at + 1)
            kept.append(path[at])
        return np.array(kept, np.float64)
