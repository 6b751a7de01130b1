"""How much of one piece: shares tell noise from faults badly where a fault is small."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32
from scipy import ndimage

CELL_M = 0.05
"""Patches are counted in cells of this edge [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Cells of one piece."""

    area: float
    """Cells times the area of one's side [m^2]."""
    centre: tuple[float, float, float] | None
    """[m]; None without any."""

    def __str__(self) -> str:
        return "" if self.centre is None else "at {:.2f}, {:.2f}, {:.2f}".format(*self.centre)


def largest_patch(
    points: Float64[np.ndarray, "n 3"],
    *,
    least: int,
    cell: float = CELL_M,
    against: Float64[np.ndarray, "m 3"] | None = None,
) -> Patch:
    """The largest set of cells with at least ``least`` points each that touch one another.

    Args:
        points: [m]
        least: Of them in a cell.
        cell: Edge of one [m].
        against: Points that say the opposite; a cell with more of them is none of the set [m].
    """
    if not len(points):
        return Patch(area=0.0, centre=None)
    low = np.floor(points.min(axis=0) / cell).astype(np.int64)
    shape = np.floor(points.max(axis=0) / cell).astype(np.int64) - low + 1

    def counted(of: Float64[np.ndarray, "n 3"]) -> Int32[np.ndarray, "x y z"]:
        cells = np.floor(of / cell).astype(np.int64) - low
        counts = np.zeros(shape, np.int32)
        np.add.at(counts, tuple(cells[((cells >= 0) & (cells < shape)).all(axis=1)].T), 1)
        return counts

    counts = counted(points)
    full = counts >= least
    if against is not None:
        full &= counts >= counted(against)
    if not full.any():
        return Patch(area=0.0, centre=None)
    labels, _ = ndimage.label(full, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = np.argwhere(labels == sizes.argmax()) + low
    x, y, z = (largest.mean(axis=0) + 0.5) * cell
    return Patch(area=float(sizes.max()) * cell**2, centre=(float(x), float(y), float(z)))
