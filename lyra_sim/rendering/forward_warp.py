"""Forward warp: an image carried by its own depth to other cameras, by bilinear splatting with a soft z-buffer.

Every pixel spreads over the four it lands between, weighted by nearness to them and by exp(-50 log(1 + z) / log(1 + max z)),
so that a surface hides what lies a little behind it without a hard edge (softmax splatting: Niklaus & Liu 2020; this
weight: Lyra 2.0, 2026). Pixels at a jump of the depth are left out: theirs is a mix of both sides. It is what the
network was trained on, half-pixel and all: pixel (x, y) is taken to stand at (x, y) in ``K``, at the source and at the target.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.forward_warp_kernels import move_pixels, reliable_depth, splat

SHARPNESS = 50.0
"""Of the soft z-buffer, in e-folds from depth 0 to the largest."""
JUMP_WINDOW, JUMP_RATIO = 5, 0.05
"""A pixel is left out where (max - min) / mean of its window of depths reaches the ratio."""
TARGETS_TOGETHER = 16
"""Target cameras that share one largest depth, in order (Lyra 2.0's configuration)."""


@dataclass(frozen=True, kw_only=True)
class Warped:
    """An image as other cameras would see it."""

    values: Float32[np.ndarray, "n c h w"]
    """``hole`` where nothing arrived."""
    z_depth: Float32[np.ndarray, "n h w"]
    """In the target camera; NaN where nothing arrived."""
    known: Bool[np.ndarray, "n h w"]


def forward_warp(
    values: Float32[np.ndarray, "c hs ws"],
    z_depth: Float32[np.ndarray, "hs ws"],
    source: CameraPath,
    targets: CameraPath,
    *,
    hole: float = -1.0,
    together: int = TARGETS_TOGETHER,
) -> Warped:
    """Carry an image of any channels to every target camera.

    Args:
        values: Channels first, any range.
        z_depth: Of the source, along its optical axis; NaN or ≤ 0: unknown.
        source: Its one camera.
        targets: Of any size.
        hole: Value of pixels where nothing arrives.
        together: Target cameras that share one largest depth.
    """
    if len(source) != 1 or (source.height, source.width) != z_depth.shape:
        raise GeometryError(
            "forward warp",
            f"{len(source)} cameras of {source.width}x{source.height} for depth of {z_depth.shape[1]}x{z_depth.shape[0]}",
            expected="one camera of the depth's size",
        )
    used = reliable_depth(z_depth, JUMP_WINDOW, JUMP_RATIO)
    K_inverse = np.linalg.inv(source.K[0]).astype(np.float32)
    world_from_source, target_from_world = source.c2w[0].astype(np.float32), targets.w2c.astype(np.float32)
    K = targets.K.astype(np.float32)
    n, channels = len(targets), len(values)
    sums = np.zeros((n, channels + 1, targets.height, targets.width))
    weights = np.zeros((n, targets.height, targets.width))
    for first in range(0, n, together):
        chunk = range(first, min(first + together, n))
        moved = np.empty((len(chunk), 3, *z_depth.shape), np.float32)
        pixels = (z_depth, used, K_inverse, world_from_source)
        largest = max(move_pixels(*pixels, target_from_world[i], K[i], moved[i - first]) for i in chunk)
        for i in chunk:
            splat(values, moved[i - first], largest, SHARPNESS, sums[i], weights[i])
    return _normalised(sums, weights, hole)


def _normalised(sums: Float64[np.ndarray, "n c1 h w"], weights: Float64[np.ndarray, "n h w"], hole: float) -> Warped:
    known = weights > 0
    mean = sums / np.where(known, weights, 1.0)[:, None]
    return Warped(
        values=np.where(known[:, None], mean[:, :-1], hole).astype(np.float32),
        z_depth=np.where(known, mean[:, -1], np.nan).astype(np.float32),
        known=known,
    )
