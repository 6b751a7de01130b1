"""The ceiling over a floor, from oriented surface samples."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.geometry.floor import BAND, Floor

FACING_DEG = 15.0
"""A sample may be ceiling when its normal lies within this of straight down. Tuned, unrecorded."""
LEAST_SHARE = 0.15
"""Least area of a ceiling, as a share of the floor that was seen: less is the underside of a shelf or an awning.
Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The largest layer of downward surface above the cameras."""

    height: float
    """Above the floor [frame units]."""
    share: float
    """Its area over that of the floor."""


def find_ceiling(
    points: Float64[np.ndarray, "n 3"],
    normals: Float64[np.ndarray, "n 3"],
    floor: Floor,
    *,
    cameras: Float64[np.ndarray, "m 3"],
    metres_per_unit: float,
    noise: float = 0.0,
) -> Ceiling | None:
    """The ceiling; None outdoors, or where nobody looked up.

    Args:
        points: Surface samples, spread evenly, in units of the frame.
        normals: Unit, towards the viewer.
        floor: Found among the same samples.
        cameras: Camera centres: a ceiling lies above their median.
        metres_per_unit: Provisional scale; only the layer's thickness depends on it.
        noise: One standard deviation of the samples across the ceiling [m]; 0 for measured depth.
    """
    over = points @ floor.normal - floor.height
    eye = float(np.median(cameras @ floor.normal - floor.height))
    heights = over[(normals @ floor.normal < -np.cos(np.radians(FACING_DEG))) & (over > eye)]
    least = LEAST_SHARE * floor.support
    if len(heights) < max(least, 1):
        return None
    band = float(np.hypot(BAND, noise)) / metres_per_unit
    edges = np.arange(heights.min() - 2 * band, heights.max() + 3 * band, band / 2)
    layer = np.convolve(np.histogram(heights, edges)[0], np.ones(4), mode="same")  # samples within ± one band
    middle = float(edges[int(np.argmax(layer))] + band / 4)
    held = heights[np.abs(heights - middle) < 2 * band]
    if len(held) < least:
        return None
    return Ceiling(height=float(np.median(held)), share=len(held) / max(floor.support, 1))
