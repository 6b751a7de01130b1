"""Space a disc-shaped robot can reach without leaving known free floor."""

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from lyra_sim.data.occupancy import OccupancyMap
from lyra_sim.navigation.convex_raster import TOUCH


def clearance(free: Bool[np.ndarray, "nx ny"], resolution: float) -> Float64[np.ndarray, "nx ny"]:
    """Distance from each free cell's centre to the nearest edge of a cell that isn't free [m]; 0 elsewhere.

    Exact Euclidean transform between centres, less half a cell; beyond the map nothing is free.
    """
    distance = ndimage.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1] * resolution - resolution / 2
    return np.maximum(distance, 0.0)


def reachable(
    occupancy: OccupancyMap, radius: float, camera_centres: Float64[np.ndarray, "n 3"]
) -> tuple[Bool[np.ndarray, "nx ny"], Float64[np.ndarray, "nx ny"]]:
    """Cells a robot's centre can reach, and the clearance of all cells [m].

    The largest region among those the camera path touches (within one robot radius) is taken: a robot starts in one
    place. If the path touches none, the region nearest to the path is taken; an empty mask means the robot fits nowhere. A
    hull may reach ``TOUCH`` into a free cell, so that much is kept on top of the radius.
    """
    room = clearance(occupancy.free, occupancy.resolution)
    fits = room >= radius + TOUCH
    labels, count = ndimage.label(fits, np.ones((3, 3)))
    if count == 0:
        return fits, room
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    index = occupancy.indices(np.asarray(camera_centres, np.float64))
    index = np.clip(index, 0, np.array(occupancy.cells.shape) - 1)
    distance, nearest = ndimage.distance_transform_edt(~fits, return_indices=True)
    owner = labels[nearest[0], nearest[1]][tuple(index.T)]
    gap = distance[tuple(index.T)] * occupancy.resolution
    touched = np.unique(owner[gap <= radius])
    if not len(touched):
        touched = np.array([owner[np.argmin(gap)]])
    best = int(touched[np.argmax(areas[touched])])
    return labels == best, room
