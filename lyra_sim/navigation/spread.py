"""Choosing cells that lie far from one another."""

import numpy as np
from jaxtyping import Float64, Int64


def farthest_points(points: Float64[np.ndarray, "n 2"], count: int, *, first: int) -> Int64[np.ndarray, "k"]:
    """Indices of up to ``count`` points, each the farthest from all chosen before it (Gonzalez 1985).

    Every prefix of the result is itself well spread. ``first`` is the index to begin with.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    chosen = [first]
    distance = np.linalg.norm(points - points[first], axis=1)
    while len(chosen) < min(count, len(points)):
        farthest = int(np.argmax(distance))
        if distance[farthest] <= 0:
            break
        chosen.append(farthest)
        distance = np.minimum(distance, np.linalg.norm(points - points[farthest], axis=1))
    return np.array(chosen, np.int64)
