"""How high cameras are held over the ground along the way: people don't grow, but scales jump."""

from itertools import pairwise

import numpy as np

from lyra_sim.capture.trust.rigid_parts import named
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.geometry.gravity import up_from_cameras
from lyra_sim.geometry.sparse_floor import find_sparse_floor

STRETCH = 10
"""Photos in a row whose points make one piece of ground."""
JUMP = 1.35
"""Ratio of heights over neighbouring pieces worth a word. Measured: false joints 1.3 to 1.9, right models to 1.17
where ground is seen; where a sofa is taken for it, 2.7."""


def ground_findings(posed: PosedPhotos) -> tuple[tuple[str, ...], dict[str, float]]:
    """Sentences and figures on the camera height along photos in the order of a walk.

    Stairs, kerbs, lifted cameras and furniture taken for ground change it too, so it is a hint and opens no joint by itself.
    """
    up, sigma = up_from_cameras(posed.c2w)
    heights: list[tuple[int, float]] = []
    for first in range(0, len(posed) - STRETCH + 1, STRETCH):
        window = np.arange(first, first + STRETCH)
        rows = np.unique(posed.sparse.point_index[np.isin(posed.sparse.view_index, window)])
        centres = posed.centres[window]
        points = posed.sparse.points[rows]
        points = points[np.argsort(np.linalg.norm(points - centres[0], axis=1))]  # planes are tried by row: one order for all
        floor = find_sparse_floor(points, centres, up=up, up_sigma_deg=min(sigma, 3.0))
        if floor is not None:
            heights.append((first, float(np.median(centres @ floor.normal)) - floor.height))
    findings, largest = [], 1.0
    for (before, low), (after, high) in pairwise(heights):
        ratio = max(high / low, low / high)
        largest = max(largest, ratio)
        if ratio > JUMP:
            there, here = (named(posed.names, tuple(range(first, first + STRETCH))) for first in (before, after))
            findings.append(
                f"the cameras are {high / low:.2g}x as high above the ground from {here} as from {there}: "
                "stairs, or the scale jumps"
            )
    return tuple(findings), {"camera_height_jump": largest} if len(heights) > 1 else {}
