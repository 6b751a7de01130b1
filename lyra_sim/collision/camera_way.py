"""The cameras' way stays open: whatever hull reaches into it is cut around it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from scipy.spatial import ConvexHull, QhullError

from lyra_sim.collision.convex.pieces import Piece
from lyra_sim.collision.convex.slender import clipped
from lyra_sim.collision.measured.hull_figures import path_line

CLEARANCE = 1e-3
"""Hulls end this far outside the swept way [m], beyond what single precision loses. Derived."""
MIN_VOLUME = 5e-5
"""What is left of a hull below this is dropped [m^3] … Convention."""
MIN_WIDTH = 0.01
"""… and so is what is narrower than this along an axis [m]. Convention."""
MAX_HALVINGS = 4
"""A hull with a way that bends through it is halved at most this often, so that straight cuts lose little of it. Convention."""


def cut_free(pieces: Sequence[Piece], camera_centres: np.ndarray, *, radius: float) -> tuple[list[Piece], int]:
    """The pieces with nothing of them nearer to the way than ``radius`` [m], and how many had to be cut for that.

    The way is the line through the camera centres, jumps left out. Distance is taken to the nearest of a piece's bounding
    planes, which near edges asks for a little more room than there need be.
    """
    step = radius / 2
    line = path_line(camera_centres, step=step)
    reach = float(np.hypot(radius, step / 2)) + CLEARANCE
    kept: list[Piece] = []
    cut_count = 0
    for piece in pieces:
        parts = _clear(np.asarray(piece.points, np.float64), line, reach, MAX_HALVINGS)
        if parts is None:
            kept.append(piece)
        else:
            cut_count += 1
            kept += [Piece(label=piece.label, points=points) for points in parts]
    return kept, cut_count


def _clear(points: np.ndarray, line: np.ndarray, reach: float, halvings: int) -> list[Float64[np.ndarray, "_ 3"]] | None:
    """What straight cuts leave of a hull around the way; None when the way doesn't touch it."""
    near = line[((line > points.min(axis=0) - reach) & (line < points.max(axis=0) + reach)).all(axis=1)]
    if not len(near):
        return None
    hull = ConvexHull(points)
    hit = near[(near @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=1) < reach]
    if not len(hit):
        return None
    extents = np.ptp(hit, axis=0)
    if halvings and np.sort(extents)[1] > 4 * reach:
        axis = np.eye(3)[int(extents.argmax())]
        middle = float((hit.min(axis=0) + hit.max(axis=0)) @ axis / 2)
        halves = [_within(points, hull, sign * axis, sign * middle) for sign in (1.0, -1.0)]
        return [part for half in halves if half is not None for part in _cleared(half, line, reach, halvings - 1)]
    found: list[np.ndarray] = []
    rest: np.ndarray | None = points
    for axis in (np.array([0.0, 0, 1]), np.array([1.0, 0, 0]), np.array([0.0, 1, 0])):  # floors keep their full width below
        for sign, edge in ((1.0, (hit @ axis).min() - reach), (-1.0, -(hit @ axis).max() - reach)):
            if rest is None:
                return found
            hull = ConvexHull(rest)
            outside = _within(rest, hull, sign * axis, edge)
            if outside is not None:
                found.append(outside)
            rest = _within(rest, hull, -sign * axis, -edge)
    return found


def _cleared(points: np.ndarray, line: np.ndarray, reach: float, halvings: int) -> list[Float64[np.ndarray, "_ 3"]]:
    parts = _clear(points, line, reach, halvings)
    return [points] if parts is None else parts


def _within(points: np.ndarray, hull: ConvexHull, normal: np.ndarray, offset: float) -> Float64[np.ndarray, "m 3"] | None:
    """The part of a hull where ``normal . x <= offset``; None if nothing worth keeping is left."""
    part = clipped(points, hull.simplices, normal, offset)
    if len(part) < 4 or np.ptp(part, axis=0).min() < MIN_WIDTH:
        return None
    try:
        left = ConvexHull(part)
    except QhullError:
        return None
    return part[np.sort(left.vertices)] if left.volume >= MIN_VOLUME else None
