"""Which way a building lies: the heading its walls share."""

import numpy as np
from jaxtyping import Float64

UPRIGHT_DEG = 10.0
"""A surface is a wall when its normal is level to within this. Convention."""
MIN_SAMPLES = 200
"""Fewer samples of walls tell no heading. Convention."""
NEAR_DEG = 5.0
"""Walls belong to the common heading when they are within this of it, modulo a quarter turn. Tuned, unrecorded."""
MIN_SHARE = 0.3
"""… and this share of them must; walls facing every way would have 0.11 of them there. Tuned, unrecorded."""


def heading_of_walls(normals: Float64[np.ndarray, "n 3"]) -> float | None:
    """The least turn about z [rad] that brings the walls' common heading onto the x or y axis; None when they share none.

    Args:
        normals: Unit normals of surface samples in a z-up frame, one vote each.

    Most buildings have walls in two directions at right angles (Coughlan and Yuille 1999). In a frame that follows them,
    walls lie along voxels and map cells: slabs and boxes fit them, and no map shows them as stairs.
    """
    walls = normals[np.abs(normals[:, 2]) < np.sin(np.radians(UPRIGHT_DEG))]
    if len(walls) < MIN_SAMPLES:
        return None
    quarter = np.degrees(np.arctan2(walls[:, 1], walls[:, 0])) % 90
    votes = np.bincount(quarter.astype(int) % 90, minlength=90)
    smooth = sum(np.roll(votes, shift) for shift in (-2, -1, 0, 1, 2))
    heading = float(np.argmax(smooth)) + 0.5
    for _ in range(5):
        off = (quarter - heading + 45) % 90 - 45
        near = np.abs(off) < NEAR_DEG
        heading += float(np.median(off[near]))
    if near.mean() < MIN_SHARE:
        return None
    return float(np.radians(-((heading + 45) % 90 - 45)))
