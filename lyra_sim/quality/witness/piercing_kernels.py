"""Compiled loops of free rays against convex pieces; every ray is written by one iteration."""

import numba
import numpy as np

DIRECTIONS = 24
"""Sideways, that a piece is pushed in to get out of a ray's way: the least push is found within 1 %. Convention."""


@numba.njit(cache=True, parallel=True)
def pierced(
    origins: np.ndarray,
    ends: np.ndarray,
    margins: np.ndarray,
    planes: np.ndarray,
    plane_starts: np.ndarray,
    corners: np.ndarray,
    corner_starts: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The piece that stands deepest in the way of each ray (-1: none by more than the ray's margin), and where it is met.

    How deep a piece stands in a ray's way is the least push that frees the ray: forward along it, behind its end, or
    sideways out of its line. A wall that a ray grazes two centimetres below the surface is two centimetres deep; a panel
    that it pierces is as deep as the panel reaches.

    Args:
        origins, ends: (n, 3) [m].
        margins: (n,) [m].
        planes: (p, 4), unit normals; inside where n . x + d <= 0.
        plane_starts: (pieces + 1,).
        corners: (c, 3) [m].
        corner_starts: (pieces + 1,).
        low, high: (pieces, 3) [m].
    """
    count = origins.shape[0]
    owner = np.full(count, -1, np.int32)
    met = np.full(count, np.nan)
    for r in numba.prange(count):
        ray = ends[r] - origins[r]
        length = np.sqrt((ray * ray).sum())
        if length <= margins[r]:
            continue
        u = ray / length
        helper = np.zeros(3)
        helper[np.argmin(np.abs(u))] = 1.0
        a = np.cross(u, helper)
        a /= np.sqrt((a * a).sum())
        b = np.cross(u, a)
        best = margins[r]
        for h in range(plane_starts.shape[0] - 1):
            apart = False
            for k in range(3):
                first, last = min(origins[r, k], ends[r, k]), max(origins[r, k], ends[r, k])
                if first > high[h, k] or last < low[h, k]:
                    apart = True
            if apart:
                continue
            enter, leave = 0.0, length
            for p in range(plane_starts[h], plane_starts[h + 1]):
                distance = planes[p, 3]
                slope = 0.0
                for k in range(3):
                    distance += planes[p, k] * origins[r, k]
                    slope += planes[p, k] * u[k]
                if slope > 1e-12:
                    leave = min(leave, -distance / slope)
                elif slope < -1e-12:
                    enter = max(enter, -distance / slope)
                elif distance > 0:
                    leave = -1.0
                if enter >= leave:
                    break
            if enter >= leave or length - enter <= best:
                continue
            push = length - enter
            for d in range(DIRECTIONS):
                turn = 2 * np.pi * d / DIRECTIONS
                sideways = np.cos(turn) * a + np.sin(turn) * b
                reach = -np.inf
                for c in range(corner_starts[h], corner_starts[h + 1]):
                    along = 0.0
                    for k in range(3):
                        along += sideways[k] * (corners[c, k] - origins[r, k])
                    reach = max(reach, along)
                push = min(push, reach)
                if push <= best:
                    break
            if push > best:
                best = push
                owner[r] = h
                met[r] = enter
    return owner, met
