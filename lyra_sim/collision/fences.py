"""Fences along the edge of the known floor: thin upright plates labelled ``unseen``.

A robot must not drive off into space nobody looked at. The edge of known free floor is a ragged, mostly oblique line, so it
is simplified (Douglas and Peucker 1973) and every straight stretch that no measured hull closes gets one plate just outside
of it. Plates stand in unseen voxels only. A gap between hulls that the smallest robot can't get through needs no plate; what
stays open is reported.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from lyra_sim.collision.convex.pieces import Piece
from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.scene.spec import SMALLEST_ROBOT

THICKNESS = 0.12
"""Of a plate [m]. Tuned, unrecorded."""
MIN_HEIGHT = 0.2
"""A plate lower than this above the floor wouldn't stop a robot's body [m]. Convention."""
OVER_BAND = 0.05
"""Plates reach this far over the robot's band [m]. Convention."""
INTO_FLOOR = 0.05
"""Plates reach this far below the floor's surface [m]. Convention."""
MAX_LENGTH = 6.0
"""A longer plate is made as two: PhysX takes no GPU hull thinner than 1:60 [m]. Derived."""
MIN_LENGTH = 0.02
"""Shorter stretches are left to their neighbours [m]. Convention."""
MIN_HALVED = 0.4
"""A shorter stretch is fenced by one plate or not at all [m]. Tuned on the AWS worlds."""
MAX_SHIFT = 0.4
"""A plate may stand back from the edge by up to this to keep out of free voxels [m]. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class KnownFloor:
    """The floor plan the fences are drawn on; cells are indexed x, y."""

    free: Bool[np.ndarray, "nx ny"]
    """Known free cells that carry a robot."""
    solid: Bool[np.ndarray, "nx ny"]
    """Cells a measured hull blocks."""
    near: Bool[np.ndarray, "nx ny"]
    """Cells a robot's body can get to; only their surroundings need a fence."""
    origin: Float64[np.ndarray, "2"]
    resolution: float
    floor_normal: Float64[np.ndarray, "3"]
    floor_offset: float
    """Main floor: ``normal . x = offset`` [m]."""

    def floor_height(self, xy: np.ndarray) -> Float64[np.ndarray, "n"]:
        return (self.floor_offset - np.asarray(xy) @ self.floor_normal[:2]) / self.floor_normal[2]

    def at(self, mask: np.ndarray, xy: np.ndarray) -> Bool[np.ndarray, "n"]:
        """Mask values at world points; False outside."""
        index = np.floor((xy - self.origin) / self.resolution).astype(int)
        inside = ((index >= 0) & (index < mask.shape)).all(axis=1)
        values = np.zeros(len(xy), bool)
        values[inside] = mask[tuple(index[inside].T)]
        return values


def make_fences(
    floor: KnownFloor, free_space: FreeSpace, *, band_high: float, budget: int
) -> tuple[list[Piece], dict[str, Any]]:
    """Plates along the open edge of the known floor, longest stretches first, at most ``budget``.

    Args:
        floor: Known free cells and what hulls already block.
        free_space: Plates never hold a free voxel's centre.
        band_high: Top of the robot's height band above the floor [m].
        budget: Upper limit of plates.
    """
    region = _open_floor(_room(floor, free_space), floor)
    narrow = ~_fits(~floor.solid, floor.resolution)
    stretches = [part for line in _outlines(region, floor) for part in _open_stretches(line, floor, narrow)]
    stretches.sort(key=lambda ab: (-round(float(np.linalg.norm(ab[1] - ab[0])), 6), *ab[0], *ab[1]))
    open_length = sum(float(np.linalg.norm(b - a)) for a, b in stretches)
    pieces: list[Piece] = []
    fenced = 0.0
    for a, b in stretches:
        for plate, length in _plates(a, b, floor, free_space, band_high):
            if len(pieces) < budget:
                pieces.append(plate)
                fenced += length
    facts = {
        "frontier_length": round(open_length, 2),
        "frontier_stretches": len(stretches),
        "frontier_fenced": round(fenced / open_length, 4) if open_length else 1.0,
        "fences": len(pieces),
    }
    return pieces, facts


def _room(floor: KnownFloor, free_space: FreeSpace) -> Bool[np.ndarray, "nx ny"]:
    """Cells that are known free, or over which free air was seen low, where no fence can stand.

    At the far end of a depth camera's range only a wedge of air close to the floor was seen: too little to call the cell
    known, yet no place for a plate. The fence goes around it; the floor there was seen, so nothing is lost.
    """
    i, j = np.meshgrid(*[np.arange(n) for n in floor.free.shape], indexing="ij")
    xy = floor.origin + (np.stack([i.ravel(), j.ravel()], axis=1) + 0.5) * floor.resolution
    ground = floor.floor_height(xy)
    low_air = np.zeros(len(xy), bool)
    for height in np.arange(free_space.voxel_size, MIN_HEIGHT + 1e-9, free_space.voxel_size):
        low_air |= free_space.sample(np.column_stack([xy, ground + height])) == FREE
    return (floor.free | low_air.reshape(floor.free.shape)) & ~floor.solid


