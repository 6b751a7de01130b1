"""Points of many depth images merged cell by cell into oriented, coloured surface elements."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

MERGE_EVERY = 16
"""Frames collected before their cells are merged, which bounds memory."""


@dataclass(frozen=True, kw_only=True)
class Surfels:
    """One element per occupied cell, in the frame of the points."""

    means: Float64[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    """Unit, towards the cameras that saw it."""
    rgb: Float32[np.ndarray, "n 3"]
    """Display-referred sRGB, 0..1."""
    footprint: Float32[np.ndarray, "n"]
    """Weighted mean distance between neighbouring samples on the surface [frame units]."""


class SurfelCloud:
    """Accumulates weighted samples in cubic cells of edge ``cell``; the order of frames fixes the result."""

    _FIELDS = 11  # weight, position 3, normal 3, rgb 3, footprint

    def __init__(self, cell: float) -> None:
        self.cell = cell
        self._pending: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, points: np.ndarray, normals: np.ndarray, rgb: np.ndarray, footprint: np.ndarray, weight: np.ndarray) -> None:
        """Add samples (n, …) of one view. Positions are summed relative to their cell, so float32 is enough."""
        index = np.floor(points / self.cell).astype(np.int64)
        values = np.empty((len(points), self._FIELDS))
        values[:, 0] = weight
        values[:, 1:4] = (points / self.cell - index) * weight[:, None]
        values[:, 4:7] = normals * weight[:, None]
        values[:, 7:10] = rgb * weight[:, None]
        values[:, 10] = footprint * weight
        self._pending.append(_merge(_pack(index), values))
        if len(self._pending) >= MERGE_EVERY:
            self._collapse()

    def surfels(self) -> Surfels:
        """The merged elements, sorted by cell."""
        self._collapse()
        keys, sums = self._pending[0]
        weight = sums[:, :1]
        normals = sums[:, 4:7]
        length = np.linalg.norm(normals, axis=1)
        keep = length > 0.3 * weight[:, 0]  # normals that cancel: an edge seen from both sides
        normals = (normals[keep] / length[keep, None]).astype(np.float32)
        means = (_unpack(keys[keep]) + sums[keep, 1:4] / weight[keep]) * self.cell
        return Surfels(
            means=means,
            normals=normals,
            rgb=(sums[keep, 7:10] / weight[keep]).astype(np.float32),
            footprint=(sums[keep, 10] / weight[keep, 0]).astype(np.float32),
        )

    def _collapse(self) -> None:
        if len(self._pending) > 1:
            keys = np.concatenate([keys for keys, _ in self._pending])
            values = np.concatenate([values for _, values in self._pending])
            self._pending = [_merge(keys, values)]


_OFFSET, _BITS = 1 << 20, 21


def _pack(index: np.ndarray) -> np.ndarray:
    shifted = index + _OFFSET
    return (shifted[:, 0] << (2 * _BITS)) | (shifted[:, 1] << _BITS) | shifted[:, 2]


def _unpack(keys: np.ndarray) -> np.ndarray:
    mask = (1 << _BITS) - 1
    return np.stack([keys >> (2 * _BITS), (keys >> _BITS) & mask, keys & mask], axis=1) - _OFFSET


def _merge(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    return keys[starts], np.add.reduceat(values, starts, axis=0) if len(keys) else values
