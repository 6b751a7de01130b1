"""Points of many depth images merged cell by cell into oriented, coloured surface elements."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from lyra_sim.reconstructors.surfel_kernels import EMPTY, FIELDS, add_samples, cell_indices, rehash


@dataclass(frozen=True, kw_only=True)
class Surfels:
    """One element per occupied cell, in the frame of the points."""

    means: Float64[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    """Unit, towards the cameras that saw it."""
    rgb: Float32[np.ndarray, "n 3"]
    """Display-referred sRGB, 0..1."""


class SurfelCloud:
    """Accumulates weighted samples in cubic cells of edge ``cell``; the order they come in fixes the result."""

    def __init__(self, cell: float) -> None:
        self.cell = cell
        self._count = 0
        self._row_keys, self._sums = np.zeros(1 << 16, np.int64), np.zeros((1 << 16, FIELDS))
        self._keys, self._slots = np.full(1 << 18, EMPTY, np.int64), np.zeros(1 << 18, np.int32)

    def add(self, points: np.ndarray, normals: np.ndarray, rgb: np.ndarray, weight: np.ndarray) -> None:
        """Add samples (n, …): positions and normals in one frame, colours 0..1, weights > 0."""
        self._reserve(self._count + len(points))
        self._count = add_samples(
            points, normals, rgb, weight, self.cell, self._keys, self._slots, self._row_keys, self._sums, self._count
        )

    def surfels(self) -> Surfels:
        """The merged elements, sorted by cell."""
        order = np.argsort(self._row_keys[: self._count])
        keys, sums = self._row_keys[order], self._sums[order]
        weight, normals = sums[:, :1], sums[:, 4:7]
        length = np.linalg.norm(normals, axis=1)
        keep = length > 0.3 * weight[:, 0]  # normals that cancel: an edge seen from both sides
        return Surfels(
            means=(cell_indices(keys[keep]) + sums[keep, 1:4] / weight[keep]) * self.cell,
            normals=(normals[keep] / length[keep, None]).astype(np.float32),
            rgb=(sums[keep, 7:10] / weight[keep]).astype(np.float32),
        )

    def _reserve(self, rows: int) -> None:
        if rows > len(self._row_keys):
            size = 1 << int(rows - 1).bit_length()
            grown_keys, grown_sums = np.zeros(size, np.int64), np.zeros((size, FIELDS))
            grown_keys[: self._count], grown_sums[: self._count] = self._row_keys[: self._count], self._sums[: self._count]
            self._row_keys, self._sums = grown_keys, grown_sums
        if 2 * rows > len(self._keys):
            size = 1 << int(2 * rows - 1).bit_length()
            self._keys, self._slots = np.full(size, EMPTY, np.int64), np.zeros(size, np.int32)
            rehash(self._row_keys, self._count, self._keys, self._slots)
