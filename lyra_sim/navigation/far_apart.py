"""Choosing cells that lie far from one another."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64


def farthest_points(points: Float64[np.ndarray, "n 2"], count: int, *, first: int | Sequence[int]) -> Int64[np.ndarray, "k"]:
    """Indices of up to ``count`` points, each the farthest from all chosen before it (Gonzalez 1985).

    Every prefix of the result is itself well spread. ``first`` is the index, or the indices, to begin with.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    chosen = [first] if isinstance(first, int) else list(first)[:count]
    distance = distance_to_chosen(points, points[chosen])
    while len(chosen) < min(count, len(points)):
        farthest = int(np.argmax(distance))
        if distance[farthest] <= 0:
            break
        chosen.append(farthest)
        distance = np.minimum(distance, np.linalg.norm(points - points[farthest], axis=1))
    return np.array(chosen, np.int64)


def distance_to_chosen(points: Float64[np.ndarray, "n 2"], chosen: Float64[np.ndarray, "k 2"]) -> Float64[np.ndarray, "n"]:
    """From each point to the nearest chosen one [m]; infinite when none was chosen."""
    distance = np.full(len(points), np.inf)
    for point in chosen:
        distance = np.minimum(distance, np.linalg.norm(points - point, axis=1))
    return distance
