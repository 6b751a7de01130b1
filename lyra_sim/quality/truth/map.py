"""Against a map someone else made of the same place, a lidar's for example."""

import numpy as np

from lyra_sim.data.occupancy import OCCUPIED, UNKNOWN, OccupancyMap
from lyra_sim.data.report import Metric
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.figures.metrics import measured

NEAR_OBSERVED_M = 0.15
"""Their occupied cells farther than this from any cell we observed aren't asked about [m]."""
MATCH_M = 0.10
"""An occupied cell of ours this near counts [m]; the true surface itself reaches 0.967 on the small house."""


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
