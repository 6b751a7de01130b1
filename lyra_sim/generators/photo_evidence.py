"""What the photos measured, so that nothing drawn is ever put where they looked, and so that drawn depth keeps their scale."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from lyra_sim.data.video import INVENTED, KNOWN, NEW
from lyra_sim.depth.providers.chunk import Motion
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.geometry.cameras import CameraPath, unproject
from lyra_sim.rendering.surface_warp import warp_surface

LONGER_SIDE = 160
"""Depth images are kept this large at most [px]: enough to tell looked-at from hidden, and small for thousands of photos.
Convention."""
TOLERANCE = 0.05
"""A point this fraction behind a measured surface is still that surface. Tuned, unrecorded."""
LEAST_OVERLAP = 0.005
"""Share of a frame's pixels that must be known for its depth to be tied to them. Tuned, unrecorded."""


INDEPENDENT = 16
"""Depth errs by regions, not by pixels: a whole frame in common counts as this many independent comparisons.
Tuned, unrecorded."""
SIGMA_OF_MAD = 1.4826
"""Standard deviation of a normal distribution per median absolute deviation. Derived."""
PIXEL = 1 / 400
"""Where a network sees a camera can't be better than what a pixel shows: one at f = 400 px is this fraction of the depth.
Derived."""
LEAST_BASELINE = 0.025
"""Root mean square way of the commanded cameras from their middle, as a fraction of the depth, from which on they tell a
scale: ten times ``PIXEL``, where a camera off by a pixel changes the factor by a tenth. Derived."""
SAME_MOTION = 0.3
"""Root mean square distance of the cameras seen from those commanded, over the way of these, from which on it isn't the same
motion, and no factor between the two means anything. Tuned, unrecorded."""
LEAST_SIGMA = 1e-3
"""No factor is trusted to be better than this fraction, whatever its samples say of each other. Convention."""
CONFLICT = 3.0
"""Standard deviations of their difference by which two factors contradict each other. Convention."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One way to find what drawn depth has to be multiplied by."""

    scale: float
    sigma: float
    """Standard error, as a fraction of it."""
    residual: float
    """What is left, as a fraction: median |drawn - known| / known of depth, root mean square distance over way of cameras."""


@dataclass(frozen=True, kw_only=True)
class Tie:
    """How the depth of drawn frames fits the depth of known ones, over their common pixels, and their commanded cameras."""

    scale: float
    """What drawn depth was multiplied by; 1 where nothing tells it, and where it claims to be in scale."""
    residual: float
    """Median of |drawn - known| / known after it; NaN where nothing overlaps."""
    overlap: float
    """Share of pixels with known depth, 0..1; of frames that have any depth."""
    by_depth: Factor | None = None
    """From common pixels; None where too few are, and where depth claims to be in scale."""
    by_cameras: Factor | None = None
    """From commanded and seen cameras; None without them, and where the way between them is too short against the depth."""
    conflict: bool = False
    """The two contradict each other, or cameras weren't seen to move as they were commanded to. Depth rules then."""


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
        from lyra_sim.generators.photo_evidence_kernels import measured

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


def known_depth(cameras: CameraPath, known: Iterable[KnownFrame]) -> Float32[np.ndarray, "n h w"]:
    """What the cameras see of known frames, nearest surface first; NaN where nothing."""
    nearest = np.full((len(cameras), cameras.height, cameras.width), np.inf, np.float32)
    for frame in known:
        warped = warp_surface(frame.z_depth, frame.K, frame.c2w, cameras).z_depth
        nearest = np.fmin(nearest, np.where(np.isnan(warped), np.float32(np.inf), warped))
    return np.where(np.isinf(nearest), np.float32(np.nan), nearest)


