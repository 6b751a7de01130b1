"""Our map against true ones, inside what was seen: the one that hulls make, a true mesh's, and one that a lidar drew."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.data.colliders import Collision
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.data.report import Metric
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.navigation.mesh_map import blocked_by_mesh
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, main_band, seen_free
from lyra_sim.navigation.reachable import reachable
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.quality.truth.doorways import doorway_metrics, fine_grid, true_doorways
from lyra_sim.quality.truth.surface import TrueSurface

NEAR_OBSERVED_M = 0.15
"""Their occupied cells farther than this from any cell we observed aren't asked about [m]. Convention."""
MATCH_M = 0.10
"""An occupied cell of ours this near counts [m]; the true surface itself reaches 0.967 on the small house.
Tuned, unrecorded."""


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


def map_metrics(ours: OccupancyMap, theirs: OccupancyMap, *, world_from_theirs: Similarity) -> list[Metric]:
    """Free precision over cells known to both, and occupied recall over their cells near what we observed."""
    from scipy.spatial import cKDTree

    free = _at(ours, ours.free)
    floor = np.column_stack([free, np.zeros(len(free))])
    in_theirs = (floor - world_from_theirs.translation) @ world_from_theirs.rotation / world_from_theirs.scale
    verdict = theirs.sample(in_theirs)
    known = verdict != UNKNOWN
    precision = float((verdict[known] != OCCUPIED).mean()) if known.any() else np.nan

    walls = _at(theirs, theirs.cells == OCCUPIED)
    walls = world_from_theirs.apply(np.column_stack([walls, np.zeros(len(walls))]))[:, :2]
    observed, occupied = _at(ours, ours.cells != UNKNOWN), _at(ours, ours.cells == OCCUPIED)
    near = cKDTree(observed).query(walls)[0] <= NEAR_OBSERVED_M + 1e-9 if len(observed) else np.zeros(len(walls), bool)
    found = cKDTree(occupied).query(walls[near])[0] <= MATCH_M + 1e-9 if len(occupied) else np.zeros(int(near.sum()), bool)
    return [
        measured("truth.map.free_precision", precision, n=int(known.sum()), note="of our free cells, known to both"),
        measured(
            "truth.map.occupied_recall",
            float(found.mean()) if len(found) else np.nan,
            n=len(found),
            note=f"of their occupied cells within {NEAR_OBSERVED_M:g} m of ours; match within {MATCH_M:g} m",
        ),
    ]


def _at(grid: OccupancyMap, mask: np.ndarray) -> np.ndarray:
    """Centres of the marked cells (n, 2), in the map's frame."""
    return grid.centres(np.argwhere(mask))
