"""Are passages that were measured to be open, or are open in truth, still open between the hulls?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from lyra_sim.data.colliders import Hull
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.data.report import Metric
from lyra_sim.navigation.doorways import WIDEST, Doors, find_doorways
from lyra_sim.navigation.occupancy import KNOWN_SHARE, FloorBand, FloorGrid, blocked
from lyra_sim.navigation.reachable import clearance
from lyra_sim.quality.figures.metrics import measured

NARROWEST = 0.7
"""The least width of a doorway that is asked about [m]. Convention."""
AROUND = 0.5
"""A doorway is asked about within its width and this much around its narrowest point [m]. Convention."""
LOSS_VOXELS = 2
"""A passage may lose this many voxels: on either side the surface is known to one. Derived."""
CELLS_PER_VOXEL = 2
"""Widths are measured on cells this much smaller than voxels. Convention."""


@dataclass(frozen=True, kw_only=True)
class Doorways:
    """Passages of a floor plan and what is left of each."""

    places: Float64[np.ndarray, "n 2"]
    """World x, y of the narrowest points [m]."""
    widths: Float64[np.ndarray, "n"]
    """As they should be [m]."""
    left: Float64[np.ndarray, "n"]
    """As they are between the hulls [m]."""
    voxel: float
    """Edge of the voxels the hulls were made from [m]."""

    @property
    def open(self) -> Bool[np.ndarray, "n"]:
        return self.left >= self.widths - LOSS_VOXELS * self.voxel - 1e-9

    @property
    def sealed(self) -> Bool[np.ndarray, "n"]:
        return self.left <= self.widths / 2


def fine_grid(free_space: FreeSpace) -> FloorGrid:
    """Cells that divide the voxel columns evenly."""
    shape = free_space.states.shape
    return FloorGrid(
        origin=free_space.origin[:2],
        shape=(shape[0] * CELLS_PER_VOXEL, shape[1] * CELLS_PER_VOXEL),
        resolution=free_space.voxel_size / CELLS_PER_VOXEL,
    )


def columns(free_space: FreeSpace, band: FloorBand) -> tuple[Bool[np.ndarray, "nx ny"], Bool[np.ndarray, "nx ny"]]:
    """Voxel columns that are free in the band, nothing solid in it, and those that were seen there, free or solid.

    As for the map, most of the band is enough: near the cameras frusta leave out what lies low.
    """
    nx, ny, _ = free_space.states.shape
    i, j = np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij")
    xy = free_space.origin[:2] + (np.stack([i.ravel(), j.ravel()], axis=1) + 0.5) * free_space.voxel_size
    floor = band.height(xy)
    levels = np.arange(band.low + free_space.voxel_size / 2, band.high, free_space.voxel_size)
    free, solid = np.zeros(nx * ny, np.int32), np.zeros(nx * ny, np.int32)
    for level in levels:
        states = free_space.sample(np.column_stack([xy, floor + level]))
        free += states == FREE
        solid += states == SOLID
    enough = KNOWN_SHARE * len(levels)
    return ((free >= enough) & (solid == 0)).reshape(nx, ny), (free + solid >= enough).reshape(nx, ny)


def measured_doorways(hulls: Sequence[Hull], free_space: FreeSpace, band: FloorBand) -> Doorways:
    """Passages of the air that was measured in the robot's band."""
    free, _ = columns(free_space, band)
    return _left(_finer(free), hulls, fine_grid(free_space), band)


def true_doorways(
    hulls: Sequence[Hull], free_space: FreeSpace, band: FloorBand, true_free: Bool[np.ndarray, "mx my"]
) -> Doorways:
    """Passages of the truth inside what was seen; ``true_free`` is on :func:`fine_grid`."""
    _, seen = columns(free_space, band)
    return _left(true_free & _finer(seen), hulls, fine_grid(free_space), band)


