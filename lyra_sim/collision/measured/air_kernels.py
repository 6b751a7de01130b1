"""Compiled sums over voxels inside convex pieces: a column at a time, from prefix sums along z, so that no voxel is visited."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def column_sum(prefix: np.ndarray, planes: np.ndarray, low: np.ndarray, high: np.ndarray, depth: float, stride: int) -> int:
    """Sum of the weights of voxels whose centres lie more than ``depth`` inside all half-spaces; lengths in voxels.

    Args:
        prefix: Weights summed up along z, ``prefix[i, j, k]`` over voxels below ``k``.
        planes: Rows ``n . x + d <= 0`` with unit normals, in voxel coordinates (a voxel's low corner has its indices).
        low: First voxel asked in x, y, z.
        high: One behind the last.
        depth: How deep a centre must lie to count.
        stride: Look at every n-th column only, and count it for all it stands for.
    """
    total = 0
    for i in range(low[0], high[0], stride):
        x = i + 0.5
        for j in range(low[1], high[1], stride):
            y = j + 0.5
            bottom, top = low[2] + 0.5, high[2] - 0.5
            for r in range(planes.shape[0]):
                rest = planes[r, 0] * x + planes[r, 1] * y + planes[r, 3] + depth
                nz = planes[r, 2]
                if nz > 1e-9:
                    top = min(top, -rest / nz)
                elif nz < -1e-9:
                    bottom = max(bottom, -rest / nz)
                elif rest > 1e-9:
                    top = -1e30
                if top < bottom - 1e-9:
                    break
            if top < bottom - 1e-9:
                continue
            first, last = int(np.ceil(bottom - 0.5 - 1e-9)), int(np.floor(top - 0.5 + 1e-9))
            if last >= first:
                total += prefix[i, j, last + 1] - prefix[i, j, first]
    return total * stride * stride


@numba.njit(cache=True, nogil=True)
def cut_costs(
    prefix: np.ndarray,
    indices: np.ndarray,
    axes: np.ndarray,
    directions: np.ndarray,
    thresholds: np.ndarray,
    depth: float,
    most_columns: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted air and volume in both halves' bounding polytopes, for cuts across every axis at its row of thresholds.

    The polytopes are bounded along ``directions`` only, so they are a little larger than the halves' convex hulls; that is
    enough to rank cuts. Returns air and volume (all voxels, columns of the same polytopes), each (axes, positions); air is -1
    where a half would be empty and where the same threshold stands twice in a row.

    Args:
        prefix: As for :func:`column_sum`.
        indices: Voxels of the part (n, 3).
        axes: Directions that cuts go across (a, 3), in voxels.
        directions: Normals that the halves are bounded along (d, 3).
        thresholds: Where along its axis each cut lies (a, p) [voxels], rising.
        depth: How deep a centre must lie to count [voxels].
        most_columns: Of a half's box; of more, evenly chosen ones are looked at.
    """
    count, sides = indices.shape[0], directions.shape[0]
    positions = thresholds.shape[1]
    air = np.full((axes.shape[0], positions), -1.0)
    volume = np.zeros((axes.shape[0], positions))
    reach = np.abs(directions).sum(axis=1) / 2
    shape = np.array([prefix.shape[0], prefix.shape[1], prefix.shape[2] - 1])
    along = np.empty(count)
    extent = np.empty((count, sides))
    for n in range(count):
        for d in range(sides):
            extent[n, d] = (
                directions[d, 0] * (indices[n, 0] + 0.5)
                + directions[d, 1] * (indices[n, 1] + 0.5)
                + directions[d, 2] * (indices[n, 2] + 0.5)
            )
    planes = np.empty((2 * sides, 4))
    for a in range(axes.shape[0]):
        for n in range(count):
            along[n] = axes[a, 0] * indices[n, 0] + axes[a, 1] * indices[n, 1] + axes[a, 2] * indices[n, 2]
        for p in range(positions):
            threshold = thresholds[a, p]
            if p > 0 and threshold == thresholds[a, p - 1]:
                continue
            cost, size, empty = 0.0, 0.0, False
            for side in range(2):
                lowest = np.full(sides, 1e30)
                highest = np.full(sides, -1e30)
                low = np.array([1 << 30, 1 << 30, 1 << 30])
                high = np.zeros(3, np.int64)
                found = False
                for n in range(count):
                    if (along[n] < threshold) != (side == 0):
                        continue
                    found = True
                    for d in range(sides):
                        value = extent[n, d]
                        if value < lowest[d]:
                            lowest[d] = value
                        if value > highest[d]:
                            highest[d] = value
                    for k in range(3):
                        if indices[n, k] < low[k]:
                            low[k] = indices[n, k]
                        if indices[n, k] + 1 > high[k]:
                            high[k] = indices[n, k] + 1
                if not found:
                    empty = True
                    break
                for d in range(sides):
                    planes[2 * d, :3] = directions[d]
                    planes[2 * d, 3] = -(highest[d] + reach[d])
                    planes[2 * d + 1, :3] = -directions[d]
                    planes[2 * d + 1, 3] = lowest[d] - reach[d]
                high = np.minimum(high, shape)
                columns = (high[0] - low[0]) * (high[1] - low[1])
                stride = max(1, int(np.sqrt(columns / most_columns)))
                cost += column_sum(prefix, planes, low, high, depth, stride)
                size += _volume(planes, low, high, stride)
            if not empty:
                air[a, p] = cost
                volume[a, p] = size
    return air, volume


@numba.njit(cache=True, nogil=True)
def _volume(planes: np.ndarray, low: np.ndarray, high: np.ndarray, stride: int) -> float:
    """Length of all columns inside the half-spaces, in voxels."""
    total = 0.0
    for i in range(low[0], high[0], stride):
        for j in range(low[1], high[1], stride):
            bottom, top = float(low[2]), float(high[2])
            for r in range(planes.shape[0]):
                rest = planes[r, 0] * (i + 0.5) + planes[r, 1] * (j + 0.5) + planes[r, 3]
                nz = planes[r, 2]
                if nz > 1e-9:
                    top = min(top, -rest / nz)
                elif nz < -1e-9:
                    bottom = max(bottom, -rest / nz)
                elif rest > 1e-9:
                    top = -1e30
                if top <= bottom:
                    break
            if top > bottom:
                total += top - bottom
    return total * stride * stride


@numba.njit(cache=True, nogil=True)
def spanning_corners(indices: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Lattice corners that span the convex hull of whole voxels: the hulls (Andrew 1979) of every lattice plane across x.

    ``indices`` are counted from 0, ``size`` is one more than their maximum. A few times the hull's corners are returned, not
    all of the voxels', which is what makes a convex hull of a large thing cheap.
    """
    nx, ny = size[0] + 1, size[1] + 1
    far = 1 << 30
    bottom = np.full((nx, ny), far, np.int64)
    top = np.full((nx, ny), -far, np.int64)
    for n in range(indices.shape[0]):
        x, y, z = indices[n]
        for dx in range(2):
            for dy in range(2):
                if z < bottom[x + dx, y + dy]:
                    bottom[x + dx, y + dy] = z
                if z + 1 > top[x + dx, y + dy]:
                    top[x + dx, y + dy] = z + 1
    return _plane_hulls(bottom, top)


@numba.njit(cache=True, nogil=True)
def spanning_centres(indices: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The same for the voxels' centres, which are returned as their indices."""
    far = 1 << 30
    bottom = np.full((size[0], size[1]), far, np.int64)
    top = np.full((size[0], size[1]), -far, np.int64)
    for n in range(indices.shape[0]):
        x, y, z = indices[n]
        if z < bottom[x, y]:
            bottom[x, y] = z
        if z > top[x, y]:
            top[x, y] = z
    return _plane_hulls(bottom, top)


@numba.njit(cache=True, nogil=True)
def _plane_hulls(bottom: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Lower and upper hull over y of every x, from lowest and highest z; empty columns have ``top < bottom``."""
    nx, ny = bottom.shape
    out = np.empty((2 * nx * ny, 3), np.int64)
    count = 0
    chain = np.empty((ny, 2), np.int64)
    for x in range(nx):
        for side in range(2):
            length = 0
            for y in range(ny):
                if top[x, y] < bottom[x, y]:
                    continue
                z = -bottom[x, y] if side == 0 else top[x, y]
                while length >= 2:
                    ay, az = chain[length - 2]
                    by, bz = chain[length - 1]
                    if (bz - az) * (y - ay) <= (z - az) * (by - ay):
                        length -= 1
                    else:
                        break
                chain[length, 0], chain[length, 1] = y, z
                length += 1
            for c in range(length):
                out[count, 0], out[count, 1] = x, chain[c, 0]
                out[count, 2] = -chain[c, 1] if side == 0 else chain[c, 1]
                count += 1
    return out[:count]
