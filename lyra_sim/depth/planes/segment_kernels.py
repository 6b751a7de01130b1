"""Loops over pixels that need no camera, by numba: colour segments, their cuts at creases, sights along the image."""

import numba
import numpy as np


@numba.njit(cache=True)
def _root(parent, a):
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = parent[a]
    return a


@numba.njit(cache=True)
def segments(image, scale, min_size, noise):
    """Labels 0..n-1 (h, w) int32 of colour-homogeneous segments (Felzenszwalb & Huttenlocher 2004), and n.

    Two regions merge while the step between them is no larger than the largest step inside either plus ``scale / size``.
    Steps up to ``noise`` are none, so that shading in steps of 8 bits does not part a wall. Steps are counted in 1/1024,
    so that sorting is counting and ties keep the order of the pixels.
    """
    height, width = image.shape[:2]
    bins = 1025
    weight = np.full((2, height, width), -1, np.int32)
    count = np.zeros(bins + 1, np.int64)
    for v in range(height):
        for u in range(width):
            for way in range(2):
                v1, u1 = v + way, u + 1 - way
                if v1 >= height or u1 >= width:
                    continue
                step = np.float32(0)
                for c in range(3):
                    step += (image[v, u, c] - image[v1, u1, c]) ** 2
                bin_ = min(int(max(np.sqrt(step) - noise, np.float32(0)) * 1024), bins - 1)
                weight[way, v, u] = bin_
                count[bin_ + 1] += 1
    for k in range(bins):
        count[k + 1] += count[k]
    order = np.empty(count[bins], np.int64)
    for v in range(height):
        for u in range(width):
            for way in range(2):
                bin_ = weight[way, v, u]
                if bin_ >= 0:
                    order[count[bin_]] = (v * width + u) * 2 + way
                    count[bin_] += 1
    parent = np.arange(height * width)
    size = np.ones(height * width, np.int64)
    inner = np.full(height * width, np.float32(scale))
    for small in range(2):
        for edge in order:
            way, a = edge % 2, edge // 2
            b = a + width if way == 1 else a + 1
            step = np.float32(weight[way, a // width, a % width]) / np.float32(1024)
            ra, rb = _root(parent, a), _root(parent, b)
            if ra == rb:
                continue
            if small == 1:
                if size[ra] >= min_size and size[rb] >= min_size:
                    continue
            elif step > min(inner[ra], inner[rb]):
                continue
            parent[rb] = ra
            size[ra] += size[rb]
            if small == 0:
                inner[ra] = step + np.float32(scale) / size[ra]
    labels = np.empty((height, width), np.int32)
    number = np.full(height * width, -1, np.int32)
    n = 0
    for p in range(height * width):
        r = _root(parent, p)
        if number[r] < 0:
            number[r] = n
            n += 1
        labels[p // width, p % width] = number[r]
    return labels, n


@numba.njit(cache=True)
def order_codes(labels, choices, z):
    """Segments cut where the order of their candidate planes along the ray changes: at the creases between planes."""
    height, width = labels.shape
    most = choices.shape[1]
    out = np.empty((height, width), np.int32)
    for v in range(height):
        for u in range(width):
            s = labels[v, u]
            code, bit = 0, 1
            for i in range(most):
                for j in range(i):
                    if choices[s, i] >= 0:
                        a, b = z[choices[s, i], v, u], z[choices[s, j], v, u]
                        if a < b or (a == a and b != b):
                            code += bit
                    bit *= 2
            out[v, u] = s * bit + code
    return out


@numba.njit(cache=True)
def rays_to_measured(z_depth, plane, z, slopes, tolerance):
    """Looking from every labelled pixel along the image in 8 directions: how often what is measured first lies on its plane,

    before it and beyond it (uint8 each). The inside of something before the plane sees its own rim all around.
    """
    height, width = z_depth.shape
    out = np.zeros((3, height, width), np.uint8)
    first = np.empty((height, width), np.int32)
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
    for dv, du in steps:
        for i in range(height):
            v = i if dv <= 0 else height - 1 - i
            for j in range(width):
                u = j if du <= 0 else width - 1 - j
                if z_depth[v, u] > 0:
                    first[v, u] = v * width + u
                    continue
                inside = 0 <= v + dv < height and 0 <= u + du < width
                first[v, u] = first[v + dv, u + du] if inside else -1
                p, hit = plane[v, u], first[v, u]
                if p < 0 or hit < 0:
                    continue
                a, b = hit // width, hit % width
                there = z[p, a, b]
                if not there > 0:
                    continue
                gap = (z_depth[a, b] - there) * slopes[p, a, b]
                reach = tolerance * z_depth[a, b]
                out[0 if abs(gap) < 1.5 * reach else 1 if gap < 0 else 2, v, u] += 1
    return out
