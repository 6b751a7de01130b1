"""numba kernels of surfel accumulation: one thread, one order, an open-addressing table of occupied cells."""

import numba
import numpy as np

FIELDS = 10
"""Sums kept of a cell: weight, position 3 (relative to the cell), normal 3, colour 3. Derived."""
EMPTY = -1
"""Key of a free slot. Convention."""
_OFFSET = 1 << 20
"""Makes cell numbers positive. Convention."""
_BITS = 21
"""Of a cell's number along each axis. Convention."""
_MASK = (1 << _BITS) - 1
"""Takes one axis out of a key. Derived."""


@numba.njit(cache=True)
def _row_of(key, keys, slots, row_keys, count):
    """Row of a cell, made if new; (row, count)."""
    mask = len(keys) - 1
    slot = ((key * np.int64(-7046029254386353131)) >> np.int64(20)) & mask
    while keys[slot] != EMPTY:
        if keys[slot] == key:
            return slots[slot], count
        slot = (slot + 1) & mask
    keys[slot], slots[slot], row_keys[count] = key, count, key
    return count, count + 1


@numba.njit(cache=True)
def rehash(row_keys, count, keys, slots):
    """Refill an empty table from the rows there are."""
    for row in range(count):
        mask = len(keys) - 1
        slot = ((row_keys[row] * np.int64(-7046029254386353131)) >> np.int64(20)) & mask
        while keys[slot] != EMPTY:
            slot = (slot + 1) & mask
        keys[slot], slots[slot] = row_keys[row], row


@numba.njit(cache=True)
def add_samples(points, normals, rgb, weight, cell, keys, slots, row_keys, sums, count):
    """Add samples (n, …) to their cells; returns the new number of rows. The table must have room for n more.

    Args:
        points, normals, rgb: Of the samples (n, 3); colours 0..1.
        weight: (n,).
        cell: Edge of a cell, in the points' unit.
        keys, slots: The table: key of each cell, and its row.
        row_keys: Key of each row.
        sums: Of each row (rows, FIELDS), added to.
        count: Rows in use.
    """
    for n in range(len(points)):
        key = np.int64(0)
        inside = np.empty(3)
        for axis in range(3):
            scaled = points[n, axis] / cell
            index = np.floor(scaled)
            inside[axis] = scaled - index
            key = (key << _BITS) | ((np.int64(index) + _OFFSET) & _MASK)
        row, count = _row_of(key, keys, slots, row_keys, count)
        w = weight[n]
        sums[row, 0] += w
        for axis in range(3):
            sums[row, 1 + axis] += w * inside[axis]
            sums[row, 4 + axis] += w * normals[n, axis]
            sums[row, 7 + axis] += w * rgb[n, axis]
    return count


@numba.njit(cache=True)
def view_samples(z_depth, normals, rgb, valid, trust, fx, fy, cx, cy, c2w):
    """Oriented, coloured, weighted samples of one view in the frame of ``c2w``: points, normals, rgb, weight.

    A near, frontal sample tells colour and place best: weight = trust * facing / depth^2.

    Args:
        z_depth: (h, w), NaN invalid.
        normals: Unit, in the camera frame (h, w, 3), NaN where there is none.
        rgb: (h, w, 3), 0..255.
        valid: (h, w), pixels that count.
        trust: (h, w), 0..1.
        fx, fy, cx, cy: Intrinsics [px].
        c2w: (4, 4).
    """
    height, width = z_depth.shape
    total = 0
    for v in range(height):
        for u in range(width):
            if valid[v, u] and trust[v, u] > 0 and z_depth[v, u] > 0 and normals[v, u, 2] == normals[v, u, 2]:
                total += 1
    points, out_normals, out_rgb = np.empty((total, 3)), np.empty((total, 3)), np.empty((total, 3))
    weight = np.empty(total)
    n = 0
    for v in range(height):
        for u in range(width):
            if not (valid[v, u] and trust[v, u] > 0 and z_depth[v, u] > 0 and normals[v, u, 2] == normals[v, u, 2]):
                continue
            z = np.float64(z_depth[v, u])
            x, y = (u + 0.5 - cx) / fx, (v + 0.5 - cy) / fy
            a, b, c = np.float64(normals[v, u, 0]), np.float64(normals[v, u, 1]), np.float64(normals[v, u, 2])
            facing = -(x * a + y * b + c) / np.sqrt(x * x + y * y + 1.0)
            facing = min(max(facing, 0.05), 1.0)
            for axis in range(3):
                points[n, axis] = z * (c2w[axis, 0] * x + c2w[axis, 1] * y + c2w[axis, 2]) + c2w[axis, 3]
                out_normals[n, axis] = c2w[axis, 0] * a + c2w[axis, 1] * b + c2w[axis, 2] * c
                out_rgb[n, axis] = rgb[v, u, axis] / 255.0
            weight[n] = trust[v, u] * facing / (z * z)
            n += 1
    return points, out_normals, out_rgb, weight


def cell_indices(row_keys: np.ndarray) -> np.ndarray:
    """Integer cell coordinates (n, 3) of packed keys."""
    return np.stack([row_keys >> (2 * _BITS), (row_keys >> _BITS) & _MASK, row_keys & _MASK], axis=1) - _OFFSET
