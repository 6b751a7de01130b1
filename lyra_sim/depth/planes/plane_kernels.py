"""Loops of the planar priors over pixels and planes, by numba: evidence, votes, other views."""

import numba
import numpy as np


@numba.njit(cache=True)
def _beyond(z_depth, v, u, K, c2w, normal, above):
    """Signed distance of a measured pixel behind a plane whose normal points away from the camera; NaN when unmeasured."""
    height, width = z_depth.shape
    if v < 0 or u < 0 or v >= height or u >= width or not z_depth[v, u] > 0:
        return np.nan
    x, y = (u + 0.5 - K[0, 2]) / K[0, 0], (v + 0.5 - K[1, 2]) / K[1, 1]
    rx = c2w[0, 0] * x + c2w[0, 1] * y + c2w[0, 2]
    ry = c2w[1, 0] * x + c2w[1, 1] * y + c2w[1, 2]
    rz = c2w[2, 0] * x + c2w[2, 1] * y + c2w[2, 2]
    return (normal[0] * rx + normal[1] * ry + normal[2] * rz) * z_depth[v, u] - above


@numba.njit(cache=True)
def _crosses(z_depth, v, u, K, c2w, normal, above, radius, reach):
    """Whether the surface measured around a pixel goes through a plane: before it on one side, beyond it on the other.

    A rim doesn't: a wall measured only where it meets the floor has the floor before it and nothing on the other side.
    """
    for dv, du in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one = _beyond(z_depth, v + dv * radius, u + du * radius, K, c2w, normal, above)
        other = _beyond(z_depth, v - dv * radius, u - du * radius, K, c2w, normal, above)
        if (one > reach and other < -reach) or (one < -reach and other > reach):
            return True
    return False


@numba.njit(cache=True)
def add_evidence(
    z_depth,
    rgb,
    K,
    c2w,
    normals,
    offsets,
    axes_a,
    axes_b,
    lows,
    shapes,
    starts,
    cell,
    tolerance,
    radius,
    on,
    through,
    colour,
):
    """What one view's measured pixels say about cells of planes: lying on them, or seen through them; colour where on.

    Args:
        z_depth: (h, w), NaN invalid.
        rgb: (h, w, 3), 0..1.
        K, c2w: Of the view (3, 3), (4, 4).
        normals, offsets: Of the planes, ``normal . x = offset`` in the world (p, 3), (p,).
        axes_a, axes_b: Of each plane's grid, unit vectors in it (p, 3).
        lows: Low corner of each grid along its axes (p, 2).
        shapes: Cells of each grid along its axes (p, 2).
        starts: Number of each grid's first cell (p,).
        cell: Edge of a cell [world units].
        tolerance: Distance from a plane that counts as on it, as a fraction of the depth.
        radius: Depth so many pixels away tells whether a surface goes through the plane.
        on, through: Pixels a cell (cells,), added to.
        colour: Sum over pixels that lie on it (cells, 3), added to.
    """
    height, width = z_depth.shape
    for v in range(height):
        for u in range(width):
            z = z_depth[v, u]
            if not z > 0:
                continue
            x, y = (u + 0.5 - K[0, 2]) / K[0, 0], (v + 0.5 - K[1, 2]) / K[1, 1]
            rx = c2w[0, 0] * x + c2w[0, 1] * y + c2w[0, 2]
            ry = c2w[1, 0] * x + c2w[1, 1] * y + c2w[1, 2]
            rz = c2w[2, 0] * x + c2w[2, 1] * y + c2w[2, 2]
            ox, oy, oz = c2w[0, 3], c2w[1, 3], c2w[2, 3]
            for p in range(len(offsets)):
                towards = normals[p, 0] * rx + normals[p, 1] * ry + normals[p, 2] * rz
                above = offsets[p] - normals[p, 0] * ox - normals[p, 1] * oy - normals[p, 2] * oz
                side = 1.0 if above > 0 else -1.0
                towards, above = side * towards, side * above
                beyond = towards * z - above
                if beyond < -tolerance * z or above <= 0 or towards < 0.02:
                    continue
                t = above / towards
                if beyond < tolerance * z:
                    t = z
                px, py, pz = ox + t * rx, oy + t * ry, oz + t * rz
                a = int(np.floor((axes_a[p, 0] * px + axes_a[p, 1] * py + axes_a[p, 2] * pz - lows[p, 0]) / cell))
                b = int(np.floor((axes_b[p, 0] * px + axes_b[p, 1] * py + axes_b[p, 2] * pz - lows[p, 1]) / cell))
                if a < 0 or b < 0 or a >= shapes[p, 0] or b >= shapes[p, 1]:
                    continue
                at = starts[p] + a * shapes[p, 1] + b
                if beyond < tolerance * z:
                    if _crosses(z_depth, v, u, K, c2w, side * normals[p], above, radius, 0.7 * tolerance * z):
                        continue
                    on[at] += 1
                    for c in range(3):
                        colour[at, c] += rgb[v, u, c]
                elif beyond > 2 * tolerance * z:
                    through[at] += 1


