"""An endless floor plan with a way through it: exact depth for memories of any length. `memory.py` measures in it.

Rooms of 4 m stand on a lattice; every wall has a door somewhere, and every second room a pillar. All follows from hashes of the
lattice, so nothing is stored and any place can be visited.
"""

import math

import numpy as np
from numba import njit

ROOM = 4.0
HEIGHT = 2.6
EYE = 1.4
DOOR = 1.1
DOOR_TOP = 2.1
PILLAR = 0.6


def way(length: int, *, step: float, rooms_a_row: int) -> np.ndarray:
    """Eye points (n, 3) and headings through the doors of a serpentine of rooms, as rows of x, y, heading [m, rad]."""
    corners: list[tuple[float, float]] = []
    column, row, direction = 0, 0, 1
    while len(corners) < 2 or _length(corners) < length * step + 4 * ROOM:
        corners.append(_beside_pillar(column, row))
        if 0 <= column + direction < rooms_a_row:
            corners.append(_door(column if direction > 0 else column - 1, row, vertical=True))
            column += direction
        else:
            corners.append(_door(column, row, vertical=False))
            row, direction = row + 1, -direction
    points = np.array(corners)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    places = np.arange(length + 40) * step
    xy = np.stack([np.interp(places, along, points[:, k]) for k in range(2)], axis=1)
    kernel = np.hanning(11) / np.hanning(11).sum()
    smooth = np.stack([np.convolve(np.pad(xy[:, k], 5, mode="edge"), kernel, mode="valid") for k in range(2)], axis=1)
    ahead = smooth[10:] - smooth[:-10]
    heading = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))
    return np.column_stack([smooth[:-10], heading])[:length]


def c2w_at(x: float, y: float, heading: float) -> np.ndarray:
    """A level camera, OpenCV axes in a world with z up."""
    forward = np.array([math.cos(heading), math.sin(heading), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    c2w = np.eye(4)
    c2w[:3, :3] = np.stack([np.cross(down, forward), down, forward], axis=1)
    c2w[:3, 3] = x, y, EYE
    return c2w


def _length(corners: list[tuple[float, float]]) -> float:
    return float(np.linalg.norm(np.diff(np.array(corners), axis=0), axis=1).sum())


def _beside_pillar(column: int, row: int) -> tuple[float, float]:
    return (column + 0.5) * ROOM, (row + 0.5) * ROOM + (1.0 if (column + row) % 2 == 0 else 0.0)


def _door(column: int, row: int, *, vertical: bool) -> tuple[float, float]:
    """Middle of the door east (vertical) or north of a room."""
    at = _door_at(column, row, vertical)
    return ((column + 1) * ROOM, row * ROOM + at) if vertical else (column * ROOM + at, (row + 1) * ROOM)


@njit(cache=True)
def _door_at(column, row, vertical):
    mixed = (column * 73856093) ^ (row * 19349663) ^ (83492791 if vertical else 0)
    mixed = (mixed ^ (mixed >> 13)) * 1274126177 & 0x7FFFFFFF
    return 1.0 + (mixed % 1000) / 1000.0 * (ROOM - 2.0)


@njit(cache=True)
def cast(c2w, lens, width, height, stride):
    """z-depth at pixels (stride x, stride y) of the full grid, exact, as lens (fx, fy, cx, cy) of ``K`` sees them.

    Pixel centres stand at +0.5 in ``K``; the ray goes through the sample's own pixel centre.
    """
    out = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            rx, ry = (x * stride + 0.5 - lens[2]) / lens[0], (y * stride + 0.5 - lens[3]) / lens[1]
            dx = c2w[0, 0] * rx + c2w[0, 1] * ry + c2w[0, 2]
            dy = c2w[1, 0] * rx + c2w[1, 1] * ry + c2w[1, 2]
            dz = c2w[2, 0] * rx + c2w[2, 1] * ry + c2w[2, 2]
            out[y, x] = _hit(c2w[0, 3], c2w[1, 3], c2w[2, 3], dx, dy, dz)
    return out


@njit(cache=True)
def _hit(ox, oy, oz, dx, dy, dz):
    """Parameter of the first surface along the ray: floor, ceiling, walls with doors, pillars."""
    best = np.inf
    if dz < 0:
        best = -oz / dz
    elif dz > 0:
        best = (HEIGHT - oz) / dz
    column, row = math.floor(ox / ROOM), math.floor(oy / ROOM)
    entered = 0.0
    while entered < best:
        if (column + row) % 2 == 0:
            hit = _pillar(ox, oy, dx, dy, (column + 0.5) * ROOM, (row + 0.5) * ROOM)
            if entered <= hit < best:
                return hit
        tx = ((column + (1 if dx > 0 else 0)) * ROOM - ox) / dx if dx != 0 else np.inf
        ty = ((row + (1 if dy > 0 else 0)) * ROOM - oy) / dy if dy != 0 else np.inf
        t = min(tx, ty)
        if t >= best:
            return best
        vertical = tx < ty
        if vertical:
            wall, at = column if dx > 0 else column - 1, oy + t * dy - row * ROOM
            door = _door_at(wall, row, True)
        else:
            wall, at = row if dy > 0 else row - 1, ox + t * dx - column * ROOM
            door = _door_at(column, wall, False)
        if abs(at - door) > 0.5 * DOOR or oz + t * dz > DOOR_TOP:
            return t
        if vertical:
            column += 1 if dx > 0 else -1
        else:
            row += 1 if dy > 0 else -1
        entered = t
    return best


@njit(cache=True)
def _pillar(ox, oy, dx, dy, px, py):
    near, far = -np.inf, np.inf
    for k in range(2):
        o, d, c = (ox, dx, px) if k == 0 else (oy, dy, py)
        if d == 0:
            if abs(o - c) > 0.5 * PILLAR:
                return np.inf
            continue
        a, b = (c - 0.5 * PILLAR - o) / d, (c + 0.5 * PILLAR - o) / d
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near <= far and near > 0 else np.inf
