"""Loops of plane finding, by numba: normals of pixels, and Hough votes of points."""

import numba
import numpy as np


@numba.njit(cache=True)
def local_normals(z_depth, radius, fx, fy, cx, cy):
    """Camera-facing unit normals (h, w, 3) in 1/127, int8, camera frame; 0 where neighbours are few, in line or off a plane.

    A plane is linear in inverse depth over the image: least squares over a window, neighbours across a jump left out.

    Args:
        z_depth: (h, w), NaN invalid.
        radius: Half window [px].
        fx, fy, cx, cy: Intrinsics [px].
    """
    height, width = z_depth.shape
    normals = np.zeros((height, width, 3), np.int8)
    for i in range(height * width):
        v0, u0 = i // width, i % width
        if not z_depth[v0, u0] > 0:
            continue
        q0 = 1.0 / z_depth[v0, u0]
        n = sx = sy = sxx = sxy = syy = sq = sxq = syq = sqq = 0.0
        for v in range(max(v0 - radius, 0), min(v0 + radius + 1, height), 2):
            for u in range(max(u0 - radius, 0), min(u0 + radius + 1, width), 2):
                z = z_depth[v, u]
                if not z > 0:
                    continue
                q = 1.0 / z / q0 - 1.0
                if abs(q) > 0.15:
                    continue
                x, y = (u - u0) / radius, (v - v0) / radius
                n += 1
                sx += x
                sy += y
                sxx += x * x
                sxy += x * y
                syy += y * y
                sq += q
                sxq += x * q
                syq += y * q
                sqq += q * q
        if n < 0.25 * (radius + 1) ** 2:
            continue
        cxx, cxy, cyy = sxx / n - sx * sx / n / n, sxy / n - sx * sy / n / n, syy / n - sy * sy / n / n
        cxq, cyq, cqq = sxq / n - sx * sq / n / n, syq / n - sy * sq / n / n, sqq / n - sq * sq / n / n
        det = cxx * cyy - cxy * cxy
        half = 0.5 * (cxx + cyy)
        if half - np.sqrt(max(half * half - det, 0.0)) < 0.04:
            continue
        a = (cyy * cxq - cxy * cyq) / det
        b = (cxx * cyq - cxy * cxq) / det
        if cqq - a * cxq - b * cyq > 0.02**2:
            continue
        c = 1.0 + sq / n - a * sx / n - b * sy / n
        gu, gv = a / radius, b / radius
        nx, ny = gu * fx, gv * fy
        nz = c + gu * (cx - u0 - 0.5) + gv * (cy - v0 - 0.5)
        length = -np.sqrt(nx * nx + ny * ny + nz * nz)
        normals[v0, u0, 0] = np.int8(np.rint(127 * nx / length))
        normals[v0, u0, 1] = np.int8(np.rint(127 * ny / length))
        normals[v0, u0, 2] = np.int8(np.rint(127 * nz / length))
    return normals


@numba.njit(cache=True)
def vote_upright(votes, xy, heading, weight, low, step, spread, sign):
    """Add (or take back) Hough votes over azimuth and offset; points without a heading (NaN) vote for all azimuths.

    Args:
        votes: (azimuths, offsets), changed in place; azimuths cover half a turn.
        xy: Points across the vertical (n, 2).
        heading: Azimuth of each point's normal [rad] (n,).
        weight: (n,); points of weight 0 don't vote.
        low: Offset of the first column, in the points' unit.
        step: Between columns.
        spread: A heading votes for azimuths within this [rad].
        sign: 1 to add, -1 to take back.
    """
    ways, width = votes.shape
    for i in range(len(xy)):
        if weight[i] <= 0:
            continue
        known = heading[i] == heading[i]
        for k in range(ways):
            angle = np.pi * k / ways
            if known:
                off = abs(np.arctan(np.tan(heading[i] - angle)))
                if off > spread:
                    continue
            offset = (xy[i, 0] * np.cos(angle) + xy[i, 1] * np.sin(angle) - low) / step
            column = int(np.floor(offset))
            part = offset - column
            if 0 <= column < width - 1:
                votes[k, column] += sign * weight[i] * (1 - part)
                votes[k, column + 1] += sign * weight[i] * part
