"""Lattices taken apart: racks, shelves and frames, whose first straight cut gives nothing and whose tenth gives all.

A greedy cut sees one step ahead. A storage rack is uprights and decks with air between them: whatever single plane parts it,
both halves still plug nearly all of that air. So planes are laid where the matter of a lump changes most along the building's
axes, and over the cells between them the cheapest partition by cuts that go through a whole piece is found exactly (dynamic
programming over boxes, as for guillotine cutting: Gilmore and Gomory 1965), where a piece costs the air in its bounding box
and a price for the hull. The price is the same for all lumps, so a budget flows to where a hull gives most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from lyra_sim.collision.convex.slender import MAX_ASPECT
from lyra_sim.collision.measured.free_air import AirField

MOST_PLANES = 10
"""Candidate planes across each axis. Convention."""
MOST_VOXELS = 30_000_000
"""Of a lump's bounding box; a larger lump is first taken apart otherwise. Convention."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """A lump's voxels on a coarse grid of planes, ready to be partitioned at any price."""

    cells: Int64[np.ndarray, "n 3"]
    """The cell of every voxel."""
    counts: tuple[int, int, int]
    """Cells along each axis."""
    air: Float32[np.ndarray, "_ _ _"]
    """Weighted air in the bounding box of every box of cells, see :func:`.guillotine_kernels.box_air`."""

    @classmethod
    def of(
        cls, indices: Int64[np.ndarray, "n 3"], measured: Bool[np.ndarray, "n"], field: AirField, heading: float
    ) -> "Lattice | None":
        """None for a lump too large to ask about.

        Args:
            indices: Its voxels.
            measured: Those that a hull is to hold, at least one; the others, body behind them, go along where they lie.
            field: What hulls must not take.
            heading: Direction of the building's walls [rad].
        """
        from lyra_sim.collision.clutter.guillotine_kernels import box_air

        turn = np.array([[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]])
        turned = np.column_stack([np.floor((indices[:, :2] + 0.5) @ turn.T + 1e-9).astype(np.int64), indices[:, 2]])
        low = turned[measured].min(axis=0)
        turned -= low
        local = turned[measured]
        size = local.max(axis=0) + 1
        if int(np.prod(size)) > MOST_VOXELS:
            return None
        planes = [_planes(local[:, axis], int(size[axis])) for axis in range(3)]
        cells = np.column_stack([np.searchsorted(planes[axis], turned[:, axis], side="right") for axis in range(3)])
        counts = tuple(len(each) + 1 for each in planes)
        least = np.full((*counts, 3), 1 << 30, np.int64)
        most = np.full((*counts, 3), -1, np.int64)
        np.minimum.at(least, tuple(cells[measured].T), local)
        np.maximum.at(most, tuple(cells[measured].T), local + 1)
        air = box_air(least, most, _table(low, size, turn, field), MAX_ASPECT)
        return cls(cells=cells, counts=(counts[0], counts[1], counts[2]), air=air)

    def groups(self, price: float) -> list[Int64[np.ndarray, "m"]]:
        """Voxels of each piece of the cheapest partition, when every piece costs ``price`` and the air it takes.

        Where nothing was measured there is no piece.
        """
        from lyra_sim.collision.clutter.guillotine_kernels import cheapest, interval

        if float(self.air.max()) <= price:
            return [np.arange(len(self.cells))]
        _, chosen = cheapest(self.air, *self.counts, price)
        waiting, pieces = [((0, 0, 0), self.counts)], []
        while waiting:
            first, end = waiting.pop()
            box = tuple(int(interval(first[k], end[k], self.counts[k])) for k in range(3))
            how = int(chosen[box])
            if how >= 0:
                position, axis = divmod(how, 3)
                waiting.append((first, _replaced(end, axis, position)))
                waiting.append((_replaced(first, axis, position), end))
            elif self.air[box] >= 0:
                pieces.append(np.flatnonzero(((self.cells >= first) & (self.cells < end)).all(axis=1)))
        return pieces


def partition(lattices: Sequence[Lattice], *, budget: int, price: float) -> list[list[Int64[np.ndarray, "m"]]]:
    """Pieces of every lattice at the lowest common price, no lower than ``price``, at which there are at most ``budget``.

    Prices are tried in steps of a fourth root of two; above the highest every lump stays whole.
    """
    whole = [[np.arange(len(lattice.cells))] for lattice in lattices]
    highest = max((float(lattice.air.max()) for lattice in lattices), default=0.0)
    low, high = 0, max(int(np.ceil(4 * np.log2(max(highest / price, 1.0)))), 0)
    best = whole
    while low < high:  # the lowest step that fits: fewer pieces as prices rise
        middle = (low + high) // 2
        found = [lattice.groups(price * 2 ** (middle / 4)) for lattice in lattices]
        if sum(map(len, found)) <= budget:
            best, high = found, middle
        else:
            low = middle + 1
    return best


def _replaced(corner: tuple[int, int, int], axis: int, value: int) -> tuple[int, int, int]:
    changed = list(corner)
    changed[axis] = value
    return changed[0], changed[1], changed[2]


def _planes(along: Int64[np.ndarray, "n"], size: int) -> Int64[np.ndarray, "p"]:
    """Layers before which a plane is laid: where the count of voxels a layer changes most."""
    change = np.abs(np.diff(np.bincount(along, minlength=size)))
    order = np.lexsort((np.arange(size - 1), -change))[:MOST_PLANES]
    return np.sort(order[change[order] > 0]) + 1


def _table(low: np.ndarray, size: np.ndarray, turn: np.ndarray, field: AirField) -> Int64[np.ndarray, "_ _ _"]:
    """Summed weights of the air in a turned box of the grid."""
    p, q = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    places = (np.stack([p.ravel(), q.ravel()], axis=1) + low[:2] + 0.5) @ turn
    index = np.floor(places + 1e-9).astype(np.int64)
    shape = np.array(field.prefix.shape[:2])
    inside = ((index >= 0) & (index < shape)).all(axis=1)
    index = np.clip(index, 0, shape - 1)
    columns = field.prefix[index[:, 0], index[:, 1], low[2] : low[2] + size[2] + 1].astype(np.int64)
    columns -= columns[:, :1].copy()
    columns[~inside] = 0
    table = np.zeros((size[0] + 1, size[1] + 1, size[2] + 1), np.int64)
    table[1:, 1:] = columns.reshape(size[0], size[1], -1).cumsum(axis=0).cumsum(axis=1)
    return table
