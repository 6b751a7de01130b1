"""Compiled loop of the median splat depth: front to back, the splat that takes a pixel's light below one half closes it."""

import math

import numpy as np
from numba import njit, prange

from lyra_sim.rendering.projection_kernels import camera_axes, camera_mean, slope_limits, unit

MAX_ALPHA = 0.99
"""As in the rasteriser. Convention."""
HALF = 0.5
"""A median lies where half the light is gone. Derived."""


@njit(parallel=True, cache=True)
def depth_slopes(means, quats_wxyz, scales, conics, w2c, fx, fy, cx, cy, width, height):
    """By how much a splat lies deeper per pixel to the right and down (n, 2): the mean of z given the place in the image.

    A Gaussian is densest along a pixel's ray where this says (its covariance of z and place, by the conic); a flat splat
    lies on its own plane there (Zhang et al. 2024 use the same for training).

    Args:
        means, scales: In the world [frame units] (n, 3).
        quats_wxyz: world_from_gaussian (n, 4), of any length but zero.
        conics: Inverse 2D covariances as xx, xy, yy (n, 3).
        w2c: (4, 4).
        fx, fy, cx, cy: Intrinsics [px].
        width, height: Of the image [px].
    """
    slopes = np.zeros((means.shape[0], 2), np.float32)
    left, right, top, bottom = slope_limits(fx, fy, cx, cy, width, height)
    for g in prange(means.shape[0]):
        if not conics[g, 0] > 0:
            continue
        x, y, z = camera_mean(w2c, means, g)
        slope_x, slope_y = min(max(x, left), right), min(max(y, top), bottom)
        qw, qx, qy, qz, _ = unit(quats_wxyz, g)
        axes = camera_axes(w2c, qw, qx, qy, qz)
        zu, zv = 0.0, 0.0
        for k in range(3):
            axis, square = axes[k], np.float64(scales[g, k]) ** 2
            zu += fx / z * (axis[0] - slope_x * axis[2]) * axis[2] * square
            zv += fy / z * (axis[1] - slope_y * axis[2]) * axis[2] * square
        slopes[g, 0] = zu * conics[g, 0] + zv * conics[g, 1]
        slopes[g, 1] = zu * conics[g, 1] + zv * conics[g, 2]
    return slopes


@njit(parallel=True, cache=True)
def median_depth(ellipses, rows, z_depth, slopes, offsets, ranks, band_rows, width, height):
    """Z-depth (h, w) of the splat at which the light that passes falls below one half; NaN where it never does.

    Args:
        ellipses: By rank, as ``splat_order_kernels.pack_ellipses`` writes them.
        rows: By rank: first and last+1 image row.
        z_depth: Of the means, by rank.
        slopes: By rank, as ``depth_slopes`` gives them.
        offsets: Of each band's part of ``ranks``; one more than bands.
        ranks: Of the splats in each band, front to back.
        band_rows: Rows of a band.
        width: Of the image [px].
        height: Of the image [px].
    """
    found = np.full((height, width), np.nan, np.float32)
    for band in prange(offsets.size - 1):
        first, last = band * band_rows, min(height, (band + 1) * band_rows)
        light = np.ones((last - first, width), np.float64)
        still_open = (last - first) * width
        for k in range(offsets[band], offsets[band + 1]):
            if still_open == 0:
                break
            rank = ranks[k]
            ellipse = ellipses[rank]
            for y in range(max(first, rows[rank, 0]), min(last, rows[rank, 1])):
                dy = y + 0.5 - ellipse[1]
                square = ellipse[6] - ellipse[7] * dy * dy
                if not square > 0:
                    continue
                middle, half = ellipse[0] - ellipse[2] * dy, math.sqrt(square)
                x_first = int(min(max(middle - half + 0.5, 0.0), float(width)))
                x_last = int(min(max(middle + half + 0.5, 0.0), float(width)))
                for x in range(x_first, x_last):
                    t = light[y - first, x]
                    if t < HALF:
                        continue
                    u = x + 0.5 - middle
                    alpha = min(MAX_ALPHA, ellipse[5] * 2.0 ** (ellipse[3] * u * u + ellipse[4] * dy * dy))
                    t *= 1.0 - alpha
                    light[y - first, x] = t
                    if t < HALF:
                        across = x + 0.5 - ellipse[0]
                        found[y, x] = z_depth[rank] + slopes[rank, 0] * across + slopes[rank, 1] * dy
                        still_open -= 1
    return found
