"""The way the photos were taken along, as an even line of stations, and where they looked on it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, Int64

from lyra_sim.trajectories.smooth_motion import arc_length, even_stations, smoothed

MOST_PHOTOS = 300
"""Photos a way is laid through; of more, evenly chosen ones. Convention."""
SPACING = 0.02
"""Stations of a way lie this far apart at most [m] … Convention."""
MOST_STATIONS = 4000
"""… unless there would be more than this many. Convention."""
MIN_WAY = 0.3
"""A shorter way is no walk: the photos were taken from one spot [m]. Convention."""
DETOUR, FAR, FAR_SHARE = 1.5, 2.5, 0.2
"""Photos don't follow a walk when their order is this many times as long as the shortest way through them, and this share of
its steps is more than ``FAR`` times as long as photos usually are apart. Walking back the same way is a detour alone.
Tuned, unrecorded."""
ROUNDING = (0.05, 0.5)
"""Least and largest sigma that corners of a way are rounded with [m]; between them, three quarters of a usual step.
Tuned, unrecorded."""

Order = Literal["photos", "shortest", "ahead"]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A line to walk along, in the provisional frame [m]."""

    stations: Float64[np.ndarray, "m 3"]
    """Evenly spaced; the first is exactly the start photo's centre."""
    looks: Float64[np.ndarray, "m 3"]
    """Direction the photos look in at every station, unsmoothed; not of unit length where two photos disagree."""
    order: Order
    """``photos``: as they were taken. ``shortest``: the shortest open way found through them. ``ahead``: straight on."""

    @property
    def spacing(self) -> float:
        """Distance of stations [m]."""
        return float(arc_length(self.stations)[-1] / (len(self.stations) - 1))

    @property
    def length(self) -> float:
        """[m]"""
        return float(arc_length(self.stations)[-1])

    def cut(self, count: int) -> "Way":
        """The first stations alone."""
        return Way(stations=self.stations[:count], looks=self.looks[:count], order=self.order)


def way_ahead(c2w: Float64[np.ndarray, "4 4"], heading: float, length: float) -> Way:
    """Straight on from a camera at its height, looking as it does.

    Args:
        c2w: Of the start photo, in the provisional frame.
        heading: Its yaw [rad].
        length: [m]
    """
    ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
    stations = c2w[:3, 3] + np.linspace(0, length, _station_count(length))[:, None] * ahead
    return Way(stations=stations, looks=np.tile(c2w[:3, 2], (len(stations), 1)), order="ahead")


def way_of_photos(c2w: Float64[np.ndarray, "n 4 4"], start: int) -> Way | None:
    """From the start photo on to the end of the way that leaves more of it (the later one where both leave as much).

    The way goes through the photos in their order where that is a walk, else along the shortest open way from the start photo.
    Its corners are rounded. None where the photos were all taken from about one spot.
    """
    if len(c2w) > MOST_PHOTOS:
        chosen = np.unique(np.append(np.linspace(0, len(c2w) - 1, MOST_PHOTOS).round().astype(np.int64), start))
        c2w, start = c2w[chosen], int(np.searchsorted(chosen, start))
    centres = c2w[:, :3, 3]
    order, kind = np.arange(len(c2w)), "photos"
    if not follows_a_walk(centres):
        order, kind = shortest_open_way(centres, start), "shortest"
    else:
        length = arc_length(centres)
        order = order[start:] if length[-1] - length[start] >= length[start] else order[start::-1]
    line, looks = centres[order], c2w[order, :3, 2]
    apart = np.concatenate([[True], np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-9])
    line, looks = line[apart], looks[apart]
    length = arc_length(line)
    if length[-1] < MIN_WAY or np.linalg.norm(line - line[0], axis=1).max() < MIN_WAY:
        return None
    even = even_stations(line, length[-1] / (_station_count(float(length[-1])) - 1))
    usual = float(np.median(np.diff(length)))
    sigma = float(np.clip(0.75 * usual, *ROUNDING)) / (length[-1] / (len(even) - 1))
    at = np.linspace(0, length[-1], len(even))
    directions = np.stack([np.interp(at, length, looks[:, axis]) for axis in range(3)], axis=1)
    return Way(stations=smoothed(even, sigma), looks=directions, order="photos" if kind == "photos" else "shortest")


def follows_a_walk(centres: Float[np.ndarray, "n 3"]) -> bool:
    """Whether photos, in their order, were taken along a way."""
    if len(centres) < 4:
        return True
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    between = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.fill_diagonal(between, np.inf)
    usual = max(float(np.median(between.min(axis=1))), MIN_WAY / 3)
    if (steps > FAR * usual).mean() <= FAR_SHARE:
        return True
    shortest = arc_length(centres[shortest_open_way(centres, 0)])[-1]
    return bool(steps.sum() <= DETOUR * shortest)


def shortest_open_way(centres: Float[np.ndarray, "n 3"], start: int) -> Int64[np.ndarray, "n"]:
    """An order that visits all from ``start`` on a short way: nearest neighbour, then 2-opt (Croes 1958)."""
    between = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    left = np.ones(len(centres), bool)
    order = [start]
    left[start] = False
    while left.any():
        order.append(int(np.where(left, between[order[-1]], np.inf).argmin()))
        left[order[-1]] = False
    way = np.array(order, np.int64)
    count = len(way)
    improved = True
    while improved:
        improved = False
        for i in range(1, count - 1):  # turning way[i..j] round replaces two legs; at the open end, one
            j = np.arange(i + 1, count)
            old = between[way[i - 1], way[i]] + np.where(j + 1 < count, between[way[j], way[np.minimum(j + 1, count - 1)]], 0)
            new = between[way[i - 1], way[j]] + np.where(j + 1 < count, between[way[i], way[np.minimum(j + 1, count - 1)]], 0)
            gain = old - new
            best = int(gain.argmax())
            if gain[best] > 1e-9:
                way[i : j[best] + 1] = way[i : j[best] + 1][::-1]
                improved = True
    return way


def _station_count(length: float) -> int:
    return int(np.clip(np.ceil(length / SPACING) + 1, 64, MOST_STATIONS))
