"""The comparison of a box with a photo in one pass over pixels, by numba: thousands of boxes are tried."""

import numba
import numpy as np


@numba.njit(cache=True)
def _met(ray, ahead, left, right, ceiling):
    """Surface a ray meets: 0 floor, 1 ceiling, 2 ahead, 3 left, 4 right, 5 nothing."""
    x, y, z = ray
    best, surface = np.inf, 5
    if z < 0:
        best, surface = -1.0 / z, 0
    elif z > 0 and np.isfinite(ceiling):
        best, surface = ceiling / z, 1
    if y > 0 and left / y <= best:
        best, surface = left / y, 3
    elif y < 0 and -right / y <= best:
        best, surface = -right / y, 4
    if x > 0 and ahead / x <= best:
        surface = 2
    return surface


@numba.njit(cache=True)
def compare(rays, colours, edges, ignored, line_pixels, line_axes, line_weights, ahead, left, right, ceiling, unsupported):
    """(support, strength, parted, wrong) of a box.

    ``support``: edge strength over ``unsupported``, summed along its boundaries, divided by twice the width. ``strength``: the
    mean edge strength under them. ``parted``: share of the colours' variance between surfaces. ``wrong``: weight of the lines
    that lie on a surface they run across.

    Args:
        rays: Of the pixels in the upright frame (h, w, 3), x ahead, y left, z up.
        colours: (h, w, 3), 0..1.
        edges: Strength 0..1 of edges along each of the three axes (3, h, w).
        ignored: (h, w), pixels that say nothing.
        line_pixels: Row and column of each line's middle (n, 2).
        line_axes: The axis each line runs along (n,).
        line_weights: (n,).
        ahead, left, right, ceiling: Distances of the box's sides [camera heights]; infinite for none.
        unsupported: Edge strength below which a boundary counts against the box.
    """
    height, width = ignored.shape
    normal = np.array([2, 2, 0, 1, 1, -1])
    surface = np.empty((height, width), np.int8)
    number, sums, squares = np.zeros(6), np.zeros((6, 3)), 0.0
    for v in range(height):
        for u in range(width):
            k = _met(rays[v, u], ahead, left, right, ceiling)
            surface[v, u] = k
            if not ignored[v, u]:
                number[k] += 1
                for c in range(3):
                    sums[k, c] += colours[v, u, c]
                    squares += colours[v, u, c] ** 2
    total, strength, count = 0.0, 0.0, 0
    for v in range(height):
        for u in range(width):
            a = normal[surface[v, u]]
            if a < 0 or ignored[v, u]:
                continue
            for way in range(2):
                v1, u1 = v + way, u + 1 - way
                if v1 >= height or u1 >= width:
                    continue
                b = normal[surface[v1, u1]]
                if b < 0 or a == b:
                    continue
                found = edges[3 - a - b, v, u]
                total += found - unsupported
                strength += found
                count += 1
    between, pixels = 0.0, number.sum()
    for c in range(3):
        mean = sums[:, c].sum() / max(pixels, 1.0)
        squares -= pixels * mean**2
        for k in range(6):
            if number[k] > 0:
                between += number[k] * (sums[k, c] / number[k] - mean) ** 2
    wrong = 0.0
    for s in range(len(line_axes)):
        if normal[surface[line_pixels[s, 0], line_pixels[s, 1]]] == line_axes[s]:
            wrong += line_weights[s]
    return total / (2 * width), strength / max(count, 1), between / max(squares, 1e-9), wrong
