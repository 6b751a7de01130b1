"""Where a robot's camera may be: places spread over its reachable floor, at the heights cameras are mounted."""

import numpy as np
from jaxtyping import Float64, Int64

from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.navigation import Navigation
from lyra_sim.geometry.cameras import CameraPath, level_cameras
from lyra_sim.navigation.reachable import reachable

LOWEST, HIGHEST = 0.3, 1.2
"""Heights of cameras on mobile robots above the floor [m]. Convention."""
PITCH_LOW, PITCH_HIGH = np.radians(-20.0), np.radians(10.0)
"""Tilt of the optical axis against the horizon [rad]. Convention."""
AIR_AROUND = 0.1
"""A camera has measured air at least this far on all sides [m]: its housing is no point. Convention."""
WIDTH, HEIGHT = 64, 48
"""Of a view [px]. Convention."""
FOCAL = WIDTH / 2
"""90 degrees wide [px]. Derived."""
TRIES = 8
"""Places tried per viewpoint asked for, at most: not each has measured air at camera height. Convention."""


def robot_viewpoints(
    navigation: Navigation, free_space: FreeSpace, path: Float64[np.ndarray, "n 3"], *, count: int, seed: int
) -> CameraPath | None:
    """Up to ``count`` cameras in measured air over the reachable floor; None where there is no such place.

    Places follow the Z-order of the cells (Morton 1966), so that any number of them is spread evenly; heights, headings
    and tilts are drawn.

    Args:
        navigation: Map and robot.
        free_space: What was measured to be free.
        path: Centres of the capture's cameras [m]; reachable is what a robot gets to from there.
        count: How many are asked for.
        seed: Of what is drawn.
    """
    occupancy = navigation.occupancy
    reach, _ = reachable(occupancy, navigation.robot_radius, path)
    cells = np.argwhere(reach)
    if not len(cells):
        return None
    rng = np.random.default_rng(seed)
    cells = cells[np.argsort(_z_order(cells), kind="stable")]
    tried = TRIES * count
    # A stride near the golden section visits far places first, so stopping early leaves no region out.
    index = ((np.arange(tried) * 0.6180339887498949 + rng.random()) % 1.0 * len(cells)).astype(np.int64)
    xy = occupancy.centres(cells[index]) + (rng.random((tried, 2)) - 0.5) * occupancy.resolution
    centres = np.column_stack([xy, navigation.floor_height(xy) + rng.uniform(LOWEST, HIGHEST, tried)])
    yaw, pitch = rng.uniform(-np.pi, np.pi, tried), rng.uniform(PITCH_LOW, PITCH_HIGH, tried)
    corners = AIR_AROUND * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    around = free_space.sample((centres[:, None] + corners).reshape(-1, 3)) == FREE
    kept = np.flatnonzero(around.reshape(tried, -1).all(axis=1))[:count]
    if not len(kept):
        return None
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1.0]])
    c2w = level_cameras(centres[kept], yaw[kept], pitch[kept])
    return CameraPath(c2w=c2w, K=np.tile(K, (len(kept), 1, 1)), width=WIDTH, height=HEIGHT)


def _z_order(cells: Int64[np.ndarray, "n 2"]) -> Int64[np.ndarray, "n"]:
    """Bits of both indices interleaved."""
    code = np.zeros(len(cells), np.int64)
    for bit in range(20):
        code |= ((cells[:, 0] >> bit) & 1) << (2 * bit)
        code |= ((cells[:, 1] >> bit) & 1) << (2 * bit + 1)
    return code
