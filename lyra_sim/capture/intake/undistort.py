"""Brown-Conrady lens distortion removed once, here; everything after capture is a pinhole."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Shaped
from PIL import Image
from scipy import ndimage

from lyra_sim.data.posed import Lens


@dataclass(frozen=True, kw_only=True)
class Undistortion:
    """A fixed pixel lookup from pinhole pixels to source pixels (Brown 1971; OpenCV's k1, k2, p1, p2)."""

    source_v: Float64[np.ndarray, "h w"]
    """Row in the source image, counted so that the top-left pixel's centre is 0."""
    source_u: Float64[np.ndarray, "h w"]
    valid: Bool[np.ndarray, "h w"]
    """Pinhole pixels whose source lies inside the image."""

    shrink: int
    """The source is box-reduced by this before it is looked up, so that bilinear sampling doesn't alias."""

    @classmethod
    def onto(cls, K: Float64[np.ndarray, "3 3"], lens: Lens, width: int, height: int) -> "Undistortion":
        """From a pinhole of ``width`` x ``height`` with intrinsics ``K`` [px] into images that ``lens`` made.

        Pixels beyond the radius where the lens model folds back on itself aren't valid: its polynomial was never fitted there.
        """
        k1, k2, p1, p2 = lens.distortion
        x, y = np.meshgrid((np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])
        r2 = x * x + y * y
        radial = 1 + k1 * r2 + k2 * r2 * r2
        xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        u, v = xd * lens.K[0, 0] + lens.K[0, 2], yd * lens.K[1, 1] + lens.K[1, 2]
        inside = (u >= 0.5) & (v >= 0.5) & (u <= lens.width - 0.5) & (v <= lens.height - 0.5)
        shrink = max(1, int(min(lens.K[0, 0] / K[0, 0], lens.K[1, 1] / K[1, 1])))
        return cls(
            source_v=v / shrink - 0.5,
            source_u=u / shrink - 0.5,
            valid=inside & (r2 < _fold(float(k1), float(k2))),
            shrink=shrink,
        )

    def colour(self, rgb: Shaped[np.ndarray, "sh sw 3"]) -> Shaped[np.ndarray, "h w 3"]:
        """Bilinear; black outside."""
        if self.shrink > 1:
            rgb = np.asarray(Image.fromarray(rgb).reduce(self.shrink))
        at = np.stack([self.source_v, self.source_u])
        channels = [ndimage.map_coordinates(rgb[..., c].astype(np.float32), at, order=1, mode="nearest") for c in range(3)]
        out = np.clip(np.stack(channels, axis=-1) + 0.5, 0, 255).astype(np.uint8)
        out[~self.valid] = 0
        return out

    def kept(self, mask: Bool[np.ndarray, "sh sw"]) -> Bool[np.ndarray, "h w"]:
        """Pinhole pixels that nothing masked went into; False outside, too."""
        whole = Image.fromarray(mask.astype(np.uint8) * 255)
        small = np.asarray(whole.reduce(self.shrink) if self.shrink > 1 else whole) == 255
        at = np.stack([self.source_v, self.source_u])
        lost = ndimage.map_coordinates((~small).astype(np.float32), at, order=1, mode="nearest")
        return self.valid & (lost < 1e-3)

    def depth_counts(self, counts: Shaped[np.ndarray, "sh sw"]) -> Shaped[np.ndarray, "h w"]:
        """Nearest, because depth must not be mixed across an edge; z-depth itself doesn't change along a ray."""
        v, u = np.rint(self.source_v).astype(int), np.rint(self.source_u).astype(int)
        out = counts[np.clip(v, 0, counts.shape[0] - 1), np.clip(u, 0, counts.shape[1] - 1)].copy()
        out[~self.valid] = 0
        return out


def _fold(k1: float, k2: float) -> float:
    """Square of the radius [focal lengths] where r (1 + k1 r² + k2 r⁴) first stops growing; infinite where it never does.

    Further out the polynomial may grow again: it then shows what lies nearer to the middle a second time.
    """
    inner = 9 * k1 * k1 - 20 * k2
    if inner < 0:
        return np.inf
    below = -3 * k1 + np.sqrt(inner)  # the smaller root of 1 + 3 k1 x + 5 k2 x², written so that k2 may be zero
    return 2 / below if below > 0 else np.inf
