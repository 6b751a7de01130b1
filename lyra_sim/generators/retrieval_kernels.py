"""Compiled loops of retrieval: what a frame shows of the target views, and how much it can show at most.

Everything is done on the targets' coarse grids (one image a view, all of the same size). Pixel (x, y) of a coarse grid
stands at (x, y) in ``K / stride``, for the frames' samples and for the targets alike, and a point falls to the rounded
pixel: the counting of Lyra 2.0 (2026). One thread does it: a query takes some ten
milliseconds, which starting threads on a busy machine takes too.
"""

import math

import numpy as np
from numba import njit

TILE = 8
"""Side of the tiles that the farthest depth is kept of [coarse px]. Convention."""
BLOCK = 16
"""Side of the blocks of samples that a bounding sphere is kept for. Convention."""


@njit(cache=True)
def block_spheres(z_depth, lens, c2w):
    """World sphere (x, y, z, radius) of every BLOCK x BLOCK block of samples, and how many samples it holds.

    The centre is that of the block's box in the camera, so that the radius is exact up to rounding.
    """
    height, width = z_depth.shape
    rows, columns = (height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK
    spheres, held = np.zeros((rows * columns, 4), np.float32), np.zeros(rows * columns, np.int32)
    fx, fy, cx, cy = lens
    for block in range(rows * columns):
        top, left = block // columns * BLOCK, block % columns * BLOCK
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for y in range(top, min(top + BLOCK, height)):
            for x in range(left, min(left + BLOCK, width)):
                z = np.float64(z_depth[y, x])
                if z > 0.0 and z < np.inf:
                    point = ((x - cx) / fx * z, (y - cy) / fy * z, z)
                    for k in range(3):
                        low[k], high[k] = min(low[k], point[k]), max(high[k], point[k])
                    held[block] += 1
        if held[block] == 0:
            continue
        centre, radius = 0.5 * (low + high), 0.0
        for y in range(top, min(top + BLOCK, height)):
            for x in range(left, min(left + BLOCK, width)):
                z = np.float64(z_depth[y, x])
                if z > 0.0 and z < np.inf:
                    dx, dy, dz = (x - cx) / fx * z - centre[0], (y - cy) / fy * z - centre[1], z - centre[2]
                    radius = max(radius, dx * dx + dy * dy + dz * dz)
        for k in range(3):
            spheres[block, k] = c2w[k, 0] * centre[0] + c2w[k, 1] * centre[1] + c2w[k, 2] * centre[2] + c2w[k, 3]
        spheres[block, 3] = math.sqrt(radius) * (1.0 + 1e-5) + 1e-6 * np.abs(spheres[block, :3]).max()
    return spheres, held


@njit(cache=True)
def _sphere_view(sphere, w2c, lens, width, height):
    """Pixels (x0, x1, y0, y1), ends included, that points of the sphere may round to, and the least z they have.

    x1 < x0 where the sphere is out of view. Wide of the truth, never short of it.
    """
    fx, fy, cx, cy = lens
    x = w2c[0, 0] * sphere[0] + w2c[0, 1] * sphere[1] + w2c[0, 2] * sphere[2] + w2c[0, 3]
    y = w2c[1, 0] * sphere[0] + w2c[1, 1] * sphere[1] + w2c[1, 2] * sphere[2] + w2c[1, 3]
    z = w2c[2, 0] * sphere[0] + w2c[2, 1] * sphere[1] + w2c[2, 2] * sphere[2] + w2c[2, 3]
    radius = sphere[3]
    near, far = z - radius, z + radius
    if far <= 0.0:
        return 0, -1, 0, -1, 0.0
    if near <= 1e-3 * radius:
        return 0, width - 1, 0, height - 1, 0.0
    left = min((x - radius) / near, (x - radius) / far) * fx + cx
    right = max((x + radius) / near, (x + radius) / far) * fx + cx
    top = min((y - radius) / near, (y - radius) / far) * fy + cy
    bottom = max((y + radius) / near, (y + radius) / far) * fy + cy
    if right < -0.5 or bottom < -0.5 or left > width - 0.5 or top > height - 0.5:
        return 0, -1, 0, -1, 0.0
    x0, x1 = max(0, math.floor(left - 0.5)), min(width - 1, math.ceil(right + 0.5))
    y0, y1 = max(0, math.floor(top - 0.5)), min(height - 1, math.ceil(bottom + 0.5))
    return x0, x1, y0, y1, near


@njit(cache=True)
def sphere_bounds(spheres, held, w2c, lenses, width, height):
    """Pixels of all views that each frame can show at most: its samples, in the rectangle around its sphere.

    Args:
        spheres: Centre in the world and radius of each frame's samples (n, 4).
        held: Samples of each frame (n,).
        w2c: (v, 4, 4).
        lenses: fx, fy, cx, cy of each view [px] (v, 4).
        width, height: Of the views [px].
    """
    bounds = np.zeros(spheres.shape[0])
    for n in range(spheres.shape[0]):
        if held[n] > 0:
            for v in range(w2c.shape[0]):
                x0, x1, y0, y1, _ = _sphere_view(spheres[n], w2c[v], lenses[v], width, height)
                if x1 >= x0:
                    bounds[n] += min(held[n], (x1 - x0 + 1) * (y1 - y0 + 1))
    return bounds


@njit(cache=True)
def preview(which, first, points, samples_a_point, w2c, lenses, nearest, covered, absolute, relative):
    """Uncovered pixels that each frame of ``which`` shows, guessed high from a few of its points.

    Frame n's points are ``first[n] : first[n + 1]``, each standing for ``samples_a_point[n]`` samples. The count is raised
    by two standard deviations and one. The points are surface like any: they become part of ``nearest``, rounded up so that
    no sample ends up behind its own copy.

    Args:
        which: Frames asked about (m,).
        first: Where each frame's points begin (n + 1,).
        points: In the world (p, 3).
        samples_a_point: (n,).
        w2c: (v, 4, 4).
        lenses: fx, fy, cx, cy of each view [px] (v, 4).
        nearest: Depth of the nearest surface that is known (v, h, w), lowered in place.
        covered: Pixels that need nothing more (v, h, w).
        absolute, relative: How far behind ``nearest`` a sample still shows.
    """
    views, height, width = nearest.shape
    guesses = np.zeros(which.shape[0])
    for n in range(which.shape[0]):
        shown = 0
        for v in range(views):
            m, fx, fy, cx, cy = w2c[v], lenses[v, 0], lenses[v, 1], lenses[v, 2], lenses[v, 3]
            for p in range(first[which[n]], first[which[n] + 1]):
                x, y, z = np.float64(points[p, 0]), np.float64(points[p, 1]), np.float64(points[p, 2])
                there = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
                if there <= 0.0:
                    continue
                u = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) / there * fx + cx
                w = (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) / there * fy + cy
                if not (u >= -0.5 and u <= width - 0.5 and w >= -0.5 and w <= height - 0.5):
                    continue
                column, row = min(int(np.rint(u)), width - 1), min(int(np.rint(w)), height - 1)
                least = nearest[v, row, column]
                if there <= least * (1.0 + relative) + absolute and not covered[v, row, column]:
                    shown += 1
                there += 1e-5 * there + 5e-7 * (abs(x) + abs(y) + abs(z))
                if there < least:
                    nearest[v, row, column] = there
        guesses[n] = samples_a_point[which[n]] * (shown + 2.0 * math.sqrt(shown) + 1.0)
    return guesses


