"""What the photos measured, so that nothing drawn is ever put where they looked, and so that drawn depth keeps their scale."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from lyra_sim.data.video import INVENTED, KNOWN, NEW
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.rendering.surface_warp import warp_surface

LONGER_SIDE = 160
"""Depth images are kept this large at most [px]: enough to tell looked-at from hidden, and small for thousands of photos."""
TOLERANCE = 0.05
"""A point this fraction behind a measured surface is still that surface."""
LEAST_OVERLAP = 0.005
"""Share of a frame's pixels that must be known for its depth to be tied to them."""


@dataclass(frozen=True, kw_only=True)
class Tie:
    """How the depth of drawn frames fits the depth of known ones, over their common pixels."""

    scale: float
    """What drawn depth was multiplied by; 1 where nothing overlaps, and where it claims to be in scale."""
    residual: float
    """Median of |drawn - known| / known after it; NaN where nothing overlaps."""
    overlap: float
    """Share of pixels with known depth, 0..1."""


class PhotoEvidence:
    """Small depth images of all photos, to ask whether any of them looked at a place."""

    def __init__(self, photos: Iterable[KnownFrame]) -> None:
        depths, K, w2c = [], [], []
        for photo in photos:
            step = max(1, -(-max(photo.z_depth.shape) // LONGER_SIDE))
            z = photo.z_depth if photo.sky is None else np.where(photo.sky, np.float32(np.inf), photo.z_depth)
            depths.append(z[step // 2 :: step, step // 2 :: step].copy())
            lens = photo.K.copy()
            lens[:2] /= step
            K.append(lens)
            w2c.append(photo.camera.w2c[0])
        height, width = max(z.shape[0] for z in depths), max(z.shape[1] for z in depths)
        self._z_depths = np.full((len(depths), height, width), np.nan, np.float32)
        for row, z in zip(self._z_depths, depths, strict=True):
            row[: z.shape[0], : z.shape[1]] = z
        self._K, self._w2c = np.stack(K), np.stack(w2c)

    def measured(self, points: Float64[np.ndarray, "m 3"]) -> Bool[np.ndarray, "m"]:
        """True where a photo measured the point's surface, or saw through it. Hidden, and outside all photos: False."""
        from lyra_sim.generators.evidence_kernels import measured

        return measured(np.ascontiguousarray(points, np.float64), self._z_depths, self._K, self._w2c, TOLERANCE)

    def origin(
        self, z_depth: Float32[np.ndarray, "n h w"], invented: Bool[np.ndarray, "n h w"], cameras: CameraPath
    ) -> UInt8[np.ndarray, "n h w"]:
        """``KNOWN``, ``INVENTED`` or ``NEW`` for every pixel of drawn frames; without depth a pixel adds nothing."""
        out = np.where(invented, np.uint8(INVENTED), np.uint8(KNOWN))
        asked = invented & np.isfinite(z_depth)
        points = [unproject(z, K, c2w)[where] for z, K, c2w, where in zip(z_depth, cameras.K, cameras.c2w, asked, strict=True)]
        out[asked] = np.where(self.measured(np.concatenate(points)), np.uint8(INVENTED), np.uint8(NEW))
        return out


def tie_depth(
    z_depths: Float32[np.ndarray, "n h w"], cameras: CameraPath, known: Iterable[KnownFrame], *, in_scale: bool = False
) -> Tie:
    """The one scale that brings drawn depth to known geometry, as a median over all common pixels; 1 if it is ``in_scale``.

    Known frames are warped into the drawn cameras, nearest surface first. A median ratio is exact where most of the overlap is
    right, however wrong the rest.
    """
    nearest = np.full(z_depths.shape, np.inf, np.float32)
    for frame in known:
        warped = warp_surface(frame.z_depth, frame.K, frame.c2w, cameras).z_depth
        nearest = np.fmin(nearest, np.where(np.isnan(warped), np.float32(np.inf), warped))
    common = np.isfinite(nearest) & np.isfinite(z_depths)
    overlap = float(common.mean())
    if overlap < LEAST_OVERLAP:
        return Tie(scale=1.0, residual=float("nan"), overlap=overlap)
    drawn, there = z_depths[common].astype(np.float64), nearest[common].astype(np.float64)
    scale = 1.0 if in_scale else float(np.median(there / drawn))
    return Tie(scale=scale, residual=float(np.median(np.abs(scale * drawn - there) / there)), overlap=overlap)
