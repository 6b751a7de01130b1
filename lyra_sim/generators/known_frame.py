"""A frame the memory holds: an image with its own depth and camera, never fused with another."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from lyra_sim.geometry.cameras import CameraPath


@dataclass(frozen=True, kw_only=True)
class KnownFrame:
    """One retrievable frame, in the capture frame and its units."""

    id: int
    """Index of the video frame, from 0. Photos count down from -1, in the order of ``Capture.used``."""
    rgb: UInt8[np.ndarray, "h w 3"]
    z_depth: Float32[np.ndarray, "h w"]
    """Along the optical axis; NaN where nothing is known."""
    invented: Bool[np.ndarray, "h w"] | None
    """Pixels that were drawn, not measured; None: a photo."""
    shown: Bool[np.ndarray, "h w"] | None = None
    """Pixels whose colour is the standing scene's: not beyond the lens, not of something that moved; None: all."""
    sky: Bool[np.ndarray, "h w"] | None = None
    """Pixels that look into the sky: air as far as one sees; None: none."""
    K: Float64[np.ndarray, "3 3"]
    """[px]; the centre of the top-left pixel is (0.5, 0.5)."""
    c2w: Float64[np.ndarray, "4 4"]

    def where_shown(self, z_depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        """The depth, NaN where the image's colour isn't the scene's."""
        return z_depth if self.shown is None else np.where(self.shown, z_depth, np.float32(np.nan))

    @property
    def made_up(self) -> Float32[np.ndarray, "h w"]:
        """Depth of the pixels that were drawn, NaN elsewhere; a photo has none."""
        drawn = np.zeros(self.z_depth.shape, bool) if self.invented is None else self.invented
        return np.where(drawn, self.z_depth, np.float32(np.nan))

    @property
    def camera(self) -> CameraPath:
        """Its camera alone."""
        height, width = self.z_depth.shape
        return CameraPath(c2w=self.c2w[None], K=self.K[None], width=width, height=height)
