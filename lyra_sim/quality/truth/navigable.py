"""Where a robot can go here against where it can go in truth, inside what was seen: maps of hulls and of a true mesh."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.data.colliders import Collision
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.data.report import Metric
from lyra_sim.navigation.mesh_map import blocked_by_mesh
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, seen_free
from lyra_sim.navigation.reachable import reachable
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.quality.truth.doorways import doorway_metrics, fine_grid, true_doorways
from lyra_sim.quality.truth.surface import TrueSurface


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Two areas of one grid."""

    ours: Bool[np.ndarray, "nx ny"]
    theirs: Bool[np.ndarray, "nx ny"]

    @property
    def iou(self) -> float:
        """Intersection over union; NaN where both are empty."""
        union = int((self.ours | self.theirs).sum())
        return float((self.ours & self.theirs).sum() / union) if union else float("nan")


def main_band(navigation: Navigation) -> FloorBand:
    """The height band over the main floor that the map was drawn for."""
    across = np.array([-navigation.floor[1], -navigation.floor[2], 1.0])
    length = float(np.linalg.norm(across))
    low, high = navigation.band
    return FloorBand(normal=across / length, offset=float(navigation.floor[0]) / length, low=low, high=high)


def true_free(surface: TrueSurface, grid: FloorGrid, band: FloorBand, path: Float64[np.ndarray, "n 3"]) -> np.ndarray:
    """Cells of the truth that hang together with where the cameras were, nothing of it in the band."""
    return _flooded(~blocked_by_mesh(surface.vertices, surface.faces, grid, band), grid, path)


def _flooded(free: Bool[np.ndarray, "nx ny"], grid: FloorGrid, path: Float64[np.ndarray, "n 3"]) -> Bool[np.ndarray, "nx ny"]:
    """The connected parts of ``free`` that a camera was over; what touches at corners only is parted."""
    from scipy import ndimage

    labels, _ = ndimage.label(free)
    index = np.floor((np.asarray(path, np.float64)[:, :2] - grid.origin) / grid.resolution).astype(int)
    index = index[((index >= 0) & (index < grid.shape)).all(axis=1)]
    return free & np.isin(labels, np.unique(labels[tuple(index.T)]))


def navigable_overlap(
    ours: Bool[np.ndarray, "nx ny"],
    theirs: Bool[np.ndarray, "nx ny"],
    seen: Bool[np.ndarray, "nx ny"],
    grid: FloorGrid,
    *,
    radius: float,
    path: Float64[np.ndarray, "n 3"],
) -> tuple[Overlap, Overlap]:
    """Centres a robot can reach, and free cells, of both maps inside what was seen.

    What wasn't seen is cut from both before anything is eroded, so both lose the same rim along it.

    Args:
        ours: Free cells of our map.
        theirs: Free cells of the truth.
        seen: Cells that are asked about.
        grid: Of all three.
        radius: Of the robot [m].
        path: Camera centres [m]; reachable is what hangs together with where they were.
    """
    reach, free = [], []
    for area in (ours & seen, theirs & seen):
        cells = np.where(area, FREE_CELL, OCCUPIED).astype(np.uint8)
        reach.append(reachable(OccupancyMap(cells=cells, origin=grid.origin, resolution=grid.resolution), radius, path)[0])
        free.append(_flooded(area, grid, path))
    return Overlap(ours=reach[0], theirs=reach[1]), Overlap(ours=free[0], theirs=free[1])


def seen_cells(occupancy: OccupancyMap, free_space: FreeSpace, grid: FloorGrid, band: FloorBand) -> Bool[np.ndarray, "nx ny"]:
    """Cells our map knows, and those the voxels know to be free though the map doesn't say so: that would be our loss."""
    return (occupancy.cells != UNKNOWN) | seen_free(free_space, grid, band)


def navigable_metrics(
    collision: Collision,
    free_space: FreeSpace,
    surface: TrueSurface,
    *,
    path: Float64[np.ndarray, "n 3"],
) -> list[Metric]:
    """Overlap of the maps, and doorways of the truth that are open; ``surface`` is in the metric world."""
    occupancy, band = collision.navigation.occupancy, main_band(collision.navigation)
    grid = FloorGrid(origin=occupancy.origin, shape=occupancy.cells.shape, resolution=occupancy.resolution)
    theirs = true_free(surface, grid, band, path)
    seen = seen_cells(occupancy, free_space, grid, band)
    reach, free = navigable_overlap(occupancy.free, theirs, seen, grid, radius=collision.navigation.robot_radius, path=path)
    area = grid.resolution**2
    note = f"{reach.ours.sum() * area:.1f} m² here, {reach.theirs.sum() * area:.1f} m² in truth"
    fine = fine_grid(free_space)
    doorways = true_doorways(collision.colliders.hulls, free_space, band, true_free(surface, fine, band, path))
    return [
        measured("truth.map.navigable_iou", reach.iou, n=int((reach.ours | reach.theirs).sum()), note=note),
        measured("truth.map.free_iou", free.iou, n=int((free.ours | free.theirs).sum())),
        *doorway_metrics("truth.doorways", doorways),
    ]
