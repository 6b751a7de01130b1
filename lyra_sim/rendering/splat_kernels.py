"""Compiled loops of the CPU splat rasteriser; ``splat_view`` drives them.

Image rows are grouped in bands, not tiles: within a band each splat visits only the exact span of its ellipse on
each row, so work follows the pixels covered. Bands are independent, which makes the result the same for any
number of threads. A backward pass can walk the same lists front to back with suffix = final - prefix, and needs
nothing kept from here but the returned image and transmittance.
"""

import math

import numpy as np
from numba import njit, prange

BAND_ROWS = 8
MIN_ALPHA = 1.0 / 255.0
"""A splat contributes where its alpha is at least this (Kerbl et al. 2023)."""
MAX_ALPHA = 0.99
MIN_TRANSMITTANCE = 1e-4
LOW_PASS_PX2 = 0.3
"""Added to the diagonal of every projected covariance, so that no splat falls between pixel centres [px^2]."""
CHANNELS = 4
"""Red, green, blue, z-depth."""


@njit(parallel=True, cache=True)
def project(means, quats_wxyz, scales, w2c, fx, fy, cx, cy, width, height, near):
    """Pixel centres (n, 2), conics (n, 3) and z-depth (n,) by EWA projection (Zwicker et al. 2001).

    The conic is the inverse 2D covariance as (xx, xy, yy); z-depth ≤ near marks a splat that isn't drawn.
    """
    n = means.shape[0]
    centres, conics, z_depth = np.zeros((n, 2), np.float32), np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
    left, right = -(0.15 * width + cx) / fx, (1.15 * width - cx) / fx
    top, bottom = -(0.15 * height + cy) / fy, (1.15 * height - cy) / fy
    for g in prange(n):
        m0, m1, m2 = np.float64(means[g, 0]), np.float64(means[g, 1]), np.float64(means[g, 2])
        z = w2c[2, 0] * m0 + w2c[2, 1] * m1 + w2c[2, 2] * m2 + w2c[2, 3]
        if z <= near:
            continue
        x = (w2c[0, 0] * m0 + w2c[0, 1] * m1 + w2c[0, 2] * m2 + w2c[0, 3]) / z
        y = (w2c[1, 0] * m0 + w2c[1, 1] * m1 + w2c[1, 2] * m2 + w2c[1, 3]) / z
        # far outside the image the linearised projection explodes: take its slope at the border (Kerbl et al. 2023)
        tx, ty = min(max(x, left), right), min(max(y, top), bottom)
        qw, qx, qy, qz = quats_wxyz[g, 0], quats_wxyz[g, 1], quats_wxyz[g, 2], quats_wxyz[g, 3]
        s = 2.0 / (qw * qw + qx * qx + qy * qy + qz * qz)
        r00, r01, r02 = 1 - s * (qy * qy + qz * qz), s * (qx * qy - qw * qz), s * (qx * qz + qw * qy)
        r10, r11, r12 = s * (qx * qy + qw * qz), 1 - s * (qx * qx + qz * qz), s * (qy * qz - qw * qx)
        r20, r21, r22 = s * (qx * qz - qw * qy), s * (qy * qz + qw * qx), 1 - s * (qx * qx + qy * qy)
        xx, xy, yy = LOW_PASS_PX2, 0.0, LOW_PASS_PX2
        for k in range(3):
            a0, a1, a2 = (r00, r10, r20) if k == 0 else ((r01, r11, r21) if k == 1 else (r02, r12, r22))
            c0 = w2c[0, 0] * a0 + w2c[0, 1] * a1 + w2c[0, 2] * a2
            c1 = w2c[1, 0] * a0 + w2c[1, 1] * a1 + w2c[1, 2] * a2
            c2 = w2c[2, 0] * a0 + w2c[2, 1] * a1 + w2c[2, 2] * a2
            u = fx / z * (c0 - tx * c2) * scales[g, k]
            v = fy / z * (c1 - ty * c2) * scales[g, k]
            xx, xy, yy = xx + u * u, xy + u * v, yy + v * v
        det = xx * yy - xy * xy
        conics[g, 0], conics[g, 1], conics[g, 2] = yy / det, -xy / det, xx / det
        centres[g, 0], centres[g, 1], z_depth[g] = fx * x + cx, fy * y + cy, z
    return centres, conics, z_depth


