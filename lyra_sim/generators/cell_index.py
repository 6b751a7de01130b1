"""Which frames have points where some views look: a sparse grid of cells, each with a list of frames."""

import numpy as np
from jaxtyping import Float32, Float64, Int64

from lyra_sim.generators.cell_kernels import count_votes, insert_points, look_through, rehash

CELL_PART_OF_DEPTH = 0.5
"""Side of a cell, as a part of the first frame's median depth: the grid fits a world of any scale. Tuned, unrecorded."""
PIXELS_A_RAY = 4
"""One ray for every fourth pixel each way of the coarse grids. Convention."""
STEPS = 64
"""Cells a ray goes through, at most: 32 times the first median depth. Convention."""


class CellIndex:
    """Frames by cells of space. It grows with the surface seen, not with the space it lies in."""

    def __init__(self) -> None:
        self._size = 0.0
        self._keys, self._heads = np.zeros(1 << 12, np.int64), np.zeros(1 << 12, np.int32)
        self._entries = np.zeros((1 << 14, 2), np.int32)
        self._used = np.zeros(2, np.int64)
        self._frames = 0

    def add(self, points: Float32[np.ndarray, "p 3"], *, median_depth: float) -> None:
        """The next frame's points; without any, it is in no cell."""
        frame = self._frames
        self._frames += 1
        if not len(points):
            return
        if self._size == 0:
            self._size = CELL_PART_OF_DEPTH * median_depth
        while 2 * (self._used[0] + len(points)) > len(self._keys):
            keys, heads = np.zeros(2 * len(self._keys), np.int64), np.zeros(2 * len(self._keys), np.int32)
            rehash(self._keys, self._heads, keys, heads)
            self._keys, self._heads = keys, heads
        while self._used[1] + len(points) > len(self._entries):
            self._entries = np.concatenate([self._entries, np.zeros_like(self._entries)])
        insert_points(points, frame, self._size, self._keys, self._heads, self._entries, self._used)

    def votes(
        self,
        c2w: Float64[np.ndarray, "v 4 4"],
        lenses: Float64[np.ndarray, "v 4"],
        nearest: Float32[np.ndarray, "v h w"],
        absolute: float,
        relative: float,
        *,
        most_occupied: int,
    ) -> Int64[np.ndarray, "n"]:
        """For every frame: rays of the views that go through a cell where it has points, before or at the nearest surface.

        Args:
            nearest: Depth of the nearest surface known so far; infinite where none is.
            absolute, relative: How far behind it a point still counts.
            most_occupied: Cells with points after which a ray ends.
            c2w: Of the views.
            lenses: Of the views: fx, fy, cx, cy [coarse px].
        """
        looked, votes = np.zeros(len(self._keys), np.int32), np.zeros(self._frames, np.int64)
        if self._size > 0:
            rays = (c2w, lenses, nearest, absolute, relative, PIXELS_A_RAY, self._size, STEPS, most_occupied)
            look_through(*rays, self._keys, looked)
            count_votes(self._heads, self._entries, looked, votes)
        return votes

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes for a in (self._keys, self._heads, self._entries))
