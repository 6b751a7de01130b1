"""Do the cameras lie where the photos' GPS fixes say, up to a similarity?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.similarity_fit import fit_similarity

LEAST_FIXES = 5
"""Fixes it takes to compare at all: a similarity has as many unknowns as two of them and a bit. Derived."""
LEAST_EXTENT_M = 25.0
"""Diagonal of the fixes below which their noise, some 5 m, says nothing [m]. Tuned on the photo sets."""
NOISE_M = 8.0
"""Error of a phone's fix that is nothing unusual in a street [m]. Convention."""
CONTRADICTED_SHARE = 0.6
"""When fewer of the fixes than this fit, it isn't the fixes that are wrong. Tuned on the photo sets."""
CONTRADICTED_RMS = 0.12
"""Residual as a share of the fixes' extent from which the model contradicts them, if it is above their noise as well.
Tuned on the photo sets."""
TRIES = 300
"""Triples of fixes that are tried for a first fit. Convention."""


@dataclass(frozen=True, kw_only=True)
class GpsAgreement:
    """How cameras and fixes agree after the similarity that fits most of them."""

    rms_m: float
    """Root mean square distance of the fixes that fit [m]."""
    fits: Bool[np.ndarray, "n"]
    """Photos whose fix fits."""
    fixes: int
    """Photos with a fix."""
    extent_m: float
    """Diagonal of the fixes' box [m]."""
    halves: float
    """Metres per unit of the later half over the earlier half's; NaN when a half has too few fixes."""

    @property
    def contradicted(self) -> bool:
        """Whether the model can't be right if the fixes are."""
        too_far = self.rms_m > max(NOISE_M * 1.5, CONTRADICTED_RMS * self.extent_m)
        return bool(too_far or self.fits.sum() < CONTRADICTED_SHARE * self.fixes)


def gps_agreement(
    centres: Float64[np.ndarray, "n 3"], geo: Float64[np.ndarray, "n 3"] | None, *, seed: int = 0
) -> GpsAgreement | None:
    """Camera centres against fixes; None when there are too few fixes or they lie too close together to tell anything.

    Args:
        centres: In any frame and unit.
        geo: East, north, up [m]; NaN rows without a fix that may be believed.
        seed: Of the triples.
    """
    if geo is None:
        return None
    known = np.flatnonzero(np.isfinite(geo).all(axis=1))
    if len(known) < LEAST_FIXES:
        return None
    b, a = centres[known], geo[known]
    extent = float(np.linalg.norm(np.ptp(a, axis=0)))
    if extent < LEAST_EXTENT_M:
        return None
    fitted = _robust_fit(b, a, seed)
    if fitted is None:
        return None
    away, close = fitted
    fits = np.zeros(len(centres), bool)
    fits[known] = close
    half = len(known) // 2
    earlier, later = (_scale(b[rows], a[rows]) for rows in (np.flatnonzero(close[:half]), half + np.flatnonzero(close[half:])))
    return GpsAgreement(
        rms_m=float(np.sqrt(np.mean(away[close] ** 2))),
        fits=fits,
        fixes=len(known),
        extent_m=extent,
        halves=later / earlier,
    )


def _robust_fit(
    b: Float64[np.ndarray, "n 3"], a: Float64[np.ndarray, "n 3"], seed: int
) -> tuple[Float64[np.ndarray, "n"], Bool[np.ndarray, "n"]] | None:
    """Distances and the fixes that fit, by the similarity of least median distance (Rousseeuw 1984), then by those."""
    rng = np.random.default_rng(seed)
    best, least = None, np.inf
    for _ in range(TRIES):
        try:
            tried = fit_similarity(b[(rows := rng.choice(len(b), 3, replace=False))], a[rows])
        except GeometryError:  # three in a line say nothing
            continue
        middle = float(np.median(_distances(tried, b, a)))
        if middle < least:
            best, least = tried, middle
    if best is None:
        return None
    for _ in range(5):
        away = _distances(best, b, a)
        close = away <= max(2.5 * 1.48 * float(np.median(away)), NOISE_M)
        try:
            best = fit_similarity(b[close], a[close])
        except GeometryError:
            return None
    away = _distances(best, b, a)
    return away, away <= max(2.5 * 1.48 * float(np.median(away)), NOISE_M)


def _distances(a_from_b: Similarity, b: Float64[np.ndarray, "n 3"], a: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    return np.linalg.norm(a_from_b.apply(b) - a, axis=1)


def _scale(b: Float64[np.ndarray, "n 3"], a: Float64[np.ndarray, "n 3"]) -> float:
    """Ratio of extents, whatever the shape; NaN for a few fixes or fixes within their noise."""
    if len(b) < 4 or np.linalg.norm(np.ptp(a, axis=0)) < LEAST_EXTENT_M:
        return float(np.nan)
    spread_b, spread_a = (float(np.sqrt(((x - x.mean(axis=0)) ** 2).sum())) for x in (b, a))
    return spread_a / spread_b if spread_b > 0 else float(np.nan)