def _fits(room: Bool[np.ndarray, "nx ny"], resolution: float) -> Bool[np.ndarray, "nx ny"]:
    """Cells that the smallest robot's middle may get to in ``room``: at its edge a hull may fill only 1 mm of a cell."""
    if room.all():
        return room
    return (ndimage.distance_transform_edt(room) + 1) * resolution > SMALLEST_ROBOT


def _open_floor(room: Bool[np.ndarray, "nx ny"], floor: KnownFloor) -> Bool[np.ndarray, "nx ny"]:
    """The room a robot's body gets to; tongues too narrow for the smallest are cut off."""
    core = _fits(np.pad(room, 1), floor.resolution)
    opened = (ndimage.distance_transform_edt(~core) * floor.resolution <= SMALLEST_ROBOT)[1:-1, 1:-1]
    opened &= room
    labels, _ = ndimage.label(opened)
    touched = np.unique(labels[floor.near & opened])
    region = np.isin(labels, touched[touched > 0])
    return ndimage.binary_closing(np.pad(region, 8), np.ones((3, 3)), iterations=2)[8:-8, 8:-8]


def _outlines(region: np.ndarray, floor: KnownFloor) -> list[Float64[np.ndarray, "n 2"]]:
    """Simplified outlines of the known floor [m]; the known side lies to the right."""
    from skimage.measure import approximate_polygon, find_contours

    lines = []
    for line in find_contours(np.pad(region, 1).astype(float), 0.5, positive_orientation="low"):
        world = floor.origin + (line - 0.5) * floor.resolution
        lines.append(approximate_polygon(world, tolerance=1.2 * floor.resolution))
    return lines


def _open_stretches(line: np.ndarray, floor: KnownFloor, narrow: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Parts of an outline's straight segments with no measured hull just outside, where a robot's middle gets across.

    A stretch reaches from hull to hull; if its middle is ``narrow`` as well as its ends, nobody gets through.
    """
    found = []
    for a, b in itertools.pairwise(line):
        length = float(np.linalg.norm(b - a))
        if length < 1e-6:
            continue
        along = (b - a) / length
        out = np.array([-along[1], along[0]])
        count = max(int(length / (floor.resolution / 2)), 1) + 1
        points = a + np.linspace(0, 1, count)[:, None] * (b - a)
        outside = [points + out * reach * floor.resolution for reach in (0.25, 0.75, 1.25, 2.0)]
        closed = np.any([floor.at(floor.solid, at) for at in outside], axis=0)
        crossed = ~np.any([floor.at(narrow, at) for at in outside[:2]], axis=0)
        runs, run_count = ndimage.label(~closed)
        for run in range(1, run_count + 1):
            mine = np.flatnonzero(runs == run)
            if crossed[mine].any() and (mine[-1] - mine[0]) * length / (count - 1) >= MIN_LENGTH:
                found.append((points[mine[0]], points[mine[-1]]))
    return found


def _plates(
    a: np.ndarray, b: np.ndarray, floor: KnownFloor, free_space: FreeSpace, band_high: float
) -> list[tuple[Piece, float]]:
    """One plate for a stretch, or two for its halves where one plate would enter free voxels or be too slender."""
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length
    out = np.array([-along[1], along[0]])
    for back in np.arange(0.0, MAX_SHIFT + 1e-9, free_space.voxel_size / 2) if length <= MAX_LENGTH else ():
        near, far = out * (back + 0.01), out * (back + 0.01 + THICKNESS)
        ring = np.array([a + near, b + near, b + far, a + far])
        height = _room_above(ring, floor, free_space, band_high + OVER_BAND)
        if height >= MIN_HEIGHT:
            low = floor.floor_height(ring)
            points = np.concatenate([np.column_stack([ring, low - INTO_FLOOR]), np.column_stack([ring, low + height])])
            return [(Piece(label="unseen", points=points), length)]
    if length < MIN_HALVED:
        return []
    middle = (a + b) / 2
    return _plates(a, middle, floor, free_space, band_high) + _plates(middle, b, floor, free_space, band_high)


def _room_above(ring: np.ndarray, floor: KnownFloor, free_space: FreeSpace, top: float) -> float:
    """Height above the floor up to which a plate's footprint holds no free voxel [m]."""
    voxel = free_space.voxel_size
    a, along, across = ring[0], ring[1] - ring[0], ring[3] - ring[0]
    s = np.linspace(0, 1, int(np.ceil(np.linalg.norm(along) / (voxel / 2))) + 1)
    t = np.linspace(0, 1, int(np.ceil(np.linalg.norm(across) / (voxel / 2))) + 1)
    xy = (a + s[:, None, None] * along + t[None, :, None] * across).reshape(-1, 2)
    ground = floor.floor_height(xy)
    height = voxel  # the voxel layer of the floor's own surface doesn't count
    while height < top:
        if (free_space.sample(np.column_stack([xy, ground + height])) == FREE).any():
            return height - voxel / 2
        height += voxel / 2
    return top
