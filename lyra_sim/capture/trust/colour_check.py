"""Does the colour belong to the depth? What two views agree about in depth has to look alike in both.

Nothing else tells: cameras and depth may be right to the millimetre, and the colour a few frames late or of a camera beside.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float32, Int64

from lyra_sim.data.views import Views
from lyra_sim.errors import FrameError

ALIKE = 0.85
"""Correlation of brightness below which other readings are tried. Measured on aligned colour: 0.97 in the photo-real living
room and the rendered house, 0.92 in the warehouse and a room of plain boxes. A lag of one frame leaves 0.81, 0.76, 0.61 and
0.01 of these, one of three frames 0.67, 0.64, 0.41 and 0.01, a shift by a twentieth of the width 0.65, 0.79, 0.65 and 0.30.
Tuned on livingroom and the AWS worlds."""
FITS, LEFT = 0.6, 0.6
"""Another reading is named from this correlation, when it leaves at most this share unexplained of what as read does. Right
colour that is dark, noisy or glossy correlates less, and no other reading of it fits better. Tuned, unrecorded."""
LAGS = (1, -1, 2, -2, 3, -3, 4, -4, 5, -5)
"""Frames that colour is tried late by; negative: early. Convention."""
SHIFTS = tuple(step * 0.015 for step in range(-8, 9))
"""Shifts of the colour image that are tried, in widths of it, across and down."""
LEAST_POINTS = 100
"""A pair of views with less in common says nothing. Convention."""
TRIED_POINTS = 1000
"""Points of a pair by which other readings are ranked; the best is then measured on all. Convention."""
LEAST_CONTRAST = 6.0
"""Standard deviation of the brightness in a pair, below which there is nothing to compare [0..255]. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class SamePoints:
    """Points that two views see at the same depth, and where."""

    source: int
    target: int
    source_pixels: Int64[np.ndarray, "m 2"]
    """Column and row in depth images thinned by ``step``."""
    target_pixels: Int64[np.ndarray, "m 2"]

    @property
    def thinned(self) -> "SamePoints":
        """At most ``TRIED_POINTS`` of them, evenly."""
        every = -(-max(1, len(self.source_pixels)) // TRIED_POINTS)
        return replace(self, source_pixels=self.source_pixels[::every], target_pixels=self.target_pixels[::every])


def check_colour(same: list[SamePoints], views: Views, *, step: int, subject: str, scene: str) -> float | None:
    """Correlation of brightness between views of the same points; None where nothing can be compared.

    Args:
        same: Of the pairs whose depth agrees.
        views: Their colours.
        step: Every how many pixels depth was taken.
        subject: The folder of the colour images, for the message.
        scene: For the message.

    Raises:
        FrameError: Another reading of the colour images fits clearly better; it is named.
    """

    @cache
    def grey(index: int) -> Float32[np.ndarray, "h w"]:
        return views.rgb(index)[::step, ::step].mean(axis=2, dtype=np.float32)

    def correlation(pairs: list[SamePoints], lag: int = 0, shift: tuple[int, int] = (0, 0)) -> float:
        shares, weights = [0.0], [0]
        for pair in pairs:
            i, j = pair.source + lag, pair.target + lag
            if not (0 <= i < len(views) and 0 <= j < len(views)):
                continue
            a, b, inside = _both(grey(i), grey(j), pair, shift)
            if inside < LEAST_POINTS or min(a.std(), b.std()) < LEAST_CONTRAST:
                continue
            shares.append(float(np.corrcoef(a, b)[0, 1]) * inside)
            weights.append(inside)
        return sum(shares) / sum(weights) if sum(weights) else float("nan")

    read = correlation(same)
    if not read < ALIKE:
        return None if np.isnan(read) else read
    few = [pair.thinned for pair in same]
    tried: list[tuple[float, str, str, int, tuple[int, int]]] = []
    for lag in LAGS:
        frames = f"{abs(lag)} frame{'s' * (abs(lag) > 1)}"
        late = f"lags {frames} behind" if lag > 0 else f"runs {frames} ahead"
        fix = f"Give depth image k the colour image k {'+' if lag > 0 else '-'} {abs(lag)}"
        tried.append((correlation(few, lag=lag), f"colour that {late}", fix, lag, (0, 0)))
    width = grey(same[0].source).shape[1]
    for across in SHIFTS:
        for down in SHIFTS:
            shift = (round(across * width), round(down * width))
            name = f"colour shifted by about {shift[0] * step} px across and {shift[1] * step} px down"
            tried.append((correlation(few, shift=shift), name, "Register the depth to the colour camera", 0, shift))
    _, best, fix, lag, shift = max(tried, key=lambda entry: float(np.nan_to_num(entry[0], nan=-1.0)))
    fits = correlation(same, lag, shift)
    if not fits >= FITS or 1 - fits > LEFT * (1 - read):
        return read
    raise FrameError(
        subject,
        f"brightness of points that two views see at the same depth correlates by {read:.2f}",
        expected=f"> {ALIKE:g}",
        likely=f"Cameras and depth agree, the colour belongs to other depth: read as {best}, it would correlate by {fits:.2f}.",
        next_step=f"{fix} for scene '{scene}'.",
    )


def _both(
    first: Float32[np.ndarray, "h w"], second: Float32[np.ndarray, "h w"], pair: SamePoints, shift: tuple[int, int]
) -> tuple[Float32[np.ndarray, "m"], Float32[np.ndarray, "m"], int]:
    """Brightness of the points in both views that lie in both after a shift, and how many do."""
    size = np.array(first.shape[::-1])
    at = [pixels + np.array(shift) for pixels in (pair.source_pixels, pair.target_pixels)]
    inside = np.all([(pixels >= 0).all(axis=1) & (pixels < size).all(axis=1) for pixels in at], axis=0)
    a, b = (image[pixels[inside, 1], pixels[inside, 0]] for image, pixels in zip((first, second), at, strict=True))
    return a, b, int(inside.sum())
