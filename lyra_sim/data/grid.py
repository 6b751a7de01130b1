"""The voxel truth behind mesh, hulls and map: what is free, what was measured as solid, what nobody saw."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from lyra_sim.data.files import read_arrays, write_arrays

UNSEEN, SOLID, FREE = 0, 1, 2
"""Voxel states. FREE is measured air that a camera could have been in, with the specks under 0.8 L in its midst.
UNSEEN is treated as solid by everything physical and as unknown by everything that reports. Convention."""


@dataclass(frozen=True, kw_only=True)
class FreeSpace:
    """A dense voxel grid in the metric world; index order is x, y, z."""

    states: UInt8[np.ndarray, "nx ny nz"]
    """UNSEEN, SOLID (measured) or FREE (measured free, and connected to where a camera was)."""
    origin: Float64[np.ndarray, "3"]
    """World position of the low corner of voxel (0, 0, 0) [m]; its centre is half a voxel further."""
    voxel_size: float
    """Edge [m]."""

    @property
    def free(self) -> Bool[np.ndarray, "nx ny nz"]:
        return self.states == FREE

    def centres(self, indices: Int64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        """World positions of voxel centres [m]."""
        return self.origin + (np.asarray(indices) + 0.5) * self.voxel_size

    def indices(self, points: np.ndarray) -> Int64[np.ndarray, "n 3"]:
        """Voxel index of world points; may lie outside the grid."""
        return np.floor((np.asarray(points, np.float64) - self.origin) / self.voxel_size).astype(np.int64)

    def sample(self, points: np.ndarray, *, outside: int = UNSEEN) -> UInt8[np.ndarray, "n"]:
        """State at world points; ``outside`` where the grid has no voxel."""
        index = self.indices(points)
        inside = ((index >= 0) & (index < self.states.shape)).all(axis=1)
        states = np.full(len(index), outside, np.uint8)
        states[inside] = self.states[tuple(index[inside].T)]
        return states

    def save(self, folder: Path) -> None:
        write_arrays(folder / "free_space.npz", states=self.states, origin=self.origin, voxel_size=np.array(self.voxel_size))

    @classmethod
    def load(cls, folder: Path) -> "FreeSpace":
        arrays = read_arrays(folder / "free_space.npz")
        return cls(states=arrays["states"], origin=arrays["origin"], voxel_size=float(arrays["voxel_size"]))