@njit(cache=True)
def project_frame(z_depth, lens, spheres, held, target_from_frame, w2c, lenses, tile_far, images):
    """Least z of the frame's samples in every pixel of every view, infinite where none falls.

    Blocks that are out of view, or wholly behind what is known to stand there, are passed over.

    Args:
        z_depth: Of the frame (h, w).
        lens: Its fx, fy, cx, cy [px].
        spheres: Centre in the world and radius of each block of samples (b, 4).
        held: Samples of each block (b,).
        target_from_frame: Camera to camera (v, 4, 4).
        w2c: Of the views (v, 4, 4).
        lenses: fx, fy, cx, cy of each view [px] (v, 4).
        tile_far: Farthest depth that still counts in each tile (v, rows, columns).
        images: Written (v, h, w).
    """
    views, height, width = images.shape
    rows_of_samples, columns_of_samples = z_depth.shape
    columns = (columns_of_samples + BLOCK - 1) // BLOCK
    fx, fy, cx, cy = lens
    for v in range(views):
        image, m = images[v], target_from_frame[v]
        image[:] = np.inf
        tx, ty = lenses[v, 0], lenses[v, 1]
        for block in range(spheres.shape[0]):
            if held[block] == 0:
                continue
            x0, x1, y0, y1, near = _sphere_view(spheres[block], w2c[v], lenses[v], width, height)
            if x1 < x0:
                continue
            hidden = True
            for row in range(y0 // TILE, y1 // TILE + 1):
                for column in range(x0 // TILE, x1 // TILE + 1):
                    hidden = hidden and tile_far[v, row, column] < near
            if hidden:
                continue
            top, left = block // columns * BLOCK, block % columns * BLOCK
            for y in range(top, min(top + BLOCK, rows_of_samples)):
                ray_y = (y - cy) / fy
                for x in range(left, min(left + BLOCK, columns_of_samples)):
                    z = np.float64(z_depth[y, x])
                    if not (z > 0.0 and z < np.inf):
                        continue
                    px, py = (x - cx) / fx * z, ray_y * z
                    there = m[2, 0] * px + m[2, 1] * py + m[2, 2] * z + m[2, 3]
                    if there <= 0.0:
                        continue
                    u = (m[0, 0] * px + m[0, 1] * py + m[0, 2] * z + m[0, 3]) / there * tx + lenses[v, 2]
                    w = (m[1, 0] * px + m[1, 1] * py + m[1, 2] * z + m[1, 3]) / there * ty + lenses[v, 3]
                    if u >= -0.5 and u <= width - 0.5 and w >= -0.5 and w <= height - 0.5:
                        column, row = int(np.rint(u)), int(np.rint(w))
                        if column < width and row < height and there < image[row, column]:
                            image[row, column] = there


@njit(cache=True)
def merge_nearest(nearest, images):
    """``nearest`` becomes the lesser of both."""
    flat, other = nearest.reshape(-1), images.reshape(-1)
    for p in range(flat.shape[0]):
        if other[p] < flat[p]:
            flat[p] = other[p]


@njit(cache=True)
def tile_depths(nearest, absolute, relative, tile_far):
    """The farthest depth that still counts in any pixel of each tile."""
    views, height, width = nearest.shape
    tile_far[:] = -np.inf
    for v in range(views):
        for y in range(height):
            for x in range(width):
                limit = nearest[v, y, x] * (1.0 + relative) + absolute
                tile_far[v, y // TILE, x // TILE] = max(tile_far[v, y // TILE, x // TILE], limit)


@njit(cache=True)
def gain(images, nearest, covered, absolute, relative):
    """Pixels not covered yet that the frame shows: its least z is within the tolerance of the least of all."""
    found = 0
    one, least, done = images.reshape(-1), nearest.reshape(-1), covered.reshape(-1)
    for p in range(one.shape[0]):
        if not done[p] and one[p] < np.inf and one[p] <= least[p] * (1.0 + relative) + absolute:
            found += 1
    return found


@njit(cache=True)
def cover(images, nearest, covered, absolute, relative):
    """Mark what the frame shows as covered."""
    one, least, done = images.reshape(-1), nearest.reshape(-1), covered.reshape(-1)
    for p in range(one.shape[0]):
        if one[p] < np.inf and one[p] <= least[p] * (1.0 + relative) + absolute:
            done[p] = True
