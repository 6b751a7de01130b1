"""Which way is up, from how people hold cameras."""

import numpy as np
from jaxtyping import Float64

ROLL_SIGMA_DEG = 3.0
"""Cameras are held level to about this: their right vectors lie in the horizontal plane. Convention."""
PITCH_SIGMA_DEG = 20.0
"""They look up and down by about this; only where all share one heading does it decide anything. Convention."""
SYSTEMATIC_DEG = 0.5
"""A camera that is always held a little askew isn't averaged out. Convention."""
MIN_WALLS = 500
"""Samples of upright surfaces that tell a vertical. Tuned, unrecorded."""
MIN_WALL_SPREAD = 0.05
"""Share of them that must face another way than the rest. Tuned, unrecorded."""
WALL_PIECES = 30
"""Independent pieces the walls of a scene count as. Tuned, unrecorded."""


def up_from_cameras(c2w: Float64[np.ndarray, "n 4 4"]) -> tuple[Float64[np.ndarray, "3"], float]:
    """The up direction of the cameras' world and its one-sigma error [degrees].

    The direction most orthogonal to every camera's right vector, whatever the cameras' pitch (Szeliski 2006), with a weak
    wish that forward vectors are level too. With headings all round the right vectors decide alone, where the mean
    camera up would be off by the pitch people hold their cameras at; with one heading the wish makes it the mean camera up.
    """
    right, forward = c2w[:, :3, 0], c2w[:, :3, 2]
    roll, pitch = np.radians(ROLL_SIGMA_DEG), np.radians(PITCH_SIGMA_DEG)
    spread = right.T @ right / len(c2w)
    _, vectors = np.linalg.eigh(spread / roll**2 + forward.T @ forward / len(c2w) / pitch**2)
    up = vectors[:, 0]
    seen_up = -c2w[:, :3, 1].mean(axis=0)
    if abs(up @ seen_up) < 0.1:  # looking straight down or up, all headings: people look down
        seen_up = -forward.mean(axis=0)
    up = up * (1.0 if up @ seen_up >= 0 else -1.0)
    found_roll = max(float(np.sqrt(np.mean((right @ up) ** 2))), np.radians(SYSTEMATIC_DEG))
    # curvature of the fit along its softest direction, at the roll that was found, and what the wish alone would know
    soft = vectors[:, 1]
    by_roll = float(soft @ spread @ soft) * len(c2w) / found_roll**2
    by_pitch = float(np.mean((forward @ soft) ** 2)) / pitch**2
    sigma = np.degrees(1 / np.sqrt(max(by_roll + by_pitch, 1e-9)))
    return up, float(min(np.hypot(sigma, SYSTEMATIC_DEG), 90.0))


def up_from_walls(
    normals: Float64[np.ndarray, "n 3"], up: Float64[np.ndarray, "3"]
) -> tuple[Float64[np.ndarray, "3"], float] | None:
    """The vertical that upright surfaces share, near ``up``, and its one-sigma error [degrees]; None with walls one way only.

    It is what walls' normals are orthogonal to. Buildings are plumb where the ground between them slopes.
    """
    found, sigma = up / np.linalg.norm(up), 90.0
    for within_deg in (20.0, 15.0, 12.0):
        walls = normals[np.abs(normals @ found) < np.sin(np.radians(within_deg))]
        if len(walls) < MIN_WALLS:
            return None
        values, vectors = np.linalg.eigh(walls.T @ walls / len(walls))
        if values[1] < MIN_WALL_SPREAD:
            return None
        found = vectors[:, 0] * np.sign(vectors[:, 0] @ found)
        # normals on one wall err together: as if there were no more than a few dozen of them
        sigma = float(np.degrees(np.sqrt(values[0] / values[1] / WALL_PIECES)))
    return found, float(np.hypot(sigma, SYSTEMATIC_DEG))


def blend_directions(
    a: Float64[np.ndarray, "3"], a_sigma_deg: float, b: Float64[np.ndarray, "3"], b_sigma_deg: float
) -> tuple[Float64[np.ndarray, "3"], float]:
    """Two estimates of one direction, weighted by 1/sigma²; and the sigma [degrees] of the result."""
    weight_a, weight_b = a_sigma_deg**-2, b_sigma_deg**-2
    mean = weight_a * a + weight_b * b
    return mean / np.linalg.norm(mean), float((weight_a + weight_b) ** -0.5)
