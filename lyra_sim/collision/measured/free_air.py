"""What hulls must not take: measured-free air, weighed by how much it matters, summed over any convex piece at once.

Air in the robot's height band counts more than air under the ceiling, air in a doorway more still, and the cameras' way so
much that nothing else can make up for it. The optimiser that spends the hull budget minimises exactly the air that the gate
``free_volume_blocked`` counts (free voxel centres half a voxel deep), so that no proxy stands between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int32
from scipy import ndimage

from lyra_sim.collision.measured.hull_figures import swept_path
from lyra_sim.data.colliders import Opening
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.scene.spec import SMALLEST_ROBOT

AIR, BAND, DOORWAY, PATH = 1, 3, 12, 40_000
"""Weight of a free voxel: anywhere, where the robot's body goes, in an opening of a wall, on the cameras' way.
Tuned on the AWS worlds."""
LID = 30
"""Weight at the top of the robot's band over floor that is free all the way up to there: a shelf that hangs into it by a voxel
closes the whole column under it, so about a column's worth of the band is what one or two such voxels cost.
Tuned on the AWS worlds."""
LID_LAYERS, FOOT_LAYERS = 1.5, 2.5
"""The top of the band is so many voxels thick, and matter no higher than so many over the floor leaves the column open.
Tuned on the AWS worlds."""
WAY = 6
"""Weight of the band over floor that a robot may drive on: a beam across it is little air and closes all of it.
Tuned on the AWS worlds."""
WAY_WIDTH = 2 * SMALLEST_ROBOT
"""Floor counts as that where a disc this wide is free from its foot to the top of the band [m]. Derived."""
DEPTH_VOXELS = 0.45
"""A free centre counts once it lies this deep in a hull. The gate says half a voxel, and hulls of whole voxels that stand out
by one would lie on that edge to the last bit. Derived."""
MOST_COLUMNS = 20_000
"""Columns looked at to rank one cut of a large lump; the hull that is then made is counted exactly. Convention."""


@dataclass(frozen=True, kw_only=True)
class AirField:
    """Weights of the free voxels as prefix sums along z."""

    prefix: Int32[np.ndarray, "nx ny nz1"]
    origin: Float64[np.ndarray, "3"]
    voxel_size: float
    free_count: int
    """Free voxels in all."""

    @classmethod
    def of(
        cls,
        free_space: FreeSpace,
        camera_centres: np.ndarray,
        *,
        floor: tuple[np.ndarray, float],
        band_high: float,
        openings: Sequence[Opening] = (),
    ) -> "AirField":
        """The weights of a world.

        Args:
            free_space: Where air was measured.
            camera_centres: Positions in walking order [m].
            floor: Normal and offset of the main floor.
            band_high: Top of the robot's height band over it [m].
            openings: Doors and windows; the air in them is worth more.
        """
        states, voxel = free_space.states, free_space.voxel_size
        free = states == FREE
        weights = free.astype(np.int32)
        normal, offset = np.asarray(floor[0], np.float64), float(floor[1])
        x, y, z = (free_space.origin[k] + (np.arange(states.shape[k]) + 0.5) * voxel for k in range(3))
        ground = (offset - normal[0] * x[:, None] - normal[1] * y[None, :]) / normal[2]
        height = z[None, None, :] - ground[:, :, None]
        weights *= np.where((height > -voxel) & (height < band_high + voxel), BAND, AIR).astype(np.int32)
        first, end = np.searchsorted(z, [ground.min(), ground.max() + band_high + voxel])
        _weigh_floor(weights[:, :, first:end], states[:, :, first:end], height[:, :, first:end], band_high, voxel)
        for opening in openings:
            window = _window_of(opening, free_space)
            weights[window] = np.where(free[window], DOORWAY, weights[window])
        path = np.unique(free_space.indices(swept_path(camera_centres, radius=voxel, step=voxel / 2)), axis=0)
        path = path[((path >= 0) & (path < states.shape)).all(axis=1)]
        weights[tuple(path.T)] = PATH
        prefix = np.zeros((*states.shape[:2], states.shape[2] + 1), np.int32)
        np.cumsum(weights, axis=2, out=prefix[:, :, 1:])
        return cls(prefix=prefix, origin=free_space.origin, voxel_size=voxel, free_count=int(free.sum()))

    def taken(self, equations: np.ndarray, corners: np.ndarray, *, depth: float = DEPTH_VOXELS) -> int:
        """Weighted air that a convex piece takes.

        Args:
            equations: Outward half-spaces ``n . x + d <= 0`` with unit normals, in the world [m].
            corners: The piece's corners [m].
            depth: How deep a free centre must lie in the piece to count [voxels].
        """
        from lyra_sim.collision.measured.air_kernels import column_sum

        planes = np.unique(np.round(equations, 9), axis=0)
        planes = np.c_[planes[:, :3], (planes[:, 3] + planes[:, :3] @ self.origin) / self.voxel_size]
        shape = np.array(self.prefix.shape) - [0, 0, 1]
        low = np.clip(np.floor((corners.min(axis=0) - self.origin) / self.voxel_size).astype(np.int64), 0, shape)
        high = np.clip(np.ceil((corners.max(axis=0) - self.origin) / self.voxel_size).astype(np.int64), 0, shape)
        return int(column_sum(self.prefix, planes, low, high, depth, 1))


def _weigh_floor(weights: np.ndarray, states: np.ndarray, height: np.ndarray, band_high: float, voxel: float) -> None:
    """In place, the band's weights over floor that isn't built on: ``WAY`` where a robot has room, ``LID`` at the top.

    A column is passable where most of the band [m] is free and nothing of it is matter.
    """
    free, body = states == FREE, (height > FOOT_LAYERS * voxel) & (height < band_high)
    passable = ((free & body).sum(axis=2) > body.sum(axis=2) / 2) & ~((states == SOLID) & body).any(axis=2)
    weights[free & body & _wide(passable, WAY_WIDTH / voxel)[:, :, None]] = WAY
    top = (height > band_high - LID_LAYERS * voxel) & (height < band_high + voxel / 2)
    weights[free & top & passable[:, :, None]] = LID


def _wide(passable: Bool[np.ndarray, "nx ny"], width: float) -> Bool[np.ndarray, "nx ny"]:
    """The part that discs of ``width`` [voxels] inside it cover: an opening, by two distance transforms."""
    centres = ndimage.distance_transform_edt(np.pad(passable, 1))[1:-1, 1:-1] >= width / 2 - 1e-6
    if not centres.any():
        return centres
    return passable & (ndimage.distance_transform_edt(~centres) < width / 2 + 0.5)


def _window_of(opening: Opening, free_space: FreeSpace) -> tuple[slice, ...]:
    """Grid window around an opening, a hand's breadth deeper than its wall on both sides."""
    corners = opening.corners(reach=0.3)
    low = np.clip(free_space.indices(corners.min(axis=0)[None])[0], 0, free_space.states.shape)
    high = np.clip(free_space.indices(corners.max(axis=0)[None])[0] + 1, 0, free_space.states.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
