"""The vertical of the metric world: everything that tells it, weighed, and which of it the world is levelled with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot
from typing import Literal

import numpy as np
from jaxtyping import Float64

from lyra_sim.geometry.floor import Floor
from lyra_sim.geometry.gravity import up_from_cameras, up_from_walls
from lyra_sim.geometry.up_evidence import UpEstimate, UpEvidence, angle_deg, combine_up, up_piece

FLOOR_LEVEL_DEG = 0.3
"""Floors in buildings are level to about this. Convention."""
GROUND_LEVEL_DEG = 1.0
"""Ground known from estimated depth, which is often a street's, is level to about this. Convention."""
DECLARED_SIGMA_DEG = 1.0
"""An up axis that somebody declared is the vertical to about this: trackers know gravity so well, modellers better.
Convention."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """Which way is up in the reconstruction's frame."""

    up: Float64[np.ndarray, "3"]
    """Unit: what the world is levelled with."""
    follows: Literal["floor", "declared", "others"]
    estimate: UpEstimate
    """What the evidence adds up to, in the same frame; its sigma covers what ``up`` differs from its mean."""

    def moved(self, rotation: Float64[np.ndarray, "3 3"]) -> UpEstimate:
        """The evidence in a turned frame, the direction being the one that was followed."""
        pieces = tuple(
            UpEvidence(**{**vars(piece), "direction": _turned(rotation, np.array(piece.direction))})
            for piece in self.estimate.evidence
        )
        return replace(self.estimate, direction=_turned(rotation, self.up), evidence=pieces)


def _turned(rotation: np.ndarray, direction: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 9) + 0.0 for value in rotation @ direction)
    return x, y, z


def up_evidence(
    floor: Floor,
    normals: Float64[np.ndarray, "n 3"],
    c2w: Float64[np.ndarray, "m 4 4"] | None,
    *,
    declared: Float64[np.ndarray, "3"] | None,
    source: str,
    estimated: bool,
) -> list[UpEvidence]:
    """Floor, walls, cameras and declared axis, as far as they are there.

    Args:
        floor: The main floor.
        normals: Of the surface samples.
        c2w: The cameras, in the same frame; None where they are virtual, level by construction.
        declared: The axis the scene file calls up, if it does.
        source: How the provisional up is named; ``declared z``, where it was declared.
        estimated: Depth was computed from photos.
    """
    flat = GROUND_LEVEL_DEG if estimated else FLOOR_LEVEL_DEG
    pieces = [up_piece(floor.normal, hypot(floor.tilt_sigma_deg, flat), "floor plane")]
    if c2w is not None:
        pieces.append(up_piece(*up_from_cameras(c2w), "level cameras"))
    walls = up_from_walls(normals, floor.normal)
    if walls is not None:
        pieces.append(up_piece(*walls, "plumb walls"))
    if declared is not None:
        pieces.append(up_piece(declared, DECLARED_SIGMA_DEG, source))
    return pieces


def level_with(
    pieces: Sequence[UpEvidence],
    floor: Float64[np.ndarray, "3"],
    *,
    declared: Float64[np.ndarray, "3"] | None,
    max_tilt_deg: float,
    subject: str,
) -> Level:
    """Weigh the pieces and choose what to level the world with.

    A robot's map lies on the floor, so the floor's own normal is followed as long as it belongs to what agrees: its
    difference from the mean is within the error of both. A declared axis goes before it where the floor tilts less than
    ``max_tilt_deg``, because then the input's frame can be kept. Where the others outvote the floor, it slopes.
    """
    estimate = combine_up(pieces, subject=f"{subject}: up")
    mean = np.array(estimate.direction)
    if declared is not None and estimate.used("declared"):
        tilt_deg = angle_deg(declared / np.linalg.norm(declared), floor)
        if tilt_deg <= max_tilt_deg or not estimate.used("floor"):
            return _level(declared / np.linalg.norm(declared), "declared", estimate)
    if estimate.used("floor"):
        return _level(floor, "floor", estimate)
    return _level(mean, "others", estimate)


def _level(up: np.ndarray, follows: Literal["floor", "declared", "others"], estimate: UpEstimate) -> Level:
    off = angle_deg(up, np.array(estimate.direction)) / np.sqrt(2)  # a tilt about some axis, as one about either
    return Level(up=up, follows=follows, estimate=replace(estimate, sigma_deg=float(hypot(estimate.sigma_deg, off))))