@njit(parallel=True, cache=True)
def row_spans(centres, conics, opacities, z_depth, width, height, near):
    """First and last+1 image row of each splat (n, 2); equal where it isn't visible at all."""
    rows = np.zeros((centres.shape[0], 2), np.int32)
    for g in prange(centres.shape[0]):
        if z_depth[g] <= near or opacities[g] <= MIN_ALPHA:
            continue
        a, b, c = np.float64(conics[g, 0]), np.float64(conics[g, 1]), np.float64(conics[g, 2])
        limit, det = 2.0 * math.log(opacities[g] / MIN_ALPHA), a * c - b * b
        if det <= 0:
            continue
        half_width, half_height = math.sqrt(limit * c / det), math.sqrt(limit * a / det)
        if centres[g, 0] + half_width < 0 or centres[g, 0] - half_width > width:
            continue
        first = max(0, math.floor(max(centres[g, 1] - half_height - 0.5, -1.0)))
        last = min(height, math.ceil(min(centres[g, 1] + half_height - 0.5, height + 1.0)) + 1)
        if first < last:
            rows[g, 0], rows[g, 1] = first, last
    return rows


@njit(cache=True)
def bin_bands(order, rows, band_count):
    """For every band the splats that touch it, in ``order``: offsets (bands + 1,) and ids."""
    offsets = np.zeros(band_count + 1, np.int64)
    for g in order:
        for band in range(rows[g, 0] // BAND_ROWS, (rows[g, 1] - 1) // BAND_ROWS + 1):
            offsets[band + 1] += 1
    for band in range(band_count):
        offsets[band + 1] += offsets[band]
    ids, fill = np.empty(offsets[band_count], np.int32), offsets[:-1].copy()
    for g in order:
        for band in range(rows[g, 0] // BAND_ROWS, (rows[g, 1] - 1) // BAND_ROWS + 1):
            ids[fill[band]] = g
            fill[band] += 1
    return offsets, ids


@njit(parallel=True, cache=True)
def blend(centres, conics, opacities, features, rows, offsets, ids, width, height):
    """Front-to-back alpha blending: feature sums (h, w, 4) and remaining transmittance (h, w)."""
    image, transmittance = np.zeros((height, width, CHANNELS), np.float32), np.ones((height, width), np.float32)
    for band in prange(offsets.size - 1):
        first, last = band * BAND_ROWS, min(height, (band + 1) * BAND_ROWS)
        open_pixels = (last - first) * width
        for k in range(offsets[band], offsets[band + 1]):
            if open_pixels == 0:
                break
            g = ids[k]
            cx, cy, opacity = centres[g, 0], centres[g, 1], opacities[g]
            a, b, c = conics[g, 0], conics[g, 1], conics[g, 2]
            f0, f1, f2, f3 = features[g, 0], features[g, 1], features[g, 2], features[g, 3]
            limit = 2.0 * math.log(opacity / MIN_ALPHA)
            for y in range(max(first, rows[g, 0]), min(last, rows[g, 1])):
                dy = np.float32(y + 0.5) - cy
                discriminant = np.float64(b * dy) ** 2 - np.float64(a) * (np.float64(c * dy * dy) - limit)
                if discriminant <= 0:
                    continue
                root = math.sqrt(discriminant)
                x_first = max(0.0, math.ceil(cx + (-b * dy - root) / a - 0.5))
                x_last = min(width - 1.0, math.floor(cx + (-b * dy + root) / a - 0.5))
                for x in range(int(x_first), int(x_last) + 1):
                    t = transmittance[y, x]
                    if t < MIN_TRANSMITTANCE:
                        continue
                    dx = np.float32(x + 0.5) - cx
                    power = np.float32(-0.5) * (a * dx * dx + c * dy * dy) - b * dx * dy
                    alpha = min(opacity * math.exp(power), np.float32(MAX_ALPHA))
                    weight = alpha * t
                    image[y, x, 0] += weight * f0
                    image[y, x, 1] += weight * f1
                    image[y, x, 2] += weight * f2
                    image[y, x, 3] += weight * f3
                    t *= np.float32(1) - alpha
                    transmittance[y, x] = t
                    if t < MIN_TRANSMITTANCE:
                        open_pixels -= 1
    return image, transmittance
