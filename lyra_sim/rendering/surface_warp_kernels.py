"""Compiled loops of the surface warp: a depth image as a sheet of small triangles, drawn into other cameras."""

import numpy as np
from numba import njit, prange

INCLUSIVE_PX = 1e-4
"""A pixel centre this far outside an edge still belongs to the triangle: sheets keep their outermost row when nothing moves.
Convention."""


@njit(cache=True)
def _project(z_depth, K, target_from_source, K_target, near, u, v, z):
    height, width = z_depth.shape
    m = target_from_source
    for row in range(height):
        for column in range(width):
            depth = np.float64(z_depth[row, column])
            at = row * width + column
            z[at] = -1.0
            if not depth > 0:
                continue
            x = (column + 0.5 - K[0, 2]) / K[0, 0] * depth
            y = (row + 0.5 - K[1, 2]) / K[1, 1] * depth
            along = m[2, 0] * x + m[2, 1] * y + m[2, 2] * depth + m[2, 3]
            if along <= near * depth:
                continue
            z[at] = along
            u[at] = K_target[0, 0] * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * depth + m[0, 3]) / along + K_target[0, 2]
            v[at] = K_target[1, 1] * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * depth + m[1, 3]) / along + K_target[1, 2]


@njit(cache=True)
def _draw(a, b, c, width, u, v, z, nearest, source):
    """One triangle of three neighbouring source pixels (flat indices), if it faces the target camera."""
    area = (u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a])
    if area <= 0:
        return
    rows, columns = nearest.shape
    first_x = max(0, int(np.ceil(min(u[a], u[b], u[c]) - 0.5 - INCLUSIVE_PX)))
    last_x = min(columns - 1, int(np.floor(max(u[a], u[b], u[c]) - 0.5 + INCLUSIVE_PX)))
    first_y = max(0, int(np.ceil(min(v[a], v[b], v[c]) - 0.5 - INCLUSIVE_PX)))
    last_y = min(rows - 1, int(np.floor(max(v[a], v[b], v[c]) - 0.5 + INCLUSIVE_PX)))
    if first_x > last_x or first_y > last_y:
        return
    inverse_a, inverse_b, inverse_c = 1.0 / z[a], 1.0 / z[b], 1.0 / z[c]
    slack = -INCLUSIVE_PX * np.sqrt(area)
    for y in range(first_y, last_y + 1):
        for x in range(first_x, last_x + 1):
            px, py = x + 0.5, y + 0.5
            wa = (u[b] - px) * (v[c] - py) - (u[c] - px) * (v[b] - py)
            wb = (u[c] - px) * (v[a] - py) - (u[a] - px) * (v[c] - py)
            wc = area - wa - wb
            if wa < slack or wb < slack or wc < slack:
                continue
            ia, ib, ic = wa / area * inverse_a, wb / area * inverse_b, wc / area * inverse_c
            inverse = ia + ib + ic
            depth = np.float32(1.0 / inverse)
            if depth < nearest[y, x]:
                nearest[y, x] = depth
                source[y, x, 0] = (ia * (a % width) + ib * (b % width) + ic * (c % width)) / inverse + 0.5
                source[y, x, 1] = (ia * (a // width) + ib * (b // width) + ic * (c // width)) / inverse + 0.5


@njit(cache=True, parallel=True)
def warp(z_depth, K, targets_from_source, K_targets, rows, columns, max_step, near):
    """z-depth in every target (n, rows, columns), inf where nothing is drawn, and source pixels (n, rows, columns, 2).

    Neighbours whose depths differ by more than ``max_step`` of the nearer are an edge: the sheet is cut there. Targets are
    independent, so the result is the same for any number of threads.

    Args:
        z_depth: (h, w); NaN or ≤ 0: unknown.
        K: Of the source (3, 3).
        targets_from_source: Camera to camera (n, 4, 4).
        K_targets: (n, 3, 3).
        rows, columns: Size of the targets [px].
        max_step: As a fraction of the nearer depth.
        near: Points nearer to a target than this fraction of their own depth are left out.
    """
    count, (height, width) = len(targets_from_source), z_depth.shape
    nearest = np.full((count, rows, columns), np.inf, np.float32)
    source = np.full((count, rows, columns, 2), np.nan, np.float32)
    for n in prange(count):
        u, v, z = np.empty(height * width), np.empty(height * width), np.empty(height * width)
        _project(z_depth, K, targets_from_source[n], K_targets[n], near, u, v, z)
        for row in range(height - 1):
            for column in range(width - 1):
                a = row * width + column
                b, c, d = a + 1, a + width, a + width + 1
                za, zb, zc, zd = z_depth[row, column], z_depth[row, column + 1], z_depth[row + 1, column], 0.0
                zd = z_depth[row + 1, column + 1]
                if z[b] <= 0 or z[c] <= 0:
                    continue
                if z[a] > 0 and max(za, zb, zc) <= min(za, zb, zc) * (1 + max_step):
                    _draw(a, b, c, width, u, v, z, nearest[n], source[n])
                if z[d] > 0 and max(zb, zc, zd) <= min(zb, zc, zd) * (1 + max_step):
                    _draw(b, d, c, width, u, v, z, nearest[n], source[n])
    return nearest, source


@njit(cache=True, parallel=True)
def sample_bilinear(image, source):
    """Colours (n, rows, columns, channels) float32 of ``image`` at pixel coordinates; NaN coordinates give 0."""
    count, rows, columns, _ = source.shape
    height, width, channels = image.shape
    out = np.zeros((count, rows, columns, channels), np.float32)
    for job in prange(count * rows):
        n, y = job // rows, job % rows
        for x in range(columns):
            u, v = source[n, y, x, 0], source[n, y, x, 1]
            if not u == u:
                continue
            u, v = min(max(u - 0.5, 0.0), width - 1.0), min(max(v - 0.5, 0.0), height - 1.0)
            left, top = min(int(u), max(width - 2, 0)), min(int(v), max(height - 2, 0))
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            fu, fv = np.float32(u - left), np.float32(v - top)
            for k in range(channels):
                upper = image[top, left, k] * (1 - fu) + image[top, right, k] * fu
                lower = image[bottom, left, k] * (1 - fu) + image[bottom, right, k] * fu
                out[n, y, x, k] = upper * (1 - fv) + lower * fv
    return out