def _finer(mask: Bool[np.ndarray, "nx ny"]) -> Bool[np.ndarray, "mx my"]:
    return np.repeat(np.repeat(mask, CELLS_PER_VOXEL, axis=0), CELLS_PER_VOXEL, axis=1)


def _left(free: Bool[np.ndarray, "mx my"], hulls: Sequence[Hull], grid: FloorGrid, band: FloorBand) -> Doorways:
    before = clearance(free, grid.resolution)
    # Undersides are known to a voxel, too: a table top's hull that sags that much into the band closes no way below it.
    lower = replace(band, high=max(band.high - grid.resolution * CELLS_PER_VOXEL, (band.low + band.high) / 2))
    now = clearance(~blocked(hulls, grid, lower), grid.resolution)
    doors = find_doorways(free, before)
    widths = np.array([_width(before[tuple(cell)], grid.resolution) for cell in doors.cells], np.float64)
    asked = np.flatnonzero(widths >= NARROWEST - 1e-9)
    return Doorways(
        places=grid.origin + (doors.cells[asked] + 0.5) * grid.resolution,
        widths=widths[asked],
        left=np.array([_width_left(doors, int(number), before, now, grid.resolution) for number in asked], np.float64),
        voxel=grid.resolution * CELLS_PER_VOXEL,
    )


def _width(room: float, resolution: float) -> float:
    """Width of a passage whose middle cells have this clearance [m]; exact for an even count of cells across."""
    return 2 * float(room) + resolution


def _width_left(
    doors: Doors, number: int, before: Float64[np.ndarray, "mx my"], now: Float64[np.ndarray, "mx my"], resolution: float
) -> float:
    """Width of the widest way through a doorway between the hulls [m]: from the roomiest cell on one side to that on the other.

    Args:
        doors: Of the floor plan as it should be.
        number: Of the doorway.
        before: Clearance in that plan [m].
        now: Clearance between the hulls [m].
        resolution: Cell edge [m].
    """
    cell = doors.cells[number]
    reach = round((_width(before[tuple(cell)], resolution) + AROUND) / resolution)
    low = np.maximum(cell - reach, 0)
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, cell + reach + 1, strict=True))
    areas, room, now = doors.areas[window], before[window], now[window]
    offset = (np.indices(areas.shape) - (cell - low)[:, None, None]).astype(np.float64)
    region = np.isin(areas, doors.sides[number]) & (np.hypot(*offset) <= reach)
    sides = [np.where(region & (areas == side), room, -1.0) for side in doors.sides[number]]
    ends = [np.unravel_index(int(np.argmax(side)), areas.shape) for side in sides]
    levels = np.unique(now[region])
    first, last = -1, len(levels) - 1  # the highest level at which both ends still hang together, by bisection
    while first < last:
        middle = (first + last + 1) // 2
        labels, _ = ndimage.label(region & (now >= levels[middle]), np.ones((3, 3)))
        together = labels[ends[0]] > 0 and labels[ends[0]] == labels[ends[1]]
        first, last = (middle, last) if together else (first, middle - 1)
    return _width(levels[first], resolution) if first >= 0 and levels[first] > 0 else 0.0


def doorway_metrics(name: str, doorways: Doorways) -> list[Metric]:
    """``<name>`` is how many there are; ``_open`` the share that is open, ``_sealed`` how many lost at least half their width.

    The last two are left out where there are none: a room without a doorway hasn't kept its doorways open.
    """
    count = len(doorways.widths)
    metrics = [measured(name, count, n=1, note=f"{NARROWEST:g} to {WIDEST:g} m wide")]
    if count:
        worst = int(np.argmax(doorways.widths - doorways.left))
        x, y = doorways.places[worst]
        note = f"worst: of {doorways.widths[worst]:.2f} m at ({x:.2f}, {y:.2f}) {doorways.left[worst]:.2f} m are left"
        metrics += [
            measured(f"{name}_open", float(doorways.open.mean()), n=count, note=note),
            measured(f"{name}_sealed", int(doorways.sealed.sum()), n=count),
        ]
    return metrics
