"""Compiled loops of the forward warp: where pixels go, and what arrives."""

import math

import numpy as np
from numba import njit


@njit(cache=True)
def reliable_depth(z_depth, window, most):
    """Pixels whose surroundings are one surface: (max - min) / mean of the window stays below ``most``.

    The mean divides by the whole window even where it hangs over the border, as the published pooling does, which asks
    more of border pixels. A window with an unknown pixel isn't one surface.
    """
    height, width = z_depth.shape
    half, kept = window // 2, np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            low, high, total = np.inf, -np.inf, 0.0
            for yy in range(max(0, y - half), min(height, y + half + 1)):
                for xx in range(max(0, x - half), min(width, x + half + 1)):
                    z = np.float64(z_depth[yy, xx])
                    if z > 0.0 and z < np.inf:
                        low, high, total = min(low, z), max(high, z), total + z
                    else:
                        high = np.inf
            kept[y, x] = high < np.inf and (high - low) / (total / (window * window) + 1e-6) < most
    return kept


@njit(cache=True)
def move_pixels(z_depth, used, K_inverse, world_from_source, target_from_world, K, out):
    """Column + 1, row + 1 and depth of every used source pixel in a target, NaN for the others; returns the largest depth.

    All in float32 and in this order of steps, the way over the displacement and the one for a border included: a pixel that
    keeps its row, as all do when a camera slides sideways, lands on that row or, a rounding away, on two.
    """
    height, width = z_depth.shape
    zero, one, tiny = np.float32(0), np.float32(1), np.float32(1e-7)
    largest = zero
    for y in range(height):
        for x in range(width):
            if not used[y, x]:
                out[0, y, x] = out[1, y, x] = out[2, y, x] = np.nan
                continue
            d, u, v = z_depth[y, x], np.float32(x), np.float32(y)
            a = d * (K_inverse[0, 0] * u + K_inverse[0, 1] * v + K_inverse[0, 2])
            b = d * (K_inverse[1, 0] * u + K_inverse[1, 1] * v + K_inverse[1, 2])
            c = d * (K_inverse[2, 0] * u + K_inverse[2, 1] * v + K_inverse[2, 2])
            m = world_from_source
            wx = m[0, 0] * a + m[0, 1] * b + m[0, 2] * c + m[0, 3]
            wy = m[1, 0] * a + m[1, 1] * b + m[1, 2] * c + m[1, 3]
            wz = m[2, 0] * a + m[2, 1] * b + m[2, 2] * c + m[2, 3]
            m = target_from_world
            a = m[0, 0] * wx + m[0, 1] * wy + m[0, 2] * wz + m[0, 3]
            b = m[1, 0] * wx + m[1, 1] * wy + m[1, 2] * wz + m[1, 3]
            c = m[2, 0] * wx + m[2, 1] * wy + m[2, 2] * wz + m[2, 3]
            px = K[0, 0] * a + K[0, 1] * b + K[0, 2] * c
            py = K[1, 0] * a + K[1, 1] * b + K[1, 2] * c
            pz = K[2, 0] * a + K[2, 1] * b + K[2, 2] * c
            out[0, y, x] = ((px / (pz + tiny) - u) + u) + one
            out[1, y, x] = ((py / (pz + tiny) - v) + v) + one
            out[2, y, x] = pz
            largest = max(largest, pz)
    return largest


@njit(cache=True)
def splat(values, moved, largest, sharpness, sums, weights):
    """Add every pixel's values (and its depth, last) to the up to four pixels it lands between, nearer ones far heavier.

    A pixel that lands on a whole column or row counts twice there, as in the published splatting, whose two neighbours
    (floor and ceiling) are then the same.
    """
    channels, height, width = values.shape
    rows, columns = weights.shape
    scale = sharpness / (math.log1p(largest) + 1e-7)
    for y in range(height):
        for x in range(width):
            u, v, z = np.float64(moved[0, y, x]) - 1.0, np.float64(moved[1, y, x]) - 1.0, np.float64(moved[2, y, x])
            if not z > 0.0 or not (u > -1.0 and u < columns and v > -1.0 and v < rows):
                continue
            nearness = math.exp(-scale * math.log1p(z))
            left, right, top, bottom = math.floor(u), math.ceil(u), math.floor(v), math.ceil(v)
            for corner in range(4):
                column, row = (left if corner % 2 == 0 else right), (top if corner < 2 else bottom)
                if column < 0 or column >= columns or row < 0 or row >= rows:
                    continue
                weight = nearness * (1.0 - abs(u - column)) * (1.0 - abs(v - row))
                weights[row, column] += weight
                for k in range(channels):
                    sums[k, row, column] += weight * values[k, y, x]
                sums[channels, row, column] += weight * z
