"""How long one unit of a frame is in metres: pieces of evidence, and the estimate they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import exp, hypot, log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from lyra_sim.errors import FrameError
from lyra_sim.geometry.consensus import largest_agreements

CONTRADICTION = 3.0
"""Two pieces contradict each other when they differ by more than this many of their combined standard deviations. Among
several pieces chance has more pairs to choose from, so :func:`contradiction_limit` is larger. Convention."""
METRIC_SIGMA = 0.01
"""Relative 1-sigma of input that is declared metric: surveys, trackers and depth cameras call this well a metre.
``metres_per_unit`` is exact unless it says otherwise. Convention."""
ASSUMED_SIGMA = 0.5
"""Relative 1-sigma of a scale that rests on an assumed camera height. Convention."""


def contradiction_limit(count: int) -> float:
    """Standard deviations by which two of ``count`` honest pieces may differ, at the error rate of two alone (Bonferroni)."""
    chance = 1 - NormalDist().cdf(CONTRADICTION)
    return max(CONTRADICTION, NormalDist().inv_cdf(1 - chance / max(count * (count - 1) / 2, 1)))


def camera_height_source(metres: float) -> str:
    """How a scale from the cameras' height is named: align finds capture's piece of evidence again by it."""
    return f"camera height {metres:g} m"


def assumed_height_source(metres: float) -> str:
    """The same for a height that nobody stated; :attr:`ScaleEstimate.assumed` knows it by its first word."""
    return f"assumed {camera_height_source(metres)}"


@dataclass(frozen=True, kw_only=True)
class ScaleEvidence:
    """One thing that tells the scale, on its own."""

    metres_per_unit: float
    sigma_relative: float
    """One standard deviation as a fraction of the value; 0 means exact by declaration."""
    source: str
    """``camera height 1.25 m``, ``GPS, 26 fixes``, ``known distance 0.90 m`` …"""
    used: bool = True
    """False: it contradicted the others and was left out, or it is a custom and there was something better."""
    custom: bool = False
    """What people and buildings are usually like, which nobody stated of this one: see ``alignment.usual_rooms``."""

    def __str__(self) -> str:
        return f"{self.source}: {self.metres_per_unit:.4g} m per unit ± {100 * self.sigma_relative:.2g} %"

    def to_json(self) -> dict[str, Any]:
        return {
            "metres_per_unit": self.metres_per_unit,
            "sigma_relative": self.sigma_relative,
            "source": self.source,
            "used": self.used,
            "custom": self.custom,
        }

    def sigmas_off(self, metres_per_unit: float, sigma_relative: float) -> float:
        """How far it lies from a scale with an error of its own, in combined standard deviations."""
        return abs(log(self.metres_per_unit / metres_per_unit)) / max(hypot(self.sigma_relative, sigma_relative), 1e-9)


@dataclass(frozen=True, kw_only=True)
class MarkerReading:
    """What markers in photos told of the scale, and what is to be said of those that didn't."""

    evidence: tuple[ScaleEvidence, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MarkedLength:
    """A length somebody measured between two points that photos show, to be found again in the geometry.

    Points are kept as normalised image coordinates, which hold for the photo as taken and for the undistorted view.
    """

    views: tuple[int, int]
    """The view each end is marked in."""
    rays: tuple[tuple[float, float], tuple[float, float]]
    """Undistorted (x/z, y/z) of each end in its view, OpenCV axes."""
    metres: float
    sigma_relative: float
    source: str
    """As in the evidence that comes of it."""


@dataclass(frozen=True, kw_only=True)
class ScaleEstimate:
    """Metres per unit of a frame, with where it comes from and how sure it is."""

    metres_per_unit: float
    sigma_relative: float
    """One standard deviation as a fraction of the value; 0 means exact by declaration."""
    source: str
    """What the estimate rests on: ``declared metric``, ``camera height 1.25 m``, ``assumed camera height 1.5 m`` …"""
    evidence: tuple[ScaleEvidence, ...] = ()
    """Every piece that was weighed; empty when the value was declared or assumed."""
    lengths: tuple[MarkedLength, ...] = ()
    """Measured lengths that dense depth tells better than what capture had; align takes them up."""

    @property
    def assumed(self) -> bool:
        """True when no evidence stands behind the value."""
        return self.source.startswith("assumed")

    def to_json(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "metres_per_unit": self.metres_per_unit,
            "sigma_relative": self.sigma_relative,
            "source": self.source,
            "evidence": [piece.to_json() for piece in self.evidence],
        }
        if self.lengths:
            facts["lengths"] = [vars(length) for length in self.lengths]
        return facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "ScaleEstimate":
        evidence = tuple(ScaleEvidence(**piece) for piece in facts["evidence"])
        lengths = tuple(
            MarkedLength(**{**length, "views": tuple(length["views"]), "rays": tuple(tuple(ray) for ray in length["rays"])})
            for length in facts.get("lengths", [])
        )
        return cls(**{**facts, "evidence": evidence, "lengths": lengths})


def combine(evidence: Sequence[ScaleEvidence], *, subject: str) -> ScaleEstimate:
    """The estimate that pieces of evidence add up to: their mean in the logarithm, weighted by 1/sigma².

    What stands is the largest set of pieces no two of which contradict each other; pieces outside it stay in the evidence
    as not used, but an exact declaration can't be outvoted. Where the set that stands disagrees more than chance would let
    it, the resulting sigma grows with the disagreement (Birge 1932). The order of the pieces doesn't matter.

    Raises:
        FrameError: No such set is larger than all others (two pieces against each other and none to decide), or an exact
            declaration lies outside it.
    """
    if not evidence:
        raise FrameError(subject, "nothing tells the scale", expected="at least one piece of evidence")
    pieces = sorted(evidence, key=lambda piece: (piece.sigma_relative, piece.source, piece.metres_per_unit))
    standing = _largest_agreement(pieces, subject)
    for index, piece in enumerate(pieces):
        if piece.sigma_relative == 0 and index not in standing:
            other = max(pieces, key=lambda other: _off(piece, other, len(pieces)))
            raise _contradiction(subject, piece, other, len(pieces))
    used = [piece for index, piece in enumerate(pieces) if index in standing]
    value, sigma = _weighted_mean(used)
    return ScaleEstimate(
        metres_per_unit=value,
        sigma_relative=sigma,
        source=" + ".join(dict.fromkeys(piece.source for piece in used)),
        evidence=tuple(replace(piece, used=index in standing) for index, piece in enumerate(pieces)),
    )


def _weighted_mean(pieces: Sequence[ScaleEvidence]) -> tuple[float, float]:
    exact = [piece for piece in pieces if piece.sigma_relative == 0]
    if exact or len(pieces) == 1:
        return (exact or pieces)[0].metres_per_unit, (exact or pieces)[0].sigma_relative
    logs, weights = [log(piece.metres_per_unit) for piece in pieces], [piece.sigma_relative**-2 for piece in pieces]
    mean = sum(weight * value for weight, value in zip(weights, logs, strict=True)) / sum(weights)
    chi_squared = sum(weight * (value - mean) ** 2 for weight, value in zip(weights, logs, strict=True))
    return exp(mean), sqrt(max(1.0, chi_squared / (len(pieces) - 1)) / sum(weights))


def _off(a: ScaleEvidence, b: ScaleEvidence, count: int) -> float:
    """How far two of ``count`` pieces lie apart, in what they may at the most."""
    apart = abs(log(a.metres_per_unit / b.metres_per_unit))
    return apart / max(contradiction_limit(count) * hypot(a.sigma_relative, b.sigma_relative), 1e-9)


def _largest_agreement(pieces: Sequence[ScaleEvidence], subject: str) -> frozenset[int]:
    off = np.array([[_off(one, other, len(pieces)) for other in pieces] for one in pieces])
    largest = largest_agreements(off > 1)
    if len(largest) == 1:
        return largest[0]
    pairs = combinations(range(len(pieces)), 2)
    first, second = max((pair for pair in pairs if off[pair] > 1), key=lambda pair: (off[pair], pair))
    raise _contradiction(subject, pieces[first], pieces[second], len(pieces))


def _contradiction(subject: str, first: ScaleEvidence, second: ScaleEvidence, count: int) -> FrameError:
    return FrameError(
        subject,
        f"what tells the scale contradicts itself: {first}, but {second}",
        expected=f"agreement within {contradiction_limit(count):.2g} sigma, or a third piece that decides",
        likely="A length or a marker was measured in another unit, or a pixel doesn't lie where it was meant to.",
        next_step="Check both, leave one out, or add a third: a known distance, a marker, a camera height.",
    )
