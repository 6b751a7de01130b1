"""Cover a region of a grid with few rectangles that never touch forbidden cells."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

BLOCKED = -1e9
"""Weight of a cell that no rectangle may contain: a wall to the kernel. Convention."""
COVERED = -1e-5
"""Weight of an allowed cell that needs no covering (again): slightly negative, so rectangles don't sprawl for nothing.
Convention."""


class Rectangle(NamedTuple):
    """Half-open cell ranges of a grid."""

    i0: int
    i1: int
    j0: int
    j1: int


def cover(
    worth: Float[np.ndarray, "a b"], allowed: Bool[np.ndarray, "a b"], *, min_gain: float, max_count: int
) -> list[Rectangle]:
    """Greedy cover by maximum-weight rectangles, largest gain first.

    Rectangles may overlap one another: a cover needs far fewer pieces than a partition, and static pieces of one
    wall may overlap harmlessly. Each is as large as pays off, so neighbours share edges or overlap, and no seam opens.

    Args:
        worth: Gain of covering each cell; 1 for a cell that matters, 0 for one that needn't be covered.
        allowed: Cells a rectangle may contain.
        min_gain: Stop when the best rectangle gains less, in cells.
        max_count: Stop after this many.
    """
    from lyra_sim.collision.planes.rectangles_kernels import best_rectangle

    weights = np.where(allowed, np.where(worth > 0, worth, COVERED), BLOCKED).astype(np.float64)
    turned = weights.shape[0] > weights.shape[1]
    grid = np.ascontiguousarray(weights.T if turned else weights)
    found: list[Rectangle] = []
    while len(found) < max_count:
        gain, a0, a1, b0, b1 = best_rectangle(grid)
        if gain < min_gain:
            break
        grid[a0:a1, b0:b1] = COVERED
        found.append(Rectangle(b0, b1, a0, a1) if turned else Rectangle(a0, a1, b0, b1))
    return found
