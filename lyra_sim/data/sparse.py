"""Feature points that several photos share: what structure-from-motion leaves besides the cameras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int32

from lyra_sim.data.files import read_arrays, write_arrays
from lyra_sim.geometry.rigid import Similarity


@dataclass(frozen=True, kw_only=True)
class SparsePoints:
    """Triangulated points and every sighting of them.

    Sightings are kept in normalised image coordinates, so they hold for the photo as taken, undistorted or resampled:
    the point lies along ``c2w[view] @ (x, y, 1)``.
    """

    points: Float64[np.ndarray, "p 3"]
    """In the capture frame and its units."""
    point_index: Int32[np.ndarray, "o"]
    """Row of ``points`` of every sighting."""
    view_index: Int32[np.ndarray, "o"]
    """View that saw it."""
    xy: Float64[np.ndarray, "o 2"]
    """Undistorted (x/z, y/z) in that camera, OpenCV axes."""

    def shared_by(self, views: tuple[int, ...]) -> Bool[np.ndarray, "o"]:
        """Sightings of points that at least two of ``views`` saw."""
        mine = np.isin(self.view_index, views)
        sights = np.unique(np.c_[self.point_index[mine], self.view_index[mine]], axis=0)
        return np.asarray(np.bincount(sights[:, 0], minlength=len(self.points))[self.point_index] >= 2)

    def of_views(self, kept: tuple[int, ...]) -> "SparsePoints":
        """Sightings by some views alone, renumbered in the order given; points that fewer than two of them saw go."""
        number = np.full(int(max([*self.view_index, *kept], default=-1)) + 1, -1, np.int32)
        number[list(kept)] = np.arange(len(kept), dtype=np.int32)
        mine = number[self.view_index] >= 0
        sights = np.unique(np.c_[self.point_index[mine], self.view_index[mine]], axis=0)  # a view may see a point twice
        seen = np.bincount(sights[:, 0], minlength=len(self.points))
        mine &= seen[self.point_index] >= 2
        rows, point_index = np.unique(self.point_index[mine], return_inverse=True)
        return SparsePoints(
            points=self.points[rows],
            point_index=point_index.astype(np.int32),
            view_index=number[self.view_index[mine]],
            xy=self.xy[mine],
        )

    def parted(self, every: int) -> tuple["SparsePoints", "SparsePoints"]:
        """All points but every so-many-th, and those."""
        second = np.arange(len(self.points)) % every == every // 2
        return self._of_points(~second), self._of_points(second)

    def and_those(self, more: "SparsePoints") -> "SparsePoints":
        """These, and others of the same views after them."""
        return SparsePoints(
            points=np.concatenate([self.points, more.points]),
            point_index=np.concatenate([self.point_index, more.point_index + np.int32(len(self.points))]),
            view_index=np.concatenate([self.view_index, more.view_index]),
            xy=np.concatenate([self.xy, more.xy]),
        )

    def _of_points(self, kept: Bool[np.ndarray, "p"]) -> "SparsePoints":
        mine = kept[self.point_index]
        number = np.cumsum(kept, dtype=np.int32) - 1
        return SparsePoints(
            points=self.points[kept],
            point_index=number[self.point_index[mine]].astype(np.int32),
            view_index=self.view_index[mine],
            xy=self.xy[mine],
        )

    def moved(self, new_from_capture: Similarity) -> "SparsePoints":
        """The same points in another frame; sightings don't change."""
        return SparsePoints(
            points=new_from_capture.apply(self.points),
            point_index=self.point_index,
            view_index=self.view_index,
            xy=self.xy,
        )

    def save(self, path: Path) -> None:
        write_arrays(path, points=self.points, point_index=self.point_index, view_index=self.view_index, xy=self.xy)

    @classmethod
    def load(cls, path: Path) -> "SparsePoints":
        return cls(**read_arrays(path))
