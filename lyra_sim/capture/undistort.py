"""Brown-Conrady lens distortion removed once, here; everything after capture is a pinhole."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Shaped
from scipy import ndimage


@dataclass(frozen=True, kw_only=True)
class Undistortion:
    """A fixed pixel lookup from pinhole pixels to source pixels (Brown 1971; OpenCV's k1, k2, p1, p2)."""

    source_v: Float64[np.ndarray, "h w"]
    """Row in the source image, counted so that the top-left pixel's centre is 0."""
    source_u: Float64[np.ndarray, "h w"]
    valid: Bool[np.ndarray, "h w"]
    """Pinhole pixels whose source lies inside the image."""

    @classmethod
    def of(cls, K: Float64[np.ndarray, "3 3"], distortion: Float64[np.ndarray, "4"], width: int, height: int) -> "Undistortion":
        """The pinhole keeps the source's intrinsics, so straight-line geometry needs no new numbers."""
        k1, k2, p1, p2 = distortion
        x, y = np.meshgrid((np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])
        r2 = x * x + y * y
        radial = 1 + k1 * r2 + k2 * r2 * r2
        xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        u, v = xd * K[0, 0] + K[0, 2] - 0.5, yd * K[1, 1] + K[1, 2] - 0.5
        valid = (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)
        return cls(source_v=v, source_u=u, valid=valid)

    def colour(self, rgb: Shaped[np.ndarray, "h w 3"]) -> Shaped[np.ndarray, "h w 3"]:
        """Bilinear; black outside."""
        at = np.stack([self.source_v, self.source_u])
        channels = [ndimage.map_coordinates(rgb[..., c].astype(np.float32), at, order=1, mode="nearest") for c in range(3)]
        out = np.clip(np.stack(channels, axis=-1) + 0.5, 0, 255).astype(np.uint8)
        out[~self.valid] = 0
        return out

    def depth_counts(self, counts: Shaped[np.ndarray, "h w"]) -> Shaped[np.ndarray, "h w"]:
        """Nearest, because depth must not be mixed across an edge; z-depth itself doesn't change along a ray."""
        v, u = np.rint(self.source_v).astype(int), np.rint(self.source_u).astype(int)
        out = counts[np.clip(v, 0, counts.shape[0] - 1), np.clip(u, 0, counts.shape[1] - 1)].copy()
        out[~self.valid] = 0
        return out
