"""Motion without jerks: easing, smoothing that leaves the ends where they are, and even steps along a line."""

import numpy as np
from jaxtyping import Float, Float64
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

EASE = 0.2
"""Share of a move that is spent gaining speed, and again losing it. Convention."""

BEND = 0.3
"""Radius of the bends that are passed at five sixths of full speed; tighter ones more slowly [m]. Tuned, unrecorded."""

EVEN = 1.4
"""Who slows down in bends slows down before and after, too, until the fastest stretch is no more than so many times as fast as
the mean: a video that races between its bends shows little of what lies there. Convention."""


def smoother_step(x: Float[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """0 to 1 for x from 0 to 1, with zero first and second derivative at both ends (Perlin 2002)."""
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return x**3 * (x * (6 * x - 15) + 10)


def eased(count: int) -> Float64[np.ndarray, "count"]:
    """Share of the way done at each of ``count`` frames: it sets out and arrives at rest, and moves evenly between.

    Its steps are at most ``1 / (1 - EASE)`` times as long as even ones.
    """
    middle = (np.arange(count - 1) + 0.5) / (count - 1)
    speed = smoother_step(middle / EASE) * smoother_step((1 - middle) / EASE)
    done = np.concatenate([[0.0], np.cumsum(speed)])
    return done / done[-1]


def smoothed(values: Float[np.ndarray, "m k"], sigma: float) -> Float64[np.ndarray, "m k"]:
    """Gaussian smoothing along the first axis; both ends stay exactly where they are.

    Args:
        values: Evenly spaced samples.
        sigma: In samples.

    The samples are continued beyond an end by their point reflection in it, which is odd about the end and so averages to it.
    """
    values = np.asarray(values, np.float64)
    reach = min(int(np.ceil(4 * sigma)), len(values) - 1)
    if reach < 1 or sigma < 0.1:  # narrower than a sample
        return values.copy()
    before = 2 * values[0] - values[reach:0:-1]
    after = 2 * values[-1] - values[-2 : -2 - reach : -1]
    wide = gaussian_filter1d(np.concatenate([before, values, after]), sigma, axis=0, mode="nearest", radius=reach)
    inner = wide[reach : reach + len(values)]
    inner[[0, -1]] = values[[0, -1]]
    return inner


def arc_length(points: Float[np.ndarray, "m 3"]) -> Float64[np.ndarray, "m"]:
    """Length of the line of points up to each of them."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def even_stations(points: Float[np.ndarray, "m 3"], spacing: float) -> Float64[np.ndarray, "s 3"]:
    """Points evenly spaced along a line of straight pieces, at most ``spacing`` apart, both ends among them."""
    length = arc_length(points)
    kept = np.concatenate([[True], np.diff(length) > 0])
    at = np.linspace(0.0, length[-1], max(2, int(np.ceil(length[-1] / spacing)) + 1))
    return np.stack([np.interp(at, length[kept], points[kept, axis]) for axis in range(3)], axis=1)


def slowed_length(
    points: Float[np.ndarray, "m 3"], turned: Float[np.ndarray, "m"] | None = None, *, per_radian: float = 0.0
) -> Float64[np.ndarray, "m"]:
    """Length of the line up to each point, counted longer where it bends: who passes it evenly slows down in bends.

    A bend of radius r is passed at (1 + (``BEND`` / r)²)^-1/4 of full speed v, so that nothing pulls sideways by more than
    v² / ``BEND``.

    Args:
        points: Evenly spaced.
        turned: By how much a gaze has turned up to each point [rad]; who turns slows down, too.
        per_radian: A turn by one radian takes as long as this much of a straight way, or longer [m].
    """
    length = arc_length(points)
    if len(points) < 3 or length[-1] <= 0:
        return length
    spacing = length[-1] / (len(points) - 1)
    headings = np.gradient(points, axis=0)
    headings /= np.maximum(np.linalg.norm(headings, axis=1, keepdims=True), 1e-12)
    bend = np.linalg.norm(np.gradient(headings, axis=0), axis=1) / np.maximum(np.gradient(length), 1e-3 * spacing)
    slowness = (1 + (BEND * bend) ** 2) ** 0.25
    reach = BEND / 2 / spacing
    if turned is not None:
        slowness = np.maximum(slowness, per_radian * np.gradient(turned) / spacing)
    slowness = gaussian_filter1d(maximum_filter1d(slowness, 1 + 2 * int(reach), mode="nearest"), reach, mode="nearest")
    slowness = np.maximum(slowness, _evened(slowness))
    mean = (slowness[1:] + slowness[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(mean * np.diff(length))])


def _evened(slowness: Float[np.ndarray, "m"]) -> float:
    """The least that straight stretches are slowed down to, for the whole to be no more than ``EVEN`` times as slow."""
    sorted_ = np.sort(slowness)
    # With the lowest k raised to a floor f: k f + (sum of the rest) = EVEN n f.
    n, rest = len(sorted_), np.cumsum(sorted_[::-1])[::-1]
    floors = rest / (EVEN * n - np.arange(n))
    return float(floors.max())


def along(
    points: Float[np.ndarray, "m 3"], shares: Float[np.ndarray, "n"], slowed: Float[np.ndarray, "m"] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Where the line is after each share of its slowed length, and the (fractional) index of the point there.

    Args:
        points: Evenly spaced.
        shares: 0..1.
        slowed: Slowed length up to each point, where it isn't that of the bends alone.

    Returns:
        Positions (n, 3) on the cubic spline through the points, and indices (n,).
    """
    length, slowed = arc_length(points), slowed_length(points) if slowed is None else slowed
    index = np.arange(len(points), dtype=np.float64)
    kept = np.concatenate([[True], np.diff(length) > 1e-12])
    wanted = PchipInterpolator(slowed[kept], length[kept])(shares * slowed[-1])
    return CubicSpline(length[kept], points[kept])(wanted), np.interp(wanted, length[kept], index[kept])
