"""Compiled loops of the cell index: which frames have points in a cell of space, and which cells some views look through.

Cells are cubes in an open-addressed hash table (linear probing): ``keys``, 0 where a slot is free, and ``heads``, the newest
entry of a list per cell. Entries are (frame, next entry).
"""

import math

import numpy as np
from numba import njit

OFFSET = 1 << 20
"""Cells are counted from -OFFSET to OFFSET along each axis. Convention."""


@njit(cache=True)
def _key(i, j, k):
    return (((i + OFFSET) << 42) | ((j + OFFSET) << 21) | (k + OFFSET)) + 1


@njit(cache=True)
def _slot(keys, key):
    """Where the key is, or the free slot where it would be."""
    mask = keys.shape[0] - 1
    mixed = key ^ (key >> 31)
    mixed = (mixed * 0x9E3779B97F4A7C1) & 0x7FFFFFFFFFFFFFF
    slot = (mixed ^ (mixed >> 29)) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True)
def insert_points(points, frame, size, keys, heads, entries, used):
    """Note the frame in every cell that a point of it is in, once. ``used``: cells, entries; both grow.

    Args:
        points: (n, 3) in the capture frame.
        frame: Its number.
        size: Edge of a cell [capture units].
        keys, heads: The table: key of each cell, and its newest entry (slots,).
        entries: Frame, and the cell's entry before it (e, 2).
        used: Counts of cells and of entries (2,).
    """
    for p in range(points.shape[0]):
        i = math.floor(points[p, 0] / size)
        j = math.floor(points[p, 1] / size)
        k = math.floor(points[p, 2] / size)
        if max(abs(i), abs(j), abs(k)) >= OFFSET:
            continue
        key = _key(i, j, k)
        slot = _slot(keys, key)
        if keys[slot] == 0:
            keys[slot], heads[slot] = key, -1
            used[0] += 1
        if heads[slot] >= 0 and entries[heads[slot], 0] == frame:
            continue
        entries[used[1], 0], entries[used[1], 1] = frame, heads[slot]
        heads[slot] = used[1]
        used[1] += 1


@njit(cache=True)
def rehash(old_keys, old_heads, keys, heads):
    """All cells into a larger table."""
    for s in range(old_keys.shape[0]):
        if old_keys[s] != 0:
            slot = _slot(keys, old_keys[s])
            keys[slot], heads[slot] = old_keys[s], old_heads[s]


@njit(cache=True)
def look_through(c2w, lenses, nearest, absolute, relative, step, size, most_steps, most_occupied, keys, looked):
    """For every cell with points: how many rays go through it, of one pixel in ``step`` each way.

    A ray goes from cell to cell (Amanatides & Woo 1987) and ends one cell behind the nearest surface that its pixel is known
    to show, after so many steps, or after so many cells with points.

    Args:
        c2w: (v, 4, 4).
        lenses: fx, fy, cx, cy of each view [px] (v, 4).
        nearest: Depth of the nearest surface that is known (v, h, w), infinite where none is.
        absolute, relative: How far behind that a point still counts.
        step: Pixels between rays.
        size: Edge of a cell [capture units].
        most_steps: Cells a ray goes through at most.
        most_occupied: Cells with points after which it ends.
        keys: The table's (slots,).
        looked: Rays through each cell (slots,), set.
    """
    looked[:] = 0
    views, height, width = nearest.shape
    origin, ray, side, cell, leap = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3, np.int64), np.zeros(3, np.int64)
    at = np.zeros(3)
    for v in range(views):
        fx, fy, cx, cy = lenses[v, 0], lenses[v, 1], lenses[v, 2], lenses[v, 3]
        for y in range(step // 2, height, step):
            for x in range(step // 2, width, step):
                rx, ry = (x - cx) / fx, (y - cy) / fy
                for a in range(3):
                    origin[a] = c2w[v, a, 3] / size
                    ray[a] = (c2w[v, a, 0] * rx + c2w[v, a, 1] * ry + c2w[v, a, 2]) / size
                    cell[a] = math.floor(origin[a])
                    leap[a] = 1 if ray[a] > 0 else -1
                    side[a] = 1.0 / abs(ray[a]) if ray[a] != 0.0 else np.inf
                    ahead = cell[a] + 1 - origin[a] if ray[a] > 0 else origin[a] - cell[a]
                    at[a] = ahead * side[a] if ray[a] != 0.0 else np.inf
                end = nearest[v, y, x] * (1.0 + relative) + absolute
                z, occupied = 0.0, 0
                for _ in range(most_steps):
                    if max(abs(cell[0]), abs(cell[1]), abs(cell[2])) >= OFFSET:
                        break
                    slot = _slot(keys, _key(cell[0], cell[1], cell[2]))
                    if keys[slot] != 0:
                        looked[slot] += 1
                        occupied += 1
                        if occupied >= most_occupied:
                            break
                    if z > end:
                        break
                    a = 0 if at[0] <= at[1] and at[0] <= at[2] else (1 if at[1] <= at[2] else 2)
                    z = at[a]
                    cell[a] += leap[a]
                    at[a] += side[a]


@njit(cache=True)
def count_votes(heads, entries, looked, votes):
    """For every frame: rays through cells where it has points."""
    votes[:] = 0
    for slot in range(looked.shape[0]):
        if looked[slot] > 0:
            entry = heads[slot]
            while entry >= 0:
                votes[entries[entry, 0]] += looked[slot]
                entry = entries[entry, 1]
