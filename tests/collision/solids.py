"""Corners of convex bodies whose faces can be counted."""

import numpy as np


def general(count: int, *, size: tuple[float, float, float] = (0.5, 0.4, 0.3), seed: int = 3) -> np.ndarray:
    """Corners of which no four lie in one plane, on an ellipsoid: 2 n - 4 faces [m]."""
    directions = np.random.default_rng(seed).normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True) * size


def prism(sides: int) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rim = 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([np.column_stack([rim, np.full(sides, z)]) for z in (-0.3, 0.3)])
