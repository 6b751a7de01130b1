"""Keep a line of camera positions clear of known surface: bent aside where that is enough, cut where it isn't."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from lyra_sim.trajectories.known_surface import KnownSurface
from lyra_sim.trajectories.smooth_motion import smoothed, smoother_step

ROUNDS, STEP = 120, 0.05
"""Pushes at most, and how far each moves a station at most [m]. Convention."""
PASSES = 4
"""A line that had to be cut is bent anew from the start, so that what lay beyond the cut doesn't bend what is left.
Convention."""
MARGIN, TOLERANCE = 0.01, 0.005
"""A push aims this far beyond the clearance, and less than that may be missing afterwards [m]. Convention."""
SIDEWAYS = 0.3
"""Least share of a push across the line: what can only be pushed back along it is a wall, and the line ends there.
Tuned, unrecorded."""
FINER, MOST_PARTS = 4, 2000
"""Points looked at between two stations lie a clearance divided by ``FINER`` apart at most. A leap that would take more than
``MOST_PARTS`` of them is not looked into and counts as not clear. Convention."""


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """A line after the clamp."""

    points: Float64[np.ndarray, "m 3"]
    """Stations from the first on that keep the clearance [m], as all of the way between them does. None: not even the first."""
    shift: Float64[np.ndarray, "m"]
    """How far each was moved [m]."""


def keep_clear(
    points: Float[np.ndarray, "m 3"],
    known: KnownSurface,
    clearance: float,
    *,
    softness: float,
    max_shift: float,
    pinned: bool,
    level: bool,
) -> Cleared:
    """Push a line of stations out of the clearance around known surface.

    Each round takes how much every station lacks, across the line and away from the nearest sample, smooths that along the
    line and adds it: the deviation is a sum of Gaussians of one width and can't jerk. A station that a sample shows its
    back to is pushed to the front. What still lacks clearance afterwards ends the line.

    Args:
        points: Stations in the provisional frame [m], evenly spaced in place or in time.
        known: Surface in the same frame.
        clearance: Distance to keep [m], > 0.
        softness: Sigma of the smoothing, in stations.
        max_shift: A station is moved by no more than about this [m].
        pinned: The first station stays where it is.
        level: Stations keep their height.
    """
    tangents = np.gradient(points, axis=0) if len(points) > 1 else np.zeros_like(points)
    length = np.linalg.norm(tangents, axis=1, keepdims=True)
    tangents = np.where(length > 1e-6, tangents / np.maximum(length, 1e-12), 0.0)
    free_to_move = smoother_step(np.arange(len(points)) / max(2 * softness, 1.0)) if pinned else np.ones(len(points))
    kept = len(points)
    for _ in range(PASSES):
        shift = np.zeros((kept, 3))
        for _ in range(ROUNDS):
            push = _push(points[:kept] + shift, tangents[:kept], known, clearance, level=level)
            push[np.linalg.norm(shift, axis=1) > max_shift] = 0.0
            if not push.any():
                break
            shift += free_to_move[:kept, None] * _softened(push, softness)
        clear = _clear_stations(points[:kept] + shift, known, clearance)
        if clear in (0, kept):
            break
        kept = clear
    shift = shift[:clear]
    return Cleared(points=points[:clear] + shift, shift=np.linalg.norm(shift, axis=1))


def lacking(points: Float[np.ndarray, "n 3"], known: KnownSurface, clearance: float) -> Float64[np.ndarray, "n"]:
    """How much is missing to the distance each point must keep [m]; ≤ 0 (or minus infinity) where nothing is."""
    return known.required(points, clearance) - known.distance(points, within=clearance)


def _push(
    points: Float64[np.ndarray, "m 3"],
    tangents: Float64[np.ndarray, "m 3"],
    known: KnownSurface,
    clearance: float,
    *,
    level: bool,
) -> Float64[np.ndarray, "m 3"]:
    distance, nearest = known.nearest(points, within=clearance + MARGIN)
    lack = known.required(points, clearance) + MARGIN - distance
    short = np.flatnonzero(lack > 0)
    push = np.zeros_like(points)
    if not len(short):
        return push
    away = points[short] - known.points[nearest[short]]
    facing = known.facing[nearest[short]]
    behind = known.behind(points[short], nearest[short])
    touching = distance[short] < 1e-6
    normal = np.where((behind | touching)[:, None], facing, away / np.maximum(distance[short], 1e-6)[:, None])
    depth = lack[short] + np.where(behind, 2 * distance[short], 0.0)
    across = normal - (normal * tangents[short]).sum(axis=1, keepdims=True) * tangents[short]
    if level:
        across[:, 2] = 0.0
    share = np.linalg.norm(across, axis=1)
    aside = share > SIDEWAYS
    amount = np.minimum(depth[aside] / share[aside], STEP)
    push[short[aside]] = across[aside] / share[aside, None] * amount[:, None]
    return push


def _softened(push: Float64[np.ndarray, "m 3"], softness: float) -> Float64[np.ndarray, "m 3"]:
    """The push spread along the line. Beyond the ends it goes on as at the ends, so that these are moved too."""
    pad = int(np.ceil(4 * softness))
    wide = np.concatenate([np.repeat(push[:1], pad, axis=0), push, np.repeat(push[-1:], pad, axis=0)])
    return smoothed(wide, softness)[pad : pad + len(push)]


def looked_at(points: Float[np.ndarray, "m 3"], step: float) -> tuple[Float64[np.ndarray, "p 3"], Int64[np.ndarray, "p"]]:
    """Points along the line, at most ``step`` apart, and the station each leads to; up to the first leap."""
    wanted = np.maximum(1.0, np.ceil(np.linalg.norm(np.diff(points, axis=0), axis=1) / step))
    leap = np.flatnonzero(wanted > MOST_PARTS)
    if len(leap):
        points, wanted = points[: leap[0] + 1], wanted[: leap[0]]
    parts = wanted.astype(np.int64)
    owner = np.repeat(np.arange(1, len(points)), parts)
    begin = np.repeat(np.cumsum(parts) - parts, parts)
    fraction = (np.arange(len(owner)) - begin + 1) / parts[owner - 1]
    between = points[owner - 1] + fraction[:, None] * (points[owner] - points[owner - 1])
    return np.concatenate([points[:1], between]), np.concatenate([[0], owner])


def _clear_stations(points: Float64[np.ndarray, "m 3"], known: KnownSurface, clearance: float) -> int:
    """Stations before the first that is too near something, or that is reached past something too near."""
    at, owner = looked_at(points, clearance / FINER)
    missing = lacking(at, known, clearance) > TOLERANCE
    return int(owner[missing].min()) if missing.any() else int(owner[-1]) + 1