@numba.njit(cache=True)
def enclosure(on, reach):
    """In how many of 8 directions a cell of a plane (h, w) meets support within ``reach`` cells, uint8."""
    height, width = on.shape
    out = np.zeros((height, width), np.uint8)
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
    for da, db in steps:
        since = np.full((height, width), 1 << 20, np.int32)
        for i in range(height):
            a = i if da <= 0 else height - 1 - i
            for j in range(width):
                b = j if db <= 0 else width - 1 - j
                if on[a, b]:
                    since[a, b] = 0
                elif 0 <= a + da < height and 0 <= b + db < width:
                    since[a, b] = since[a + da, b + db] + 1
                if since[a, b] <= reach:
                    out[a, b] += 1
    return out


@numba.njit(cache=True)
def plane_hits(K, c2w, normals, offsets, axes_a, axes_b, lows, shapes, starts, cell, min_slope, height, width):
    """Per plane and pixel: z-depth where the ray meets the plane (NaN: it does not, or grazes it) and its cell (-1: none).

    Args:
        K, c2w: Of the view (3, 3), (4, 4).
        normals, offsets: Of the planes, ``normal . x = offset`` in the world (p, 3), (p,).
        axes_a, axes_b: Of each plane's grid, unit vectors in it (p, 3).
        lows: Low corner of each grid along its axes (p, 2).
        shapes: Cells of each grid along its axes (p, 2).
        starts: Number of each grid's first cell (p,).
        cell: Edge of a cell [world units].
        min_slope: Sine of the least angle between ray and plane.
        height, width: Of the view [px].
    """
    count = len(offsets)
    z = np.full((count, height, width), np.nan, np.float32)
    cells = np.full((count, height, width), -1, np.int32)
    ox, oy, oz = c2w[0, 3], c2w[1, 3], c2w[2, 3]
    for p in range(count):
        above = offsets[p] - normals[p, 0] * ox - normals[p, 1] * oy - normals[p, 2] * oz
        side = 1.0 if above > 0 else -1.0
        for v in range(height):
            y = (v + 0.5 - K[1, 2]) / K[1, 1]
            for u in range(width):
                x = (u + 0.5 - K[0, 2]) / K[0, 0]
                rx = c2w[0, 0] * x + c2w[0, 1] * y + c2w[0, 2]
                ry = c2w[1, 0] * x + c2w[1, 1] * y + c2w[1, 2]
                rz = c2w[2, 0] * x + c2w[2, 1] * y + c2w[2, 2]
                towards = side * (normals[p, 0] * rx + normals[p, 1] * ry + normals[p, 2] * rz)
                if towards < min_slope * np.sqrt(1 + x * x + y * y):
                    continue
                t = side * above / towards
                z[p, v, u] = t
                px, py, pz = ox + t * rx, oy + t * ry, oz + t * rz
                a = int(np.floor((axes_a[p, 0] * px + axes_a[p, 1] * py + axes_a[p, 2] * pz - lows[p, 0]) / cell))
                b = int(np.floor((axes_b[p, 0] * px + axes_b[p, 1] * py + axes_b[p, 2] * pz - lows[p, 1]) / cell))
                if 0 <= a < shapes[p, 0] and 0 <= b < shapes[p, 1]:
                    cells[p, v, u] = starts[p] + a * shapes[p, 1] + b
    return z, cells


