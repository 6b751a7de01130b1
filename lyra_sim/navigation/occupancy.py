"""The map of the main floor, drawn from the hulls physics sees and from what was really seen to be free.

OCCUPIED where a measured hull reaches into the robot's height band over the cell. FREE where the band was seen free and a
floor slab carries the cell. Everything else, blockers of unseen space included, is UNKNOWN.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.navigation.convex_raster import band_outline, cells_touched

KNOWN_SHARE = 0.6
"""A cell is known when at least this share of its band was seen free; frusta cut the rest off. Tuned, unrecorded."""
SUPPORT_STEP = 0.03
"""A floor slab carries the main floor when its top lies this near to the floor plane [m]. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class FloorBand:
    """The main floor's plane and the heights over it that block a robot."""

    normal: Float64[np.ndarray, "3"]
    """Unit, upward."""
    offset: float
    """``normal . x`` on the floor [m]."""
    low: float
    high: float
    """Band above the floor [m]."""

    def height(self, xy: np.ndarray) -> Float64[np.ndarray, "n"]:
        """z of the floor at x, y [m]."""
        return (self.offset - np.asarray(xy, np.float64) @ self.normal[:2]) / self.normal[2]


@dataclass(frozen=True, kw_only=True)
class FloorGrid:
    """Cells over the floor plane, covering the voxel grid."""

    origin: Float64[np.ndarray, "2"]
    """Low corner [m], on a multiple of the resolution."""
    shape: tuple[int, int]
    resolution: float

    @classmethod
    def over(cls, free_space: FreeSpace, resolution: float) -> "FloorGrid":
        low = np.floor(free_space.origin[:2] / resolution + 1e-6) * resolution
        high = free_space.origin[:2] + np.array(free_space.states.shape[:2]) * free_space.voxel_size
        shape = np.ceil((high - low) / resolution - 1e-6).astype(int)
        return cls(origin=low, shape=(int(shape[0]), int(shape[1])), resolution=resolution)

    def centres(self) -> Float64[np.ndarray, "n 2"]:
        """x, y of all cells, row-major [m]."""
        i, j = np.meshgrid(np.arange(self.shape[0]), np.arange(self.shape[1]), indexing="ij")
        return self.origin + (np.stack([i.ravel(), j.ravel()], axis=1) + 0.5) * self.resolution


def main_band(navigation: Navigation) -> FloorBand:
    """The height band over the main floor that the map was drawn for."""
    across = np.array([-navigation.floor[1], -navigation.floor[2], 1.0])
    length = float(np.linalg.norm(across))
    low, high = navigation.band
    return FloorBand(normal=across / length, offset=float(navigation.floor[0]) / length, low=low, high=high)


def seen_free(free_space: FreeSpace, grid: FloorGrid, band: FloorBand) -> Bool[np.ndarray, "nx ny"]:
    """Cells whose band was mostly seen free, from four columns a cell and one sample a voxel."""
    centres = grid.centres()
    levels = np.linspace(band.low, band.high, max(round((band.high - band.low) / free_space.voxel_size), 2))
    free = np.zeros(len(centres), np.int32)
    for shift in np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * grid.resolution / 4:
        xy = centres + shift
        floor = band.height(xy)
        for level in levels:
            free += free_space.sample(np.column_stack([xy, floor + level])) == FREE
    return (free >= KNOWN_SHARE * 4 * len(levels)).reshape(grid.shape)


def blocked(hulls: Sequence[Hull], grid: FloorGrid, band: FloorBand) -> Bool[np.ndarray, "nx ny"]:
    """Cells over which any of the hulls reaches into the band."""
    mask = np.zeros(grid.shape, bool)
    for hull in hulls:
        outline = band_outline(hull, band.normal, band.offset, band.low, band.high)
        if outline is not None:
            window_i, window_j, touched = cells_touched(outline, grid.origin, grid.resolution, grid.shape)
            mask[window_i, window_j] |= touched
    return mask


def floor_tops(
    hulls: Sequence[Hull], xy: Float64[np.ndarray, "n 2"], expected: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n"]:
    """z where a ray from above meets a floor slab [m], of several slabs the one nearest to ``expected``; NaN without any."""
    tops = np.full(len(xy), np.nan)
    for hull in hulls:
        if hull.label != "floor":
            continue
        planes = hull.planes()
        up = planes[:, 2] > 1e-6
        top = np.min(-(xy @ planes[up, :2].T + planes[up, 3]) / planes[up, 2], axis=1)
        below = np.column_stack([xy, top - 1e-3])
        over = (below @ planes[:, :3].T + planes[:, 3] <= 1e-6).all(axis=1)
        nearer = over & ~(np.abs(tops - expected) <= np.abs(top - expected))
        tops[nearer] = top[nearer]
    return tops


def supported(hulls: Sequence[Hull], grid: FloorGrid, band: FloorBand) -> Bool[np.ndarray, "nx ny"]:
    """Cells whose centre lies over a floor slab with its top at the main floor."""
    centres = grid.centres()
    floor = band.height(centres)
    carried: np.ndarray = np.abs(floor_tops(hulls, centres, floor) - floor) < SUPPORT_STEP
    return carried.reshape(grid.shape)


def make_map(hulls: Sequence[Hull], free_space: FreeSpace, grid: FloorGrid, band: FloorBand) -> OccupancyMap:
    """The occupancy map of the main floor; see the module's head for the meaning of the three values."""
    solid = [hull for hull in hulls if hull.label != "unseen"]
    unseen = [hull for hull in hulls if hull.label == "unseen"]
    cells = np.full(grid.shape, UNKNOWN, np.uint8)
    free = seen_free(free_space, grid, band) & supported(hulls, grid, band) & ~blocked(unseen, grid, band)
    cells[free] = FREE_CELL
    cells[blocked(solid, grid, band)] = OCCUPIED
    return OccupancyMap(cells=cells, origin=grid.origin, resolution=grid.resolution)
