"""Triangles of polygons with inward corners, by cutting off ears (Meisters 1975)."""

import numba
import numpy as np
from jaxtyping import Float64, Int64


@numba.njit(cache=True, nogil=True)
def _turn(a: Float64[np.ndarray, "2"], b: Float64[np.ndarray, "2"], c: Float64[np.ndarray, "2"]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@numba.njit(cache=True, nogil=True)
def cut_ears(flat: Float64[np.ndarray, "n 2"], out: Int64[np.ndarray, "t 3"]) -> bool:
    """Fill ``out`` (n - 2 triangles) with corners of a counter-clockwise polygon; False where no ear was left."""
    n = len(flat)
    left = np.arange(n)
    size = n
    done = 0
    at = 0
    misses = 0
    while size > 3:
        if misses > size:
            return False
        before, here, after = left[(at - 1) % size], left[at % size], left[(at + 1) % size]
        ear = _turn(flat[before], flat[here], flat[after]) > 0
        if ear:
            for k in range(size):
                other = left[k]
                if other == before or other == here or other == after:
                    continue
                p = flat[other]
                same = (
                    (p[0] == flat[before][0] and p[1] == flat[before][1])
                    or (p[0] == flat[here][0] and p[1] == flat[here][1])
                    or (p[0] == flat[after][0] and p[1] == flat[after][1])
                )
                if same:  # a corner met twice, as where a polygon is joined to its hole
                    continue
                if (
                    _turn(flat[before], flat[here], p) >= 0
                    and _turn(flat[here], flat[after], p) >= 0
                    and _turn(flat[after], flat[before], p) >= 0
                ):
                    ear = False
                    break
        if not ear:
            at = (at + 1) % size
            misses += 1
            continue
        out[done, 0], out[done, 1], out[done, 2] = before, here, after
        done += 1
        where = at % size
        for k in range(where, size - 1):
            left[k] = left[k + 1]
        size -= 1
        at = where % size
        misses = 0
    out[done, 0], out[done, 1], out[done, 2] = left[0], left[1], left[2]
    return True
