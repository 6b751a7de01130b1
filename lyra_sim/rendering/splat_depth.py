"""How far splats are from a camera, pixel by pixel: the median depth, for many views of one world.

The expected depth that blending gives is a mean: across an edge it lies in the air between both sides, where nothing is
seen. The median is the depth of one splat, the one at which the light that passes falls below one half (as in Luiten et
al. 2024), so it always lies on something. It is taken where that splat is densest along the pixel's ray, not at its middle:
a flat splat lies on its own plane, however slanted.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.projection_kernels import project
from lyra_sim.rendering.splat_bands import Bands
from lyra_sim.rendering.splat_depth_kernels import depth_slopes, median_depth
from lyra_sim.rendering.splat_kernels import BAND_ROWS

BLOCK = 0.5
"""Splats are left out of a view by cubes of this edge [frame units]. Convention."""
REACH_SIGMAS = 3.4
"""A splat is drawn at most this many standard deviations from its mean: alpha 1/255 at full opacity. Derived."""
AS_WIDE_AS = 640
"""A smaller image samples what a camera of at least this width [px] sees. Rasterisers widen every splat by half a pixel, and
in a small image near floor would spread over the far floor behind it. Tuned, unrecorded."""
VIEW_MARGIN = 1.2
"""Cubes are kept within this many times the image's slopes, so that the projection's linearisation loses nothing. Derived."""


class SplatDepth:
    """Splats sorted into cubes once, then looked at many times without touching those out of view."""

    def __init__(self, splats: Splats) -> None:
        cells = np.floor(splats.means / BLOCK).astype(np.int64)
        order = np.lexsort((cells[:, 2], cells[:, 1], cells[:, 0])) if len(cells) else np.zeros(0, np.int64)
        self._means, self._quats = splats.means[order], splats.quats_wxyz[order]
        self._scales, self._opacities = splats.scales[order], splats.opacities[order]
        cells = cells[order]
        changes = np.flatnonzero((np.diff(cells, axis=0) != 0).any(axis=1)) + 1 if len(cells) else np.zeros(0, np.int64)
        self._starts = np.concatenate([np.zeros(min(len(cells), 1), np.int64), changes])
        self._counts = np.diff(np.append(self._starts, len(cells)))
        if len(cells):
            reach = REACH_SIGMAS * self._scales.max(axis=1)
            low = np.minimum.reduceat(self._means - reach[:, None], self._starts)
            high = np.maximum.reduceat(self._means + reach[:, None], self._starts)
            self._middles = ((low + high) / 2).astype(np.float64)
            self._radii = np.linalg.norm(high - low, axis=1).astype(np.float64) / 2
        else:
            self._middles, self._radii = np.zeros((0, 3)), np.zeros(0)

    def view(self, cameras: CameraPath, index: int, *, near: float = 0.05) -> Float32[np.ndarray, "h w"]:
        """Median z-depth through every pixel centre of one camera; NaN where splats block less than half of the light."""
        K, w2c, width, height = cameras.K[index], cameras.w2c[index], cameras.width, cameras.height
        ids = self._ids(self._in_view(w2c, K, width, height))
        finer = max(1, -(-AS_WIDE_AS // width))
        means, quats, scales = self._means[ids], self._quats[ids], self._scales[ids]
        fx, fy, cx, cy = (finer * value for value in _pinhole(K))
        wide, high = finer * width, finer * height
        centres_px, conics, z_depth = project(means, quats, scales, w2c, fx, fy, cx, cy, wide, high, near)
        slopes = depth_slopes(means, quats, scales, conics, w2c, fx, fy, cx, cy, wide, high) * np.float32(finer)
        centres_px, conics = centres_px / np.float32(finer), conics * np.float32(finer**2)
        bands = Bands.sort(centres_px, conics, np.ascontiguousarray(self._opacities[ids]), z_depth, width, height)
        depths, slopes = z_depth[bands.order], slopes[bands.order]
        return median_depth(bands.ellipses, bands.rows, depths, slopes, bands.offsets, bands.ranks, BAND_ROWS, width, height)

    def _in_view(
        self, w2c: Float64[np.ndarray, "4 4"], K: Float64[np.ndarray, "3 3"], width: int, height: int
    ) -> Bool[np.ndarray, "b"]:
        """Cubes whose ball reaches into the camera's pyramid."""
        camera = self._middles @ w2c[:3, :3].T + w2c[:3, 3]
        fx, fy, cx, cy = _pinhole(K)
        kept = camera[:, 2] + self._radii > 0
        for axis, slope in ((0, max(cx, width - cx) / fx), (1, max(cy, height - cy) / fy)):
            slope *= VIEW_MARGIN
            gap = (np.abs(camera[:, axis]) - slope * camera[:, 2]) / np.hypot(1.0, slope)
            kept &= gap <= self._radii
        return kept

    def _ids(self, kept: Bool[np.ndarray, "b"]) -> Int64[np.ndarray, "k"]:
        """Rows of all splats in the cubes kept, rising."""
        starts, counts = self._starts[kept], self._counts[kept]
        before = np.cumsum(counts) - counts
        return np.repeat(starts - before, counts) + np.arange(counts.sum())


def _pinhole(K: Float64[np.ndarray, "3 3"]) -> tuple[float, float, float, float]:
    return float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2])
