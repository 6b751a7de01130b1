"""Compiled loops that put several warped images together, pixel by pixel."""

import numpy as np
from numba import njit, prange

ANGLE_UNIT = 0.17
"""Seen from this much further round, a sample counts as much worse as one taken from twice as far away [rad].
Tuned, unrecorded."""
LEAST_PENALTY = 0.02
"""Penalty of a sample at its own place: keeps its weight finite. Tuned, unrecorded."""
SHARPNESS = 4.0
"""Power of the penalty: the best view rules, and hands over smoothly where another becomes better. Tuned, unrecorded."""
LAYER = 0.03
"""Samples within this fraction behind the nearest are the same surface. Tuned, unrecorded."""
LEAST_LAYER_WEIGHT = 0.05
"""A layer whose samples weigh less than this share of the strongest one's is a stray. Tuned, unrecorded."""


@njit(cache=True, parallel=True)
def weigh(z_depth, source_px, K, source_centres, width, height, feather):
    """Trust in every warped sample, 0 where there is none (Buehler et al. 2001, "Unstructured lumigraph rendering").

    A sample is worth most where the source looked along the same ray from no further away, and least at its image's border.

    Args:
        z_depth: (n, h, w) in the targets, NaN where nothing is drawn.
        source_px: (n, h, w, 2).
        K: (n, 3, 3) of the targets.
        source_centres: (n, 3) camera centre of the source in every target's camera frame.
        width, height: Of the source image [px].
        feather: Width of the border along which trust fades [px].
    """
    count, rows, columns = z_depth.shape
    out = np.zeros((count, rows, columns), np.float32)
    for job in prange(count * rows):
        n, y = job // rows, job % rows
        for x in range(columns):
            z = np.float64(z_depth[n, y, x])
            if not z > 0:
                continue
            px, py = (x + 0.5 - K[n, 0, 2]) / K[n, 0, 0] * z, (y + 0.5 - K[n, 1, 2]) / K[n, 1, 1] * z
            qx, qy, qz = px - source_centres[n, 0], py - source_centres[n, 1], z - source_centres[n, 2]
            here, there = np.sqrt(px * px + py * py + z * z), np.sqrt(qx * qx + qy * qy + qz * qz)
            dx, dy, dz = px / here - qx / there, py / here - qy / there, z / here - qz / there
            penalty = np.sqrt(dx * dx + dy * dy + dz * dz) / ANGLE_UNIT + max(0.0, np.log2(there / here))
            u, v = source_px[n, y, x, 0], source_px[n, y, x, 1]
            border = min(min(u, width - u), min(v, height - v))
            fade = min(1.0, max(border, 0.5) / feather)
            out[n, y, x] = fade / (LEAST_PENALTY + penalty) ** SHARPNESS
    return out


@njit(cache=True)
def _layer_weight(z_depths, weights, n, y, x, front):
    """Weight of all samples of a pixel that lie on the surface that begins at ``front``."""
    total = np.float32(0)
    for s in range(len(weights)):
        ratio = z_depths[s, n, y, x] / front
        if weights[s, n, y, x] > 0 and ratio >= 1 and ratio <= 1 + LAYER:
            total += weights[s, n, y, x]
    return total


@njit(cache=True, parallel=True)
def blend_layers(z_depths, colours, weights):
    """The nearest surface that samples (s, n, h, w) agree on: colour (n, h, w, 3), z-depth (n, h, w), summed weight (n, h, w).

    Where there is none, depth is NaN and the weight 0.
    """
    samples, count, rows, columns = z_depths.shape
    rgb = np.zeros((count, rows, columns, 3), np.float32)
    z_depth = np.full((count, rows, columns), np.nan, np.float32)
    weight = np.zeros((count, rows, columns), np.float32)
    for job in prange(count * rows):
        n, y = job // rows, job % rows
        for x in range(columns):
            strongest, front = np.float32(0), np.float32(-1)
            for s in range(samples):
                if weights[s, n, y, x] > 0:
                    strongest = max(strongest, _layer_weight(z_depths, weights, n, y, x, z_depths[s, n, y, x]))
            if strongest == 0:
                continue
            for s in range(samples):
                z = z_depths[s, n, y, x]
                if weights[s, n, y, x] > 0 and (front < 0 or z < front):
                    if _layer_weight(z_depths, weights, n, y, x, z) >= LEAST_LAYER_WEIGHT * strongest:
                        front = z
            total, depth = np.float32(0), np.float32(0)
            for s in range(samples):
                ratio, w = z_depths[s, n, y, x] / front, weights[s, n, y, x]
                if w > 0 and ratio >= 1 and ratio <= 1 + LAYER:
                    total += w
                    depth += w * z_depths[s, n, y, x]
                    for k in range(3):
                        rgb[n, y, x, k] += w * colours[s, n, y, x, k]
            z_depth[n, y, x], weight[n, y, x] = depth / total, total
            for k in range(3):
                rgb[n, y, x, k] /= total
    return rgb, z_depth, weight
