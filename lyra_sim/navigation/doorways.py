"""Doorways: narrow places between wider ones, found on the map alone, whether a frame or two cupboards make them narrow.

The clearance of reachable cells is a landscape. Its hills, kept when they rise well above the pass to a higher one, own the
cells that lead up to them (watershed, Beucher and Lantuéjoul 1979); where two hills' cells touch is a pass, and a pass that is
narrow and well below both hills is a doorway. Two doors between the same rooms are two borders, and both are found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import ndimage

from lyra_sim.data.navigation import Doorway, Route
from lyra_sim.data.occupancy import OccupancyMap

WIDEST = 1.4
"""A wider passage is no doorway [m]. Convention."""
RISE = 0.1
"""A hill of clearance counts when it rises this far above the pass to a higher one [m]. Tuned, unrecorded."""
NARROWER = 0.75
"""The pass has at most this share of the clearance that both sides reach. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Doorways of one map, and which side of them every cell lies on."""

    areas: Int64[np.ndarray, "nx ny"]
    """Number of the hill whose cells these are; 0 outside reachable space."""
    cells: Int64[np.ndarray, "d 2"]
    """The middle of each doorway."""
    sides: Int64[np.ndarray, "d 2"]
    """The two areas it joins."""
    widths: Float64[np.ndarray, "d"]
    """Twice the clearance there [m]."""

    def __len__(self) -> int:
        return len(self.cells)

    def crossed_by(self, route: Route, occupancy: OccupancyMap) -> Bool[np.ndarray, "d"]:
        """The doorways a route goes through: it changes from one side to the other, within the opening."""
        crossed = np.zeros(len(self), bool)
        points = along(route.waypoints, occupancy.resolution / 2)
        index = np.clip(occupancy.indices(points), 0, np.array(self.areas.shape) - 1)
        owner = self.areas[tuple(index.T)]
        points, owner = points[owner > 0], owner[owner > 0]
        change = np.flatnonzero(owner[1:] != owner[:-1])
        for at in change:
            pair = np.sort(owner[at : at + 2])
            near = np.linalg.norm(occupancy.centres(self.cells) - points[at], axis=1) <= self.widths / 2 + occupancy.resolution
            crossed |= near & (self.sides == pair).all(axis=1)
        return crossed

    def table(self, routes: Sequence[Route], occupancy: OccupancyMap) -> tuple[Doorway, ...]:
        """For the record, with the routes through each."""
        through = [self.crossed_by(route, occupancy) for route in routes]
        places = occupancy.centres(self.cells)
        return tuple(
            Doorway(
                x=round(float(places[row, 0]), 4),
                y=round(float(places[row, 1]), 4),
                width=round(float(self.widths[row]), 4),
                routes=tuple(route.name for route, crossed in zip(routes, through, strict=True) if crossed[row]),
            )
            for row in range(len(self))
        )


def find_doorways(reach: Bool[np.ndarray, "nx ny"], room: Float64[np.ndarray, "nx ny"]) -> Doors:
    """All doorways of reachable space.

    Args:
        reach: Cells a robot's middle can get to.
        room: Clearance of every cell [m].
    """
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    everywhere = np.ones((3, 3))
    if not reach.any():
        return _none(reach)
    inside = np.where(reach, room, 0.0)
    hills, count = ndimage.label(h_maxima(inside, RISE), everywhere)
    areas = np.asarray(watershed(-inside, hills, mask=reach, connectivity=2), np.int64)
    peaks = ndimage.maximum(inside, areas, np.arange(count + 1))
    cells, sides = [], []
    for pair, border in _borders(areas).items():
        low = min(peaks[pair[0]], peaks[pair[1]])
        for part in _parts(border, everywhere):
            best = part[np.argmax(inside[tuple(part.T)])]
            clear = inside[tuple(best)]
            if 2 * clear <= WIDEST and clear <= NARROWER * low:
                cells.append(best)
                sides.append(pair)
    if not cells:
        return _none(areas)
    found = np.array(cells, np.int64)
    return Doors(areas=areas, cells=found, sides=np.array(sides, np.int64), widths=2 * inside[tuple(found.T)])


def along(polyline: Float64[np.ndarray, "n 2"], step: float) -> Float64[np.ndarray, "m 2"]:
    """Points on a polyline, at most ``step`` [m] apart, its corners among them."""
    parts = [polyline[:1]]
    for a, b in pairwise(polyline):
        count = max(int(np.ceil(np.linalg.norm(b - a) / step)), 1)
        parts.append(a + np.arange(1, count + 1)[:, None] / count * (b - a))
    return np.concatenate(parts)


def _none(areas: np.ndarray) -> Doors:
    pairs = np.zeros((0, 2), np.int64)
    return Doors(areas=areas.astype(np.int64), cells=pairs, sides=pairs, widths=np.zeros(0))


def _borders(areas: Int64[np.ndarray, "nx ny"]) -> dict[tuple[int, int], Int64[np.ndarray, "n 2"]]:
    """For every two areas that touch, the cells of both on either side of their border, in a fixed order."""
    found: dict[tuple[int, int], list[np.ndarray]] = {}
    for step in ((1, 0), (0, 1), (1, 1), (1, -1)):
        a = np.argwhere(np.ones_like(areas, bool))
        b = a + step
        inside = ((b >= 0) & (b < areas.shape)).all(axis=1)
        a, b = a[inside], b[inside]
        left, right = areas[tuple(a.T)], areas[tuple(b.T)]
        differ = (left > 0) & (right > 0) & (left != right)
        for low, high, one, other in zip(
            np.minimum(left, right)[differ], np.maximum(left, right)[differ], a[differ], b[differ], strict=True
        ):
            found.setdefault((int(low), int(high)), []).extend((one, other))
    return {pair: np.unique(np.array(cells), axis=0) for pair, cells in sorted(found.items())}


def _parts(cells: Int64[np.ndarray, "n 2"], structure: np.ndarray) -> list[Int64[np.ndarray, "m 2"]]:
    """The cells split where they don't touch."""
    low = cells.min(axis=0)
    mask = np.zeros(cells.max(axis=0) - low + 1, bool)
    mask[tuple((cells - low).T)] = True
    labels, count = ndimage.label(mask, structure)
    owner = labels[tuple((cells - low).T)]
    return [cells[owner == number] for number in range(1, count + 1)]
