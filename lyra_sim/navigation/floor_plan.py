"""The floor as known before any fence stands: what fences are then drawn around."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FreeSpace
from lyra_sim.data.occupancy import OCCUPIED
from lyra_sim.navigation.occupancy import FloorBand, FloorGrid, make_map
from lyra_sim.navigation.reachable import reachable
from lyra_sim.scene.spec import RobotConfig


def band_of(floor_normal: np.ndarray, floor_offset: float, robot: RobotConfig) -> FloorBand:
    """The robot's height band over a floor plane."""
    return FloorBand(normal=floor_normal, offset=floor_offset, low=robot.band_low, high=robot.band_high)


def draw_floor_plan(
    hulls: Sequence[Hull], free_space: FreeSpace, camera_centres: np.ndarray, *, band: FloorBand, robot: RobotConfig
) -> tuple[Bool[np.ndarray, "nx ny"], Bool[np.ndarray, "nx ny"], Bool[np.ndarray, "nx ny"], FloorGrid]:
    """Known-free cells, cells blocked by measured hulls, cells a robot's body can get to, and their grid."""
    grid = FloorGrid.over(free_space, robot.map_resolution)
    occupancy = make_map(hulls, free_space, grid, band)
    reach, _ = reachable(occupancy, robot.radius, camera_centres)
    near = np.zeros(grid.shape, bool)
    if reach.any():
        near = ndimage.distance_transform_edt(~reach) * grid.resolution <= robot.radius + 2 * grid.resolution
    return occupancy.free, occupancy.cells == OCCUPIED, near, grid