@numba.njit(cache=True)
def count_votes(
    labels,
    n,
    z_depth,
    rgb,
    K,
    c2w,
    normals,
    offsets,
    z,
    cells,
    slopes,
    tolerance,
    radius,
    rim,
    on_views,
    open_cells,
    colour,
    max_step,
):
    """Votes of pixels for planes in the segments they lie in or beside: for, beyond, before (n, p), and where those for lie.

    ``normals`` point away from the camera, ``offsets`` are its distances from the planes.

    For a plane speak pixels measured on it, and blank ones where other views measured it in the same colour. ``slopes``
    turns differences along the ray into distances from the plane. The last array holds sums of 1, u, v, uu, uv, vv.

    Args:
        labels: Segment of each pixel (h, w).
        n: Number of segments.
        z_depth: (h, w), NaN where nothing was measured.
        rgb: (h, w, 3), 0..1.
        K, c2w: Of the view (3, 3), (4, 4).
        normals, offsets: Of the p planes the view may show (p, 3), (p,).
        z, cells: Of :func:`plane_hits` for these planes (p, h, w).
        slopes: (p, h, w).
        tolerance: Distance from a plane that counts as on it, as a fraction of the depth.
        radius: Depth so many pixels away tells whether a surface goes through the plane.
        rim: Depth measured so many pixels outside a segment still speaks for it.
        on_views: Views that measured each cell's plane there (cells,).
        open_cells: Cells that more views see through than measured (cells,).
        colour: Of each cell (cells, 3), 0..1.
        max_step: Colours of one surface differ by less than this.
    """
    count, height, width = z.shape
    for_it = np.zeros((n, count), np.float32)
    beyond = np.zeros((n, count), np.float32)
    before = np.zeros((n, count), np.float32)
    where = np.zeros((n, count, 6))
    near = np.empty(9, np.int32)
    for v in range(height):
        for u in range(width):
            measured = z_depth[v, u]
            own = labels[v, u]
            found = 0
            if not measured > 0:
                if (u + v) % 2 == 1:
                    continue
                near[0], found = own, 1
            else:
                for dv in range(-1, 2):
                    for du in range(-1, 2):
                        v1, u1 = v + dv * rim, u + du * rim
                        if v1 < 0 or u1 < 0 or v1 >= height or u1 >= width:
                            continue
                        label = labels[v1, u1]
                        known = False
                        for k in range(found):
                            known = known or near[k] == label
                        if not known:
                            near[found] = label
                            found += 1
            for p in range(count):
                vote = np.float32(0)
                if measured > 0:
                    if not z[p, v, u] > 0:
                        continue
                    gap = (measured - z[p, v, u]) * slopes[p, v, u]
                    if abs(gap) < tolerance * measured:
                        if not _crosses(z_depth, v, u, K, c2w, normals[p], offsets[p], radius, 0.7 * tolerance * measured):
                            vote = np.float32(1)
                        else:
                            for k in range(found):
                                beyond[near[k], p] += 0.3 if near[k] == own else 0.1
                    elif gap > 2 * tolerance * measured:
                        for k in range(found):
                            beyond[near[k], p] += 1 if near[k] == own else 0.3
                    elif gap < -2 * tolerance * measured:
                        for k in range(found):
                            before[near[k], p] += 1
                else:
                    at = cells[p, v, u]
                    if at < 0 or on_views[at] < 2 or open_cells[at]:
                        continue
                    step = np.float32(0)
                    for c in range(3):
                        step = max(step, abs(colour[at, c] - rgb[v, u, c]))
                    if step < max_step:
                        vote = np.float32(2)
                if vote > 0:
                    for k in range(found):
                        for_it[near[k], p] += vote
                        sums = where[near[k], p]
                        sums[0] += vote
                        sums[1] += vote * u
                        sums[2] += vote * v
                        sums[3] += vote * u * u
                        sums[4] += vote * u * v
                        sums[5] += vote * v * v
    return for_it, beyond, before, where


@numba.njit(cache=True, parallel=True)
def compare_views(z_new, rgb, K, c2w, others_z, others_rgb, others_K, others_w2c, tolerance, max_step):
    """How many other views agree with, and how many contradict, every new depth of a view (uint8, uint8).

    Args:
        z_new: (h, w), NaN where there is none.
        rgb: (h, w, 3), 0..1.
        K, c2w: Of the view (3, 3), (4, 4).
        others_z, others_rgb: Of the others (m, h, w), (m, h, w, 3).
        others_K, others_w2c: (m, 3, 3), (m, 4, 4).
        tolerance: Relative difference of depths that agree; twice as much contradicts.
        max_step: Colours of one surface differ by less than this.
    """
    height, width = z_new.shape
    agree = np.zeros((height, width), np.uint8)
    against = np.zeros((height, width), np.uint8)
    for v in numba.prange(height):
        for u in range(width):
            z = z_new[v, u]
            if not z > 0:
                continue
            x, y = z * (u + 0.5 - K[0, 2]) / K[0, 0], z * (v + 0.5 - K[1, 2]) / K[1, 1]
            px = c2w[0, 0] * x + c2w[0, 1] * y + c2w[0, 2] * z + c2w[0, 3]
            py = c2w[1, 0] * x + c2w[1, 1] * y + c2w[1, 2] * z + c2w[1, 3]
            pz = c2w[2, 0] * x + c2w[2, 1] * y + c2w[2, 2] * z + c2w[2, 3]
            for j in range(len(others_z)):
                m = others_w2c[j]
                zj = m[2, 0] * px + m[2, 1] * py + m[2, 2] * pz + m[2, 3]
                if zj <= 0:
                    continue
                uj = int(
                    np.floor(
                        others_K[j, 0, 0] * (m[0, 0] * px + m[0, 1] * py + m[0, 2] * pz + m[0, 3]) / zj + others_K[j, 0, 2]
                    )
                )
                vj = int(
                    np.floor(
                        others_K[j, 1, 1] * (m[1, 0] * px + m[1, 1] * py + m[1, 2] * pz + m[1, 3]) / zj + others_K[j, 1, 2]
                    )
                )
                if uj < 0 or vj < 0 or uj >= width or vj >= height:
                    continue
                there = others_z[j, vj, uj]
                if not there > 0:
                    continue
                gap = there / zj - 1
                step = np.float32(0)
                for c in range(3):
                    step = max(step, abs(others_rgb[j, vj, uj, c] - rgb[v, u, c]))
                if abs(gap) < tolerance:
                    if step < max_step:
                        agree[v, u] += 1
                elif gap > 2 * tolerance:
                    against[v, u] += 1
    return agree, against
