"""Where the known frames' samples are, coarsely: enough to rule most of them out unprojected."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from lyra_sim.generators.cell_index import CellIndex
from lyra_sim.generators.retrieval_kernels import block_spheres, preview, sphere_bounds

THINNING = 4
"""Every fourth sample each way is kept as a point. Convention."""


@dataclass(frozen=True, kw_only=True)
class SampledFrame:
    """What the memory keeps of a frame: its camera and every stride-th sample of its depth. Points follow from both."""

    z_depth: Float32[np.ndarray, "h w"]
    """Along the optical axis; NaN unknown."""
    lens: Float64[np.ndarray, "4"]
    """fx, fy, cx, cy of ``K / stride``; sample (x, y) stands at (x, y)."""
    c2w: Float64[np.ndarray, "4 4"]
    spheres: Float32[np.ndarray, "b 4"]
    """Bounding spheres (x, y, z, radius) of its blocks, in the world."""
    held: Int32[np.ndarray, "b"]
    """Samples in each block."""

    @classmethod
    def sample(
        cls, z_depth: Float32[np.ndarray, "h w"], K: Float64[np.ndarray, "3 3"], c2w: Float64[np.ndarray, "4 4"], *, stride: int
    ) -> "SampledFrame":
        """Every stride-th row and column, from the first on: no depth is averaged with its neighbour's across an edge."""
        samples = np.ascontiguousarray(z_depth[::stride, ::stride])
        lens = np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]]) / stride
        spheres, held = block_spheres(samples, lens, c2w)
        return cls(z_depth=samples, lens=lens, c2w=np.array(c2w), spheres=spheres, held=held)

    @property
    def median_depth(self) -> float:
        """NaN where nothing is known."""
        known = self.z_depth[np.isfinite(self.z_depth) & (self.z_depth > 0)]
        return float(np.median(known)) if len(known) else float("nan")

    def thinned(self, phase: int) -> Float32[np.ndarray, "p 3"]:
        """World points of every THINNING-th row and column; which ones, the phase says, so that frames of one place differ."""
        across, down = phase % THINNING, phase // THINNING % THINNING
        z = self.z_depth[down::THINNING, across::THINNING].astype(np.float64)
        fx, fy, cx, cy = self.lens
        y, x = np.mgrid[down : self.z_depth.shape[0] : THINNING, across : self.z_depth.shape[1] : THINNING]
        known = np.isfinite(z) & (z > 0)
        x, y, z = x[known], y[known], z[known]
        points = np.stack([(x - cx) / fx * z, (y - cy) / fy * z, z], axis=-1)
        return (points @ self.c2w[:3, :3].T + self.c2w[:3, 3]).astype(np.float32)


class VisibilityIndex:
    """What each frame can show of some views, roughly: one sphere around it all, and one sample in 16 as a point.

    It grows by the frame. A query costs tens of nanoseconds a frame for the spheres, and some microseconds for each frame that
    is previewed.
    """

    def __init__(self) -> None:
        self._count = 0
        self._first, self._points = np.zeros(65, np.int64), np.zeros((4096, 3), np.float32)
        self._spheres, self._held = np.zeros((64, 4), np.float32), np.zeros(64, np.int32)
        self._samples_a_point = np.zeros(64)
        self.cells = CellIndex()

    def __len__(self) -> int:
        return self._count

    def add(self, frame: SampledFrame) -> None:
        """The next frame; it is known by how many were added before it."""
        n = self._count
        points = frame.thinned(n)
        start, end = int(self._first[n]), int(self._first[n]) + len(points)
        while end > len(self._points):
            self._points = _doubled(self._points)
        if n + 1 >= len(self._spheres):
            self._first, self._spheres, self._held = _doubled(self._first), _doubled(self._spheres), _doubled(self._held)
            self._samples_a_point = _doubled(self._samples_a_point)
        self._points[start:end], self._first[n + 1] = points, end
        self.cells.add(points, median_depth=frame.median_depth)
        used = frame.spheres[frame.held > 0].astype(np.float64)
        if len(used):
            centre = 0.5 * ((used[:, :3] - used[:, 3:]).min(axis=0) + (used[:, :3] + used[:, 3:]).max(axis=0))
            radius = (np.linalg.norm(used[:, :3] - centre, axis=1) + used[:, 3]).max()
            self._spheres[n] = [*centre, radius * (1 + 1e-6) + 1e-6 * np.abs(centre).max()]
            self._held[n] = frame.held.sum()
            self._samples_a_point[n] = self._held[n] / max(len(points), 1)
        self._count += 1

    def bounds(self, views: "TargetViews") -> Float64[np.ndarray, "n"]:
        """Pixels that each frame can show at most."""
        spheres, held = self._spheres[: self._count], self._held[: self._count]
        return sphere_bounds(spheres, held, views.w2c, views.lenses, views.width, views.height)

    def preview(
        self,
        which: Int64[np.ndarray, "m"],
        views: "TargetViews",
        nearest: Float32[np.ndarray, "v h w"],
        covered: Bool[np.ndarray, "v h w"],
        absolute: float,
        relative: float,
    ) -> Float64[np.ndarray, "m"]:
        """Uncovered pixels that some frames show, guessed high; what they show is added to ``nearest`` in place.

        Args:
            which: Frames asked about.
            views: To be covered.
            nearest: Depth of the nearest surface known so far; lowered in place.
            covered: Pixels that need nothing more.
            absolute, relative: How far behind ``nearest`` a sample still shows.
        """
        pool = (self._first, self._points, self._samples_a_point)
        return preview(which, *pool, views.w2c, views.lenses, nearest, covered, absolute, relative)

    @property
    def nbytes(self) -> int:
        arrays = (self._first, self._points, self._spheres, self._held, self._samples_a_point)
        return self.cells.nbytes + sum(array.nbytes for array in arrays)


@dataclass(frozen=True, kw_only=True)
class TargetViews:
    """The cameras to be covered, on their coarse grids."""

    c2w: Float64[np.ndarray, "v 4 4"]
    w2c: Float64[np.ndarray, "v 4 4"]
    lenses: Float64[np.ndarray, "v 4"]
    """fx, fy, cx, cy of ``K / stride``."""
    width: int
    height: int


def _doubled(array: np.ndarray) -> np.ndarray:
    grown = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
