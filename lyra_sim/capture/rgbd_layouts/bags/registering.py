"""Depth of a camera of its own, seen from the colour camera: every pixel is carried over, the nearest stays."""

import numpy as np
from jaxtyping import Float32, Float64

from lyra_sim.geometry.cameras import pixel_rays

MOST_REACH = 8
"""Pixels of colour that one of depth covers at most, a side; beyond this gaps stay. Convention."""
SAME_SURFACE = 1.03
"""Depths that differ by less are of one surface: a pixel keeps the one that falls into it, or gets their mean, as the nearest
of them would stand in front of what is slanted. Tuned, unrecorded."""


def registered(
    z_depth: Float32[np.ndarray, "dh dw"],
    depth_K: Float64[np.ndarray, "3 3"],
    colour_from_depth: Float64[np.ndarray, "4 4"],
    K: Float64[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> Float32[np.ndarray, "h w"]:
    """z-depth of the colour camera, 0 where nothing is known.

    A pixel covers as many of the colour's as it is wide in them, so that finer colour gets no gaps.

    Args:
        z_depth: [m], 0 or NaN where nothing was measured.
        depth_K: Of its camera [px].
        colour_from_depth: Rigid.
        K: Of colour [px].
        size: Height and width of colour.
    """
    rays = pixel_rays(depth_K, z_depth.shape[1], z_depth.shape[0]).astype(np.float64)
    known = np.isfinite(z_depth) & (z_depth > 0)
    points = (rays[known] * z_depth[known][:, None]) @ colour_from_depth[:3, :3].T + colour_from_depth[:3, 3]
    points = points[points[:, 2] > 1e-3]
    points = points[np.argsort(-points[:, 2], kind="stable")]  # what is written last stays: the nearest
    u = K[0, 0] * points[:, 0] / points[:, 2] + K[0, 2]
    v = K[1, 1] * points[:, 1] / points[:, 2] + K[1, 2]
    z = points[:, 2].astype(np.float32)
    reach = min(int(np.ceil(max(K[0, 0] / depth_K[0, 0], K[1, 1] / depth_K[1, 1]))), MOST_REACH)
    offsets = (np.arange(reach) - (reach - 1) / 2).tolist()
    around = np.stack([_placed(u + across, v + down, z, size) for down in offsets for across in offsets])
    nearest = around.min(axis=0)
    same = np.isfinite(around) & (around <= SAME_SURFACE * nearest)
    mean = np.where(same, around, 0).sum(axis=0) / np.maximum(same.sum(axis=0), 1)
    own = _placed(u, v, z, size)
    return np.where(np.isfinite(own) & (own <= SAME_SURFACE * nearest), own, mean).astype(np.float32)


def _placed(
    u: Float64[np.ndarray, "n"], v: Float64[np.ndarray, "n"], z: Float32[np.ndarray, "n"], size: tuple[int, int]
) -> Float32[np.ndarray, "h w"]:
    """Depth in the pixel that each point lies in, the last of them where several do; infinite elsewhere."""
    inside = (u >= 0) & (u < size[1]) & (v >= 0) & (v < size[0])
    placed = np.full(size, np.inf, np.float32)
    placed[v[inside].astype(np.int64), u[inside].astype(np.int64)] = z[inside]
    return placed
