"""What depth cameras make of exact depth, in three families and three grades: plain numpy on z-depth images [m]."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage

Sensor = Callable[[Float32[np.ndarray, "h w"], np.random.Generator], Float32[np.ndarray, "h w"]]
"""Exact z-depth to what is measured; NaN where nothing is."""

STEREO = (0.002, 0.006, 0.015)
"""1σ = this z² [1/m]: 1.8, 5 and 14 cm at 3 m. Convention."""
TOF_BIAS = (0.005, 0.02, 0.04)
"""Everything seems farther by this [m]. Convention."""
TOF_MULTIPATH = (0.01, 0.03, 0.06)
"""Corners and edges seem farther by up to this more [m]. Convention."""
TOF_FLYING = (0.2, 0.5, 0.9)
"""Share of the pixels beside an edge that hang between its two sides. Convention."""
TOF_NOISE = 0.003
"""1σ of what remains, per metre of depth. Convention."""
LIGHT_DROPOUT = (0.05, 0.2, 0.45)
"""Share of pixels that are lost, in blotches. Convention."""
LIGHT_STEP = (0.002, 0.006, 0.015)
"""Depth comes in steps of this z² [1/m]: 1.8, 5 and 14 cm at 3 m. Convention."""
EDGE = 0.05
"""Neighbours that differ by more than this share are two sides of an edge. Convention."""


def stereo(grade: int) -> Sensor:
    """Noise of disparity: it grows with the square of depth, and neighbouring pixels share half of it."""

    def measure(z: Float32[np.ndarray, "h w"], rng: np.random.Generator) -> Float32[np.ndarray, "h w"]:
        own, shared = rng.normal(size=z.shape), _smooth(rng, z.shape, 2.0)
        return (z + STEREO[grade] * z**2 * np.sqrt(0.5) * (own + shared)).astype(np.float32)

    return measure


def time_of_flight(grade: int) -> Sensor:
    """A bias, light that came round corners, and pixels that average both sides of an edge."""

    def measure(z: Float32[np.ndarray, "h w"], rng: np.random.Generator) -> Float32[np.ndarray, "h w"]:
        bent = np.abs(ndimage.gaussian_filter(z, 5.0) - z)
        far = z + TOF_BIAS[grade] + TOF_MULTIPATH[grade] * (1 - np.exp(-bent / 0.05)) + TOF_NOISE * z * rng.normal(size=z.shape)
        mixed = _beside_edge(z) & (rng.random(z.shape) < TOF_FLYING[grade])
        low, high = ndimage.minimum_filter(far, 3), ndimage.maximum_filter(far, 3)
        share = rng.random(z.shape)
        return np.where(mixed, low + share * (high - low), far).astype(np.float32)

    return measure


def structured_light(grade: int) -> Sensor:
    """Steps of disparity, and nothing at all in blotches and beside edges."""

    def measure(z: Float32[np.ndarray, "h w"], rng: np.random.Generator) -> Float32[np.ndarray, "h w"]:
        steps = 1 / (LIGHT_STEP[grade] * z.astype(np.float64)) + 0.3 * _smooth(rng, z.shape, 1.0)
        seen = 1 / (LIGHT_STEP[grade] * np.maximum(np.round(steps), 1.0))
        blotch = _smooth(rng, z.shape, 4.0)
        lost = (blotch < np.quantile(blotch, LIGHT_DROPOUT[grade])) | _beside_edge(z)
        return np.where(lost, np.nan, seen).astype(np.float32)

    return measure


FAMILIES: dict[str, Callable[[int], Sensor]] = {
    "stereo": stereo,
    "time of flight": time_of_flight,
    "structured light": structured_light,
}


def _beside_edge(z: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    return np.asarray(ndimage.maximum_filter(z, 3) - ndimage.minimum_filter(z, 3) > EDGE * z)


def _smooth(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Float64[np.ndarray, "h w"]:
    """Noise of unit variance that neighbours share."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return np.asarray(noise / noise.std())
