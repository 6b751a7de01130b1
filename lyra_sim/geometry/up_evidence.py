"""Which way is up: pieces of evidence, each with its error, and the estimate they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.errors import FrameError
from lyra_sim.geometry.consensus import largest_agreements

CONTRADICTION = 3.0
"""Two pieces contradict each other when they lie further apart than this many of their combined standard deviations …
Convention."""
LEAST_CONTRADICTION_DEG = 2.0
"""… and further than this: floors drain, walls lean and nobody calls either wrong. Convention."""


@dataclass(frozen=True, kw_only=True)
class UpEvidence:
    """One thing that tells the vertical, on its own."""

    direction: tuple[float, float, float]
    """Unit, up, in whatever frame all pieces share."""
    sigma_deg: float
    """One standard deviation of its tilt about either horizontal axis."""
    source: str
    """``floor plane``, ``walls``, ``cameras``, ``declared z`` …"""
    used: bool = True
    """False: it contradicted the others and was left out."""

    def tilt_deg(self, other: Float64[np.ndarray, "3"]) -> float:
        """Angle to another direction [degrees]."""
        return angle_deg(np.array(self.direction), other)


@dataclass(frozen=True, kw_only=True)
class UpEstimate:
    """The vertical, how sure it is, and what it rests on."""

    direction: tuple[float, float, float]
    """Unit, up."""
    sigma_deg: float
    """One standard deviation of its tilt about either horizontal axis."""
    evidence: tuple[UpEvidence, ...]
    """Every piece that was weighed, the surest first."""
    undecided: bool = False
    """Pieces contradict each other and no majority decides; the surest were followed."""

    def used(self, source: str) -> bool:
        """Whether a piece whose source begins so is part of the estimate."""
        return any(piece.used and piece.source.startswith(source) for piece in self.evidence)

    def to_json(self) -> dict[str, Any]:
        return {
            "direction": list(self.direction),
            "sigma_deg": self.sigma_deg,
            "undecided": self.undecided,
            "evidence": [{**vars(piece), "direction": list(piece.direction)} for piece in self.evidence],
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "UpEstimate":
        pieces = tuple(UpEvidence(**{**piece, "direction": tuple(piece["direction"])}) for piece in facts["evidence"])
        return cls(**{**facts, "direction": tuple(facts["direction"]), "evidence": pieces})


def up_piece(direction: Float64[np.ndarray, "3"], sigma_deg: float, source: str) -> UpEvidence:
    """Evidence from a direction of any length."""
    x, y, z = (float(value) for value in direction / np.linalg.norm(direction))
    return UpEvidence(direction=(x, y, z), sigma_deg=sigma_deg, source=source)


def angle_deg(a: Float64[np.ndarray, "3"], b: Float64[np.ndarray, "3"]) -> float:
    """Angle between two unit vectors [degrees], exact for small ones too."""
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def combine_up(evidence: Sequence[UpEvidence], *, subject: str) -> UpEstimate:
    """The direction that pieces of evidence add up to: their mean, weighted by 1/sigma².

    What stands is the largest set of pieces no two of which contradict each other. Where two such sets tie, the surer one is
    followed and the result is marked undecided, with a sigma that reaches the other: unlike a wrong scale, a wrong vertical
    shows, and a sloping floor is no mistake of anybody's. Where the set that stands disagrees more than chance would let it,
    sigma grows with the disagreement (Birge 1932). The order of the pieces doesn't matter.

    Raises:
        FrameError: There is no evidence.
    """
    if not evidence:
        raise FrameError(subject, "nothing tells which way is up", expected="at least one piece of evidence")
    pieces = sorted(evidence, key=lambda piece: (piece.sigma_deg, piece.source, piece.direction))
    directions = np.array([piece.direction for piece in pieces], np.float64)
    sigmas = np.array([piece.sigma_deg for piece in pieces], np.float64)
    apart = np.array([[angle_deg(a, b) for b in directions] for a in directions])
    allowed = np.maximum(CONTRADICTION * np.hypot(sigmas[:, None], sigmas), LEAST_CONTRADICTION_DEG)
    camps = largest_agreements(apart > allowed)
    means = [_weighted_mean(directions[sorted(camp)], sigmas[sorted(camp)]) for camp in camps]
    order = sorted(range(len(camps)), key=lambda index: (means[index][1], sorted(camps[index])))
    direction, sigma_deg = means[order[0]]
    standing = camps[order[0]]
    if len(camps) > 1:
        sigma_deg = hypot(sigma_deg, max(angle_deg(direction, means[index][0]) for index in order[1:]) / 2)
    x, y, z = (float(value) for value in direction)
    return UpEstimate(
        direction=(x, y, z),
        sigma_deg=sigma_deg,
        evidence=tuple(UpEvidence(**{**vars(piece), "used": index in standing}) for index, piece in enumerate(pieces)),
        undecided=len(camps) > 1,
    )


def _weighted_mean(directions: np.ndarray, sigmas: np.ndarray) -> tuple[np.ndarray, float]:
    exact = sigmas == 0
    if exact.any():
        return directions[exact][0], 0.0
    weights = sigmas**-2
    mean = (weights[:, None] * directions).sum(axis=0)
    mean /= np.linalg.norm(mean)
    freedom = 2 * (len(directions) - 1)
    chi_squared = float(sum(angle_deg(one, mean) ** 2 * weight for one, weight in zip(directions, weights, strict=True)))
    grown = max(1.0, chi_squared / freedom) if freedom else 1.0
    return mean, float(np.sqrt(grown / weights.sum()))
