"""Compiled search for the cheapest way to take a lump apart by straight cuts that each go through a whole piece."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def interval(first: int, end: int, count: int) -> int:
    """Running number of the interval ``[first, end)`` among all of ``count`` cells."""
    return first * count - first * (first - 1) // 2 + end - first - 1


@numba.njit(cache=True, nogil=True)
def box_air(low: np.ndarray, high: np.ndarray, table: np.ndarray, aspect: float) -> np.ndarray:
    """Air in the bounding box of the voxels of every box of cells; -1 where a box holds no voxel.

    A box that would be a sliver is thought thickened across its thinnest side, as its hull will be.

    Args:
        low: First voxel held by every cell, (a, b, c, 3); beyond ``high`` where it holds none.
        high: One behind its last voxel.
        table: Summed weights of the air, one entry more than voxels along each axis.
        aspect: Longest extent over the thickness it must have.
    """
    na, nb, nc = low.shape[:3]
    shape = (na * (na + 1) // 2, nb * (nb + 1) // 2, nc * (nc + 1) // 2)
    least = np.empty((*shape, 3), np.int32)
    most = np.empty((*shape, 3), np.int32)
    air = np.empty(shape, np.float32)
    for da in range(1, na + 1):
        for a in range(na - da + 1):
            ia = interval(a, a + da, na)
            for db in range(1, nb + 1):
                for b in range(nb - db + 1):
                    ib = interval(b, b + db, nb)
                    for dc in range(1, nc + 1):
                        for c in range(nc - dc + 1):
                            ic = interval(c, c + dc, nc)
                            if da > 1:
                                one, two = (interval(a, a + da - 1, na), ib, ic), (interval(a + da - 1, a + da, na), ib, ic)
                            elif db > 1:
                                one, two = (ia, interval(b, b + db - 1, nb), ic), (ia, interval(b + db - 1, b + db, nb), ic)
                            elif dc > 1:
                                one, two = (ia, ib, interval(c, c + dc - 1, nc)), (ia, ib, interval(c + dc - 1, c + dc, nc))
                            else:
                                one = two = (ia, ib, ic)
                                for k in range(3):
                                    least[ia, ib, ic, k] = low[a, b, c, k]
                                    most[ia, ib, ic, k] = high[a, b, c, k]
                            for k in range(3):
                                least[ia, ib, ic, k] = min(least[one[0], one[1], one[2], k], least[two[0], two[1], two[2], k])
                                most[ia, ib, ic, k] = max(most[one[0], one[1], one[2], k], most[two[0], two[1], two[2], k])
                            x0, x1 = least[ia, ib, ic, 0], most[ia, ib, ic, 0]
                            y0, y1 = least[ia, ib, ic, 1], most[ia, ib, ic, 1]
                            z0, z1 = least[ia, ib, ic, 2], most[ia, ib, ic, 2]
                            dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
                            thinnest = min(dx, dy, dz)
                            grown = int(max(np.sqrt(dx * dx + dy * dy + dz * dz) / aspect - thinnest, 0.0) / 2)
                            if dx == thinnest:
                                x0, x1 = max(x0 - grown, 0), min(x1 + grown, table.shape[0] - 1)
                            elif dy == thinnest:
                                y0, y1 = max(y0 - grown, 0), min(y1 + grown, table.shape[1] - 1)
                            else:
                                z0, z1 = max(z0 - grown, 0), min(z1 + grown, table.shape[2] - 1)
                            if least[ia, ib, ic, 0] >= most[ia, ib, ic, 0]:
                                air[ia, ib, ic] = -1.0
                            else:
                                top = table[x1, y1, z1] - table[x0, y1, z1] - table[x1, y0, z1] + table[x0, y0, z1]
                                bottom = table[x1, y1, z0] - table[x0, y1, z0] - table[x1, y0, z0] + table[x0, y0, z0]
                                air[ia, ib, ic] = top - bottom
    return air


@numba.njit(cache=True, nogil=True)
def cheapest(air: np.ndarray, na: int, nb: int, nc: int, price: float) -> tuple[np.ndarray, np.ndarray]:
    """Least sum of air and of ``price`` a piece for every box of cells, and the cut that gives it.

    A cut is told as three times its position, plus its axis; -1 where the box stays whole or holds nothing.
    """
    cost = np.zeros(air.shape, np.float32)
    chosen = np.full(air.shape, -1, np.int16)
    for da in range(1, na + 1):
        for a in range(na - da + 1):
            ia = interval(a, a + da, na)
            for db in range(1, nb + 1):
                for b in range(nb - db + 1):
                    ib = interval(b, b + db, nb)
                    for dc in range(1, nc + 1):
                        for c in range(nc - dc + 1):
                            ic = interval(c, c + dc, nc)
                            if air[ia, ib, ic] < 0:
                                continue
                            best, how = air[ia, ib, ic] + price, -1
                            if air[ia, ib, ic] <= price:  # a cut costs a piece and can't give more than all the air
                                cost[ia, ib, ic] = best
                                continue
                            for p in range(a + 1, a + da):
                                both = cost[interval(a, p, na), ib, ic] + cost[interval(p, a + da, na), ib, ic]
                                if both < best:
                                    best, how = both, 3 * p
                            for p in range(b + 1, b + db):
                                both = cost[ia, interval(b, p, nb), ic] + cost[ia, interval(p, b + db, nb), ic]
                                if both < best:
                                    best, how = both, 3 * p + 1
                            for p in range(c + 1, c + dc):
                                both = cost[ia, ib, interval(c, p, nc)] + cost[ia, ib, interval(p, c + dc, nc)]
                                if both < best:
                                    best, how = both, 3 * p + 2
                            cost[ia, ib, ic] = best
                            chosen[ia, ib, ic] = how
    return cost, chosen
