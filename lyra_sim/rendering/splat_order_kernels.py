"""Compiled loops of the CPU splat rasteriser: which projected splats are drawn, in which order, in which bands of rows."""

import math

import numpy as np
from numba import njit, prange

MIN_ALPHA = 1.0 / 255.0
"""A splat contributes where its alpha is at least this (Kerbl et al. 2023). Convention."""
LOG2_E = 1.0 / math.log(2.0)
"""Turns e^x into 2^x. Derived."""


@njit(parallel=True, cache=True)
def extents(centres, conics, opacities, z_depth, width, height):
    """First and last+1 image row (n, 2) of each splat, equal where nothing of it is drawn, and its radii in px (n, 2).

    Args:
        centres, conics: Of :func:`~lyra_sim.rendering.projection_kernels.project` (n, 2), (n, 3).
        opacities: (n,), 0..1.
        z_depth: (n,); 0 for splats that aren't drawn.
        width, height: Of the image [px].
    """
    n = centres.shape[0]
    rows, radii = np.zeros((n, 2), np.int32), np.zeros((n, 2), np.int32)
    for g in prange(n):
        if not (z_depth[g] > 0 and opacities[g] > MIN_ALPHA):
            continue
        x, y = np.float64(centres[g, 0]), np.float64(centres[g, 1])
        a, b, c = np.float64(conics[g, 0]), np.float64(conics[g, 1]), np.float64(conics[g, 2])
        determinant, limit = a * c - b * b, 2.0 * math.log(opacities[g] / MIN_ALPHA)
        if not determinant > 0:
            continue
        half_width, half_height = math.sqrt(limit * c / determinant), math.sqrt(limit * a / determinant)
        if not (x + half_width > 0 and x - half_width < width and y + half_height > 0 and y - half_height < height):
            continue
        first, last = int(max(0.0, y - half_height + 0.5)), int(min(float(height), y + half_height + 0.5))
        if first < last:
            rows[g, 0], rows[g, 1] = first, last
            radii[g, 0], radii[g, 1] = math.ceil(min(half_width, 1e9)), math.ceil(min(half_height, 1e9))
    return rows, radii


@njit(cache=True)
def depth_order(rows, z_depth):
    """Ids of the splats that are drawn by rising z-depth, ties by id: radix sort of the bits of positive floats."""
    visible = 0
    order, keys = np.empty(z_depth.size, np.int32), np.empty(z_depth.size, np.int32)
    bits = z_depth.view(np.int32)
    for g in range(z_depth.size):
        order[visible], keys[visible] = g, bits[g]
        visible += rows[g, 0] < rows[g, 1]
    order, keys = order[:visible], keys[:visible]
    next_order, next_keys = np.empty(visible, np.int32), np.empty(visible, np.int32)
    for shift in (0, 11, 22):
        starts = np.zeros(2049, np.int64)
        for k in range(visible):
            starts[((keys[k] >> shift) & 2047) + 1] += 1
        for digit in range(2048):
            starts[digit + 1] += starts[digit]
        for k in range(visible):
            digit = (keys[k] >> shift) & 2047
            to = starts[digit]
            next_order[to], next_keys[to], starts[digit] = order[k], keys[k], to + 1
        order, keys, next_order, next_keys = next_order, next_keys, order, keys
    return order


@njit(cache=True)
def bin_bands(order, rows, band_rows, band_count):
    """For every band the splats that touch it, front to back.

    Returns ``offsets`` (bands + 1,) into ``ranks``, which index ``order``; and ``first_slots`` (visible + 1,): the pairs
    of splat and band numbered splat by splat, so that what a splat gathers in its bands lies together.
    """
    offsets, first_slots = np.zeros(band_count + 1, np.int64), np.zeros(order.size + 1, np.int64)
    for rank in range(order.size):
        g = order[rank]
        first, last = rows[g, 0] // band_rows, (rows[g, 1] - 1) // band_rows + 1
        first_slots[rank + 1] = first_slots[rank] + last - first
        for band in range(first, last):
            offsets[band + 1] += 1
    for band in range(band_count):
        offsets[band + 1] += offsets[band]
    ranks, fill = np.empty(offsets[band_count], np.int32), offsets[:-1].copy()
    for rank in range(order.size):
        g = order[rank]
        for band in range(rows[g, 0] // band_rows, (rows[g, 1] - 1) // band_rows + 1):
            ranks[fill[band]] = rank
            fill[band] += 1
    return offsets, ranks, first_slots


@njit(parallel=True, cache=True)
def pack_ellipses(order, rows, centres, conics, opacities):
    """What the loops over pixels need, by rank: ellipses (visible, 8) and their rows (visible, 2).

    The exponent is written as a sum of squares, which doesn't cancel however long and slanted the ellipse is: with
    u = dx + slant dy it is bend u^2 + drop dy^2, to the base 2. Of an ellipse: centre x and y, slant, bend, drop,
    opacity, and the half width in its middle row squared, and how much of that a row at distance 1 loses.
    """
    ellipses, rows_by_rank = np.empty((order.size, 8), np.float32), np.empty((order.size, 2), np.int32)
    for rank in prange(order.size):
        g = order[rank]
        a, b, c = np.float64(conics[g, 0]), np.float64(conics[g, 1]), np.float64(conics[g, 2])
        across = c - b * b / a
        ellipses[rank, 0], ellipses[rank, 1], ellipses[rank, 2] = centres[g, 0], centres[g, 1], b / a
        ellipses[rank, 3], ellipses[rank, 4] = -0.5 * LOG2_E * a, -0.5 * LOG2_E * across
        ellipses[rank, 5], ellipses[rank, 6] = opacities[g], 2.0 * math.log(opacities[g] / MIN_ALPHA) / a
        ellipses[rank, 7] = across / a
        rows_by_rank[rank, 0], rows_by_rank[rank, 1] = rows[g, 0], rows[g, 1]
    return ellipses, rows_by_rank


@njit(parallel=True, cache=True)
def pack_features(order, colors, z_depth):
    """Colours and then z-depth by rank, filled up to whole fours."""
    channels = colors.shape[1]
    features = np.zeros((order.size, (channels + 4) // 4 * 4), np.float32)
    for rank in prange(order.size):
        g = order[rank]
        for j in range(channels):
            features[rank, j] = colors[g, j]
        features[rank, channels] = z_depth[g]
    return features