def tie_depth(
    z_depths: Float32[np.ndarray, "n h w"],
    cameras: CameraPath,
    known: Iterable[KnownFrame],
    *,
    in_scale: bool = False,
    motion: Motion | None = None,
) -> Tie:
    """The one scale that brings drawn depth to what is known; 1 if it is ``in_scale``.

    Common pixels tell it as a median ratio, which is exact where most of the overlap is right, however wrong the rest. Cameras
    tell it where a depth provider saw them for itself. Both count by the inverse of their variance; where they contradict each
    other, depth rules: it is what the next frames are drawn from.

    Args:
        z_depths: Drawn.
        cameras: Of the drawn frames.
        known: Known frames that show the same places.
        in_scale: Drawn depth claims to need no factor; then it is judged, not changed.
        motion: Cameras as commanded and as seen, of these frames or of others of the same chunk.
    """
    nearest = known_depth(cameras, known)
    common = np.isfinite(nearest) & np.isfinite(z_depths)
    overlap = float(common.mean())
    enough = overlap >= LEAST_OVERLAP
    drawn, there = z_depths[common].astype(np.float64), nearest[common].astype(np.float64)
    by_depth = by_cameras = None
    moved_otherwise = False
    if not in_scale:
        if enough:
            by_depth = _factor_of_depth(drawn, there, frames=overlap * len(z_depths))
        if motion is not None:
            own = z_depths[np.isfinite(z_depths)]
            by_cameras = factor_of_cameras(
                motion,
                z_seen=float(np.median(own)) if len(own) else float("nan"),
                z_known=float(np.median(there)) if enough else None,
            )
            moved_otherwise = by_cameras is not None and by_cameras.residual > SAME_MOTION
    usable = None if moved_otherwise else by_cameras
    scale, apart = _combined(by_depth, usable)
    residual = float(np.median(np.abs(scale * drawn - there) / there)) if enough else float("nan")
    return Tie(
        scale=scale,
        residual=residual,
        overlap=overlap,
        by_depth=by_depth,
        by_cameras=by_cameras,
        conflict=apart or moved_otherwise,
    )


def factor_of_cameras(motion: Motion, *, z_seen: float, z_known: float | None) -> Factor | None:
    """The scale of the similarity that takes the camera centres seen to those commanded (Umeyama 1991).

    Unlike the whole similarity its scale is determined on a straight way too. None where the way is too short against the
    depth: what is seen then is noise.

    Args:
        motion: Of at least three cameras.
        z_seen: Median depth, in the units of the cameras seen.
        z_known: The same in the units of those commanded, where it is known.
    """
    a, b = motion.commanded.centres, motion.seen.centres
    if len(a) < 3:
        return None
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    way, seen_way = float((a**2).sum()), float((b**2).sum())
    if way == 0 or seen_way == 0:
        return None
    u, spread, vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float(spread @ sign) / seen_way
    if scale <= 0:
        return None
    depth = scale * z_seen if z_known is None else z_known
    if not np.sqrt(way / len(a)) >= LEAST_BASELINE * depth:
        return None
    left = float(((a - scale * b @ (u @ np.diag(sign) @ vt).T) ** 2).sum())
    scatter = np.sqrt(left / (3 * len(a) - 7) / way)  # seven numbers were fitted
    sigma = np.hypot(scatter, PIXEL * depth / np.sqrt(way))
    return Factor(scale=scale, sigma=max(float(sigma), LEAST_SIGMA), residual=float(np.sqrt(left / way)))


def _factor_of_depth(drawn: Float64[np.ndarray, "m"], there: Float64[np.ndarray, "m"], *, frames: float) -> Factor:
    """The median ratio over common pixels, as many as make up this number of whole frames."""
    ratios = there / drawn
    scale = float(np.median(ratios))
    spread = SIGMA_OF_MAD * float(np.median(np.abs(np.log(ratios / scale))))
    sigma = spread / np.sqrt(max(1.0, INDEPENDENT * frames))
    residual = float(np.median(np.abs(scale * drawn - there) / there))
    return Factor(scale=scale, sigma=max(float(sigma), LEAST_SIGMA), residual=residual)


def _combined(by_depth: Factor | None, by_cameras: Factor | None) -> tuple[float, bool]:
    """The scale, and whether the two contradict each other."""
    if by_depth is None or by_cameras is None:
        only = by_depth or by_cameras
        return (1.0, False) if only is None else (only.scale, False)
    logs = np.log([by_depth.scale, by_cameras.scale])
    variances = np.square([by_depth.sigma, by_cameras.sigma])
    if abs(logs[0] - logs[1]) > CONFLICT * np.sqrt(variances.sum()):
        return by_depth.scale, True
    return float(np.exp(np.average(logs, weights=1 / variances))), False
