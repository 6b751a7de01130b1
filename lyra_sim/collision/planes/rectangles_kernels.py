"""Compiled search for the rectangle of largest total weight (Bentley 1984: Kadane's scan in two dimensions)."""

import numba
import numpy as np


@numba.njit(cache=True)
def best_rectangle(weights: np.ndarray) -> tuple[float, int, int, int, int]:
    """Sum and half-open bounds (i0, i1, j0, j1) of the heaviest rectangle; the first one found wins ties.

    Cost is rows^2 * columns: pass the shorter side as rows. Cells at or below -1e6 are walls no rectangle crosses.
    """
    rows, columns = weights.shape
    best, bi0, bi1, bj0, bj1 = 0.0, 0, 0, 0, 0
    total = np.empty(columns)
    for i0 in range(rows):
        total[:] = 0.0
        for i1 in range(i0, rows):
            running, start, any_open = 0.0, 0, False
            for j in range(columns):
                total[j] += weights[i1, j]
                if total[j] <= -1e6:
                    running, start = 0.0, j + 1
                    continue
                any_open = True
                running += total[j]
                if running <= 0.0:
                    running, start = 0.0, j + 1
                elif running > best + 1e-9:
                    best, bi0, bi1, bj0, bj1 = running, i0, i1 + 1, start, j + 1
            if not any_open:
                break
    return best, bi0, bi1, bj0, bj1
