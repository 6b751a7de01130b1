"""numba kernel that parts a surface into patches that can be laid flat; serial, so that patches have one order."""

import numba
import numpy as np


@numba.njit(cache=True)
def grown(order, neighbours, normals, least):
    """Patches of connected faces that look the same way as the face each began with.

    Args:
        order: (s,) faces to part, those that begin patches first; all others stay out.
        neighbours: (t, 3) int, faces across the edges, -1 where none.
        normals: (t, 3) unit normals; a face with a zero one is a patch of its own.
        least: Cosine of the greatest angle between a face's normal and the first one's.

    Returns:
        (patch (t,) int64, -1 of faces left out; first face (p,) of every patch).
    """
    waits, done = np.int64(-2), np.int64(-1)
    patch = np.full(len(neighbours), done)
    for face in order:
        patch[face] = waits
    first = np.empty(len(order), np.int64)
    stack = np.empty(len(order), np.int64)
    count = 0
    for seed in order:
        if patch[seed] != waits:
            continue
        patch[seed], stack[0], top = count, seed, 1
        x, y, z = normals[seed, 0], normals[seed, 1], normals[seed, 2]
        while top > 0:
            top -= 1
            for face in neighbours[stack[top]]:
                if face < 0 or patch[face] != waits:
                    continue
                if x * normals[face, 0] + y * normals[face, 1] + z * normals[face, 2] > least:
                    patch[face], stack[top] = count, face
                    top += 1
        first[count] = seed
        count += 1
    return patch, first[:count]


@numba.njit(cache=True)
def profiles(corners, patch, starts, margin):
    """First row taken and first one free above in each column of every patch's own box, in whole cells.

    Args:
        corners: (t, 3, 2) float64 [cells], from the low corner of the patch's box.
        patch: (t,) the patch of every face.
        starts: (p + 1,) where the columns of every patch begin in what is returned.
        margin: Cells to be left free on every side, less than one; the boxes have room for it.

    Returns:
        (low (c,) int64, high (c,) int64), equal where nothing is taken.
    """
    first, last = np.full(starts[-1], np.inf), np.full(starts[-1], -np.inf)
    for t in range(len(corners)):
        begin, end = starts[patch[t]], starts[patch[t] + 1]
        for side in range(3):
            ax, ay = corners[t, side]
            bx, by = corners[t, (side + 1) % 3]
            if ax > bx:
                ax, ay, bx, by = bx, by, ax, ay
            for column in range(max(int(ax - margin), 0), min(int(bx + margin), end - begin - 1) + 1):
                y0, y1 = ay, by
                if bx > ax:  # the part of the edge that comes near this column
                    y0 = ay + (by - ay) * (min(max(ax, column - margin), bx) - ax) / (bx - ax)
                    y1 = ay + (by - ay) * (max(min(bx, column + 1 + margin), ax) - ax) / (bx - ax)
                first[begin + column] = min(first[begin + column], y0, y1)
                last[begin + column] = max(last[begin + column], y0, y1)
    low, high = np.zeros(starts[-1], np.int64), np.zeros(starts[-1], np.int64)
    for column in range(starts[-1]):
        if first[column] <= last[column]:
            low[column] = max(np.int64(np.floor(first[column] - margin)), 0)
            high[column] = np.int64(np.ceil(last[column] + margin))
    return low, high


@numba.njit(cache=True)
def stacked(order, starts, low, high, width):
    """Patches let down one after the other to where each comes lowest (after the packing of Lévy et al. 2002).

    Args:
        order: (p,) who comes first.
        starts: (p + 1,) as in :func:`profiles`.
        low, high: (c,) int64, first row taken and first row free above, margins included; equal where it takes none.
        width: Columns of the image, at least as many as any patch has.

    Returns:
        (column and row (p, 2) int64 of the patches' low corners, rows taken in all).
    """
    horizon = np.zeros(width, np.int64)
    at = np.zeros((len(order), 2), np.int64)
    for patch in order:
        begin, count = starts[patch], starts[patch + 1] - starts[patch]
        least, best_column, best_row = -1, 0, 0
        for column in range(width - count + 1):
            row = 0
            for n in range(count):
                row = max(row, horizon[column + n] - low[begin + n])
            if least >= 0 and row > best_row:
                continue
            unused = 0
            for n in range(count):
                unused += row + low[begin + n] - horizon[column + n]
            if least < 0 or row < best_row or unused < least:
                least, best_column, best_row = unused, column, row
        for n in range(count):
            horizon[best_column + n] = max(horizon[best_column + n], best_row + high[begin + n])
        at[patch, 0], at[patch, 1] = best_column, best_row
    return at, horizon.max()
