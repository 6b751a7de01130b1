"""numba kernel that clips rays against convex pieces, one thread a ray."""

import numba
import numpy as np


@numba.njit(cache=True, parallel=True)
def first_hits(origin, directions, normals, offsets, starts, air_count, touch):
    """Ray parameter at which each ray from ``origin`` (3,) first leaves the air.

    Args:
        directions: (n, 3), any length.
        normals, offsets: Half-spaces ``normal . x <= offset`` of all pieces, one after another.
        starts: (pieces + 1,) where each piece's half-spaces begin; the first ``air_count`` pieces are air, the rest matter.
        touch: Pieces of air nearer than this along the ray are one.
    """
    pieces = len(starts) - 1
    out = np.empty(len(directions))
    for r in numba.prange(len(directions)):
        enter, leave = np.empty(pieces), np.empty(pieces)
        for p in range(pieces):
            a, b = -np.inf, np.inf
            for h in range(starts[p], starts[p + 1]):
                slope = directions[r, 0] * normals[h, 0] + directions[r, 1] * normals[h, 1] + directions[r, 2] * normals[h, 2]
                room = offsets[h] - origin[0] * normals[h, 0] - origin[1] * normals[h, 1] - origin[2] * normals[h, 2]
                if slope < 0:
                    a = max(a, room / slope)
                elif slope > 0:
                    b = min(b, room / slope)
                elif room < 0:
                    a, b = np.inf, -np.inf
            enter[p], leave[p] = a, b
        t = 0.0
        for _ in range(air_count):  # through the pieces of air one after another
            before = t
            for p in range(air_count):
                if enter[p] <= t + touch and leave[p] > t:
                    t = leave[p]
            if t == before:
                break
        for p in range(air_count, pieces):
            if enter[p] < leave[p] and leave[p] > 0 and enter[p] < t:
                t = max(enter[p], 0.0)
        out[r] = t
    return out
