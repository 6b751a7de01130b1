"""Where a walk looks, and how fast it goes for that: as the photos look, and more slowly where that turns.

Smoothing a gaze until it turns slowly enough takes it off what the photos show: on a walk of the small house it looked 16 to 25
degrees away from the nearest photo at the median, and 56 at the most. Slowing down instead leaves 1 and 7.
"""

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import gaussian_filter1d

from lyra_sim.trajectories.gaze import MAX_TURN, angles_towards, rotations_of, turns
from lyra_sim.trajectories.photo_way import Way
from lyra_sim.trajectories.smooth_motion import EASE, slowed_length, smoothed

MAX_STEP = 0.1
"""``length: auto`` goes no farther than frames this far apart reach [m]: walking pace at 16 frames/s, so that they overlap.
Convention."""
GAZE_SMOOTHING = 0.2
"""Sigma of a walk's gaze along its way, at least [m]. Tuned on livingroom."""
SLOWED = 0.5
"""A walk whose length is ``auto`` gets at least this share of the way that it would get without slowing down for its gaze.
Convention."""
AHEAD = 0.2
"""Weight of the way's own direction where photos look every way, and their mean direction says nothing. Tuned, unrecorded."""
GAZE_FRAMES = 2.0
"""Sigma of what is left of a gaze's jerks [frames]. Tuned, unrecorded."""


def reach_of(count: int) -> float:
    """How far so many frames get without haste [m]."""
    return MAX_STEP * (count - 1) * (1 - EASE)


def with_gaze(way: Way, count: int, *, cut: bool) -> tuple[Way, Float64[np.ndarray, "m 3"]]:
    """The way, as far as ``count`` frames reach if it may be ``cut``, and upright angles of the gaze at its stations.

    The gaze is where photos look on average over a short stretch. That is made longer only where the walk would otherwise take
    too long, or get less far than ``SLOWED`` of what bends alone allow.
    """
    tangents = np.gradient(way.stations, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-12)
    unhurried = int((slowed_length(way.stations) <= reach_of(count)).sum())
    sigma = GAZE_SMOOTHING
    while True:
        looks = gaussian_filter1d(way.looks, sigma / way.spacing, axis=0, mode="nearest")
        disagreed = 1 - np.clip(np.linalg.norm(looks, axis=1, keepdims=True), 0, 1)
        angles = angles_towards(looks + AHEAD * disagreed * tangents)
        kept = len(angles)
        if cut:
            kept = _within_reach(way.stations, _turned(angles), count)
        far = not cut or kept >= SLOWED * unhurried
        if sigma > 2 * way.length or (far and _pace(way.stations[:kept], angles[:kept], count) is not None):
            return way.cut(kept), angles[:kept]
        sigma *= 1.5


def _within_reach(stations: Float64[np.ndarray, "m 3"], turned: Float64[np.ndarray, "m"], count: int) -> int:
    """How many stations ``count`` frames get to; how slow the first ones are passed depends on the last ones."""
    low, high = 2, len(stations)
    while low < high:
        middle = (low + high + 1) // 2
        slowed = slowed_length(stations[:middle], turned[:middle], per_radian=MAX_STEP / MAX_TURN)
        low, high = (middle, high) if slowed[-1] <= reach_of(count) else (low, middle - 1)
    return low


def paced(stations: Float64[np.ndarray, "m 3"], angles: Float64[np.ndarray, "m 3"], count: int) -> Float64[np.ndarray, "m"]:
    """Slowed length up to each station, by bends and by turns of the gaze: ``count`` frames share it evenly."""
    pace = _pace(stations, angles, count)
    return slowed_length(stations) if pace is None else slowed_length(stations, _turned(angles), per_radian=pace / MAX_TURN)


def gaze_at(gaze: Float64[np.ndarray, "m 3"], index: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 3"]:
    """The gaze of frames at (fractional) stations, without the jerks that corners between stations leave."""
    at = np.arange(len(gaze))
    return smoothed(np.stack([np.interp(index, at, gaze[:, axis]) for axis in range(3)], axis=1), GAZE_FRAMES)


def _turned(angles: Float64[np.ndarray, "m 3"]) -> Float64[np.ndarray, "m"]:
    """By how much the gaze has turned up to each station [rad]."""
    return np.concatenate([[0.0], np.cumsum(turns(rotations_of(angles)))])


def _pace(stations: Float64[np.ndarray, "m 3"], angles: Float64[np.ndarray, "m 3"], count: int) -> float | None:
    """The least step from frame to frame [m] that gets there in time with turns of no more than ``MAX_TURN``; None: no step."""
    turned, frames = _turned(angles), (count - 1) * (1 - EASE)
    least, most = 0.0, float(slowed_length(stations)[-1]) / frames
    for _ in range(8):
        if slowed_length(stations, turned, per_radian=most / MAX_TURN)[-1] <= most * frames * (1 + 1e-9):
            break
        most *= 2
    else:
        return None
    for _ in range(24):
        middle = (least + most) / 2
        late = slowed_length(stations, turned, per_radian=middle / MAX_TURN)[-1] > middle * frames
        least, most = (middle, most) if late else (least, middle)
    return most
