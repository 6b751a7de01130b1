"""Loops of the search for moving things over pixels, by numba: depth carried to another view, rays looked through."""

import numba
import numpy as np


@numba.njit(cache=True)
def carried(z, b_from_a, lens_a, lens_b):
    """Depth map ``z`` of view a as view b would see it (h, w) float32; NaN where nothing lands, nearest wins.

    Every pixel is drawn over the four pixels around where it lands, which closes the gaps of a slightly nearer view.
    Lenses are (fx, fy, cx, cy).
    """
    height, width = z.shape
    out = np.full((height, width), np.inf, np.float32)
    for v in range(height):
        for u in range(width):
            depth = z[v, u]
            if not np.isfinite(depth):
                continue
            x, y = (u + 0.5 - lens_a[2]) / lens_a[0] * depth, (v + 0.5 - lens_a[3]) / lens_a[1] * depth
            e = b_from_a[2, 0] * x + b_from_a[2, 1] * y + b_from_a[2, 2] * depth + b_from_a[2, 3]
            if e <= 1e-6:
                continue
            px = (b_from_a[0, 0] * x + b_from_a[0, 1] * y + b_from_a[0, 2] * depth + b_from_a[0, 3]) / e * lens_b[0] + lens_b[2]
            py = (b_from_a[1, 0] * x + b_from_a[1, 1] * y + b_from_a[1, 2] * depth + b_from_a[1, 3]) / e * lens_b[1] + lens_b[3]
            if not (-1 < px < width + 1 and -1 < py < height + 1):
                continue
            left, top = int(np.floor(px - 0.5)), int(np.floor(py - 0.5))
            for row in range(max(top, 0), min(top + 2, height)):
                for column in range(max(left, 0), min(left + 2, width)):
                    if e < out[row, column]:
                        out[row, column] = e
    for v in range(height):
        for u in range(width):
            if out[v, u] == np.inf:
                out[v, u] = np.nan
    return out


@numba.njit(cache=True)
def _land(point, matrix, lens, height, width):
    """Row, column and depth of a camera-frame point in another view; row -1 outside."""
    e = matrix[2, 0] * point[0] + matrix[2, 1] * point[1] + matrix[2, 2] * point[2] + matrix[2, 3]
    if e <= 1e-6:
        return -1, -1, e
    x = (matrix[0, 0] * point[0] + matrix[0, 1] * point[1] + matrix[0, 2] * point[2] + matrix[0, 3]) / e * lens[0] + lens[2]
    y = (matrix[1, 0] * point[0] + matrix[1, 1] * point[1] + matrix[1, 2] * point[2] + matrix[1, 3]) / e * lens[1] + lens[3]
    if not (0 <= x < width and 0 <= y < height):
        return -1, -1, e
    return int(y), int(x), e


@numba.njit(cache=True)
def _background(values, tolerance):
    """The depth most of ``values`` agree on within the tolerance, the nearer of equals, and how many do."""
    best, support = np.nan, 0
    for a in values:
        if not np.isfinite(a):
            continue
        count, total = 0, 0.0
        for b in values:
            if np.isfinite(b) and abs(b - a) <= tolerance * a:
                count += 1
                total += b
        if count > support or (count == support and total / count < best):
            best, support = total / count, count
    return best, support


@numba.njit(cache=True)
def _off(colour, low, high):
    """How far a colour lies outside the range of colours around the place it should match [sRGB counts]."""
    worst = np.float32(0)
    for c in range(3):
        worst = max(worst, low[c] - colour[c], colour[c] - high[c])
    return worst


@numba.njit(cache=True, parallel=True)
def looked_through(rgb, z, behind, lens, others_z, low, high, others_from_view, lenses, fractions, tolerance, differs, agrees):
    """Per pixel 0, 1 or 2: whether other views look through what it shows, and how surely.

    Args:
        rgb: Of the view (h, w, 3) float32.
        z: Its depth (h, w), NaN unknown.
        behind: Depth of the others carried to the view (n, h, w).
        lens: Of the view (fx, fy, cx, cy).
        others_z: (n, h, w); +inf is sky.
        low: Least colour around every pixel of the others (n, h, w, 3) float32.
        high: Largest.
        others_from_view: (n, 4, 4).
        lenses: (n, 4).
        fractions: Of the background's depth, where the ray is probed.
        tolerance: Relative depth that counts as equal.
        differs: A colour this far outside the range is another thing [sRGB counts].
        agrees: A colour this little outside is the same thing.
    """
    count, height, width = others_z.shape
    out = np.zeros((height, width), np.uint8)
    for v in numba.prange(height):
        values, point = np.empty(count, np.float32), np.empty(3)
        for u in range(width):
            for j in range(count):
                values[j] = behind[j, v, u]
            depth, support = _background(values, tolerance)
            if support < 2 or z[v, u] > depth * (1 - tolerance):
                continue
            x, y = (u + 0.5 - lens[2]) / lens[0], (v + 0.5 - lens[3]) / lens[1]
            point[0], point[1], point[2] = x * depth, y * depth, depth
            other, same = 0, 0
            for j in range(count):
                row, column, e = _land(point, others_from_view[j], lenses[j], height, width)
                if row < 0 or not abs(others_z[j, row, column] - e) <= tolerance * e:
                    continue
                off = _off(rgb[v, u], low[j, row, column], high[j, row, column])
                if off >= differs:
                    other += 1
                elif off <= agrees:
                    same += 1
            if other < 1 or other <= 2 * same:
                continue
            if np.isfinite(z[v, u]):  # others that confirm what the view itself measured
                point[0], point[1], point[2] = x * z[v, u], y * z[v, u], z[v, u]
                through, confirmed = 0, 0
                for j in range(count):
                    row, column, e = _land(point, others_from_view[j], lenses[j], height, width)
                    if row < 0:
                        continue
                    if others_z[j, row, column] > e * (1 + tolerance):
                        through += 1
                    elif others_z[j, row, column] > e * (1 - tolerance):
                        confirmed += 1
                if through < 2 or confirmed >= through:
                    continue
            clear = 0
            for fraction in fractions:
                s = depth * fraction
                point[0], point[1], point[2] = x * s, y * s, s
                for j in range(count):
                    row, column, e = _land(point, others_from_view[j], lenses[j], height, width)
                    if row >= 0 and others_z[j, row, column] > e * (1 + 0.5 * tolerance):
                        clear += 1
                        break
            if clear == len(fractions) and other >= 2:
                out[v, u] = 2
            elif clear >= 0.8 * len(fractions):
                out[v, u] = 1
    return out
