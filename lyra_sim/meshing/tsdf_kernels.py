"""numba kernels of the carving integrator; one thread owns a block of voxels, so sums have one order."""

import numba
import numpy as np

BLOCK = 16
"""Edge of the voxel blocks that are culled against a frustum as one [voxels]. Convention."""
TILE = 16
"""Edge of the image tiles whose farthest depth is kept, to skip blocks that lie behind everything [px]. Convention."""
SILHOUETTE = 0.05
"""A pixel whose neighbour is nearer than this fraction of its depth is at the outline of something. Tuned, unrecorded."""
SCATTER = 40_507
"""Prime by which columns of blocks are dealt to threads: neighbours cost alike, so runs of them would load one thread.
Convention."""


@numba.njit(cache=True, parallel=True)
def packed(z_depths, normals, trust, K, outlines):
    """What a voxel asks of a pixel, side by side in memory.

    That is z-depth, z-depth of the nearest thing at most a pixel away, the plane through the pixel's point as unit normal
    and offset (``normal . x - offset`` is the distance before it), weight and trust. The weight falls with the square of
    the depth. Where no normal is known the plane faces the camera and weighs a quarter; where a pixel has no say its
    z-depth is NaN.

    Args:
        z_depths: (f, h, w) float32 [m], NaN invalid.
        normals: (f, h, w, 3) float32 camera-frame normals facing the camera, NaN unknown.
        trust: (f, h, w) float32, what a pixel weighs; 1 where it was measured, 0 leaves it out. Of length 0: all 1.
        K: (f, 3, 3).
        outlines: Whether to look for nearer neighbours; without, the second is the first.

    Returns:
        (pixels (f, h, w, 8) float32, farthest depth of every tile (f, ⌈h / TILE⌉, ⌈w / TILE⌉) float32, -1 where none).
    """
    count, height, width = z_depths.shape
    pixels = np.empty((count, height, width, 8), np.float32)
    rows, columns = (height + TILE - 1) // TILE, (width + TILE - 1) // TILE
    farthest = np.full((count, rows, columns), -1, np.float32)
    for job in numba.prange(count * rows):
        f, row = job // rows, job % rows
        for v in range(row * TILE, min((row + 1) * TILE, height)):
            for u in range(width):
                d = z_depths[f, v, u]
                share = trust[f, v, u] if len(trust) else np.float32(1)
                if not d > 0 or not share > 0:
                    pixels[f, v, u, :] = np.nan
                    continue
                near = d
                if outlines:
                    for y in range(max(v - 1, 0), min(v + 2, height)):
                        for x in range(max(u - 1, 0), min(u + 2, width)):
                            near = min(near, z_depths[f, y, x]) if z_depths[f, y, x] > 0 else near
                    near = near if near < (1 - SILHOUETTE) * d else d
                a, b, c, weight = normals[f, v, u, 0], normals[f, v, u, 1], normals[f, v, u, 2], share / (1 + d * d)
                if c == c:
                    x, y = (u + 0.5 - K[f, 0, 2]) * d / K[f, 0, 0], (v + 0.5 - K[f, 1, 2]) * d / K[f, 1, 1]
                    offset = a * x + b * y + c * d
                else:
                    a, b, c, offset, weight = 0.0, 0.0, -1.0, -d, 0.25 * weight
                pixels[f, v, u, 0], pixels[f, v, u, 1], pixels[f, v, u, 2], pixels[f, v, u, 3] = d, near, a, b
                pixels[f, v, u, 4], pixels[f, v, u, 5], pixels[f, v, u, 6], pixels[f, v, u, 7] = c, offset, weight, share
                if d > farthest[f, row, u // TILE]:
                    farthest[f, row, u // TILE] = d
    return pixels, farthest


@numba.njit(cache=True, inline="always")
def _clipped(first, last, at_first, step):
    """[first, last) narrowed to where ``at_first + step * (k - first)`` may be ≥ 0, a voxel to spare on either side."""
    at_last = at_first + step * (last - 1 - first)
    if at_first >= 0 and at_last >= 0:
        return first, last
    if at_first < -abs(step) and at_last < -abs(step):
        return first, first
    crossing = first + int(np.floor(-at_first / step)) if step != 0 else first
    if step > 0:
        return max(first, crossing - 1), last
    return first, min(last, crossing + 3)


@numba.njit(cache=True, parallel=True, error_model="numpy")
def integrate(
    pixels,
    farthest,
    K,
    w2c,
    origin,
    voxel_size,
    front,
    back,
    noise,
    min_depth,
    distance_sum,
    weight_sum,
    deep_sum,
    support,
):
    """Add frames to a dense truncated signed distance volume, in place.

    A voxel in front of the measured surface by more than ``front`` is free and counts as +front; within
    [-back, front] its distance to the tangent plane of the pixel it projects to is averaged (Curless and
    Levoy 1996; point-to-plane as in Bylow et al. 2013); further behind nothing is known. Where depth is noisier than
    ``front`` allows, both ends of the band and the distances in it are stretched by the same factor, so that every
    pixel still votes between -back and +front and the zero stays where it was.

    Two things would spoil what is thinner than the band. Behind its far face lies air, which those who look from the
    near side would vote matter: votes from more than a voxel behind a surface are counted apart, in ``deep_sum``, and are
    to be heard only where nobody looked from nearer. And at its outline a pixel shows either it or what lies behind it:
    where a pixel sees past something that its neighbour sees, it has no say about the voxels there.

    Args:
        pixels, farthest: Of :func:`packed`.
        K: (f, 3, 3).
        w2c: (f, 4, 4).
        origin: Low corner of the volume [m].
        voxel_size: [m].
        front, back: Truncation on the free and the solid side [m].
        noise: Depth error that the band must hold, as a fraction of the depth; 0 for measured depth.
        min_depth: Nearer voxels are left alone [m].
        distance_sum, weight_sum: (nx, ny, nz) float32, updated.
        deep_sum: (nx, ny, nz) float32, updated by the weight of votes from more than a voxel behind; of length 0: they
            count like all others.
        support: (nx, ny, nz) float32, updated by the trust of every vote; of length 0 when nobody asks.
    """
    nx, ny, nz = distance_sum.shape
    frame_count, height, width, _ = pixels.shape
    blocks_x, blocks_y, blocks_z = (nx + BLOCK - 1) // BLOCK, (ny + BLOCK - 1) // BLOCK, (nz + BLOCK - 1) // BLOCK
    columns = blocks_x * blocks_y
    radius = 0.5 * np.sqrt(3.0) * BLOCK * voxel_size
    apart, supported = len(deep_sum) > 0, len(support) > 0
    one, zero, nearest, rear, fore = np.float32(1), np.float32(0), np.float32(min_depth), np.float32(back), np.float32(front)
    edge, spread = np.float32(voxel_size), np.float32(noise / front)
    wide, high, twice, half = np.float32(width), np.float32(height), np.float32(2 * back), np.float32(voxel_size / 2)
    for number in numba.prange(columns * blocks_z):
        block = number // blocks_z if columns % SCATTER == 0 else (number // blocks_z * SCATTER) % columns
        i0, j0, k0 = (block // blocks_y) * BLOCK, (block % blocks_y) * BLOCK, (number % blocks_z) * BLOCK
        k_end = min(k0 + BLOCK, nz)
        mid_x = origin[0] + (i0 + 0.5 * BLOCK) * voxel_size
        mid_y = origin[1] + (j0 + 0.5 * BLOCK) * voxel_size
        mid_z = origin[2] + (k0 + 0.5 * BLOCK) * voxel_size
        for f in range(frame_count):
            frame = np.uintp(f)
            e, fx, fy, cx, cy = w2c[f], K[f, 0, 0], K[f, 1, 1], K[f, 0, 2], K[f, 1, 2]
            z_mid = e[2, 0] * mid_x + e[2, 1] * mid_y + e[2, 2] * mid_z + e[2, 3]
            if z_mid < min_depth - radius:
                continue
            whole = False
            if z_mid > 2 * radius:  # conservative sphere-against-image test
                u_mid = fx * (e[0, 0] * mid_x + e[0, 1] * mid_y + e[0, 2] * mid_z + e[0, 3]) / z_mid + cx
                v_mid = fy * (e[1, 0] * mid_x + e[1, 1] * mid_y + e[1, 2] * mid_z + e[1, 3]) / z_mid + cy
                reach = radius / (z_mid - radius)
                ru, rv = reach * (fx + abs(u_mid - cx)), reach * (fy + abs(v_mid - cy))
                if u_mid < -ru or u_mid > width + ru or v_mid < -rv or v_mid > height + rv:
                    continue
                whole = ru <= u_mid <= width - ru and rv <= v_mid <= height - rv and z_mid > min_depth + radius
                most = np.float32(-1)
                for below in range(max(int(v_mid - rv), 0) // TILE, min(int(v_mid + rv), height - 1) // TILE + 1):
                    for beside in range(max(int(u_mid - ru), 0) // TILE, min(int(u_mid + ru), width - 1) // TILE + 1):
                        most = max(most, farthest[f, below, beside])
                if most < 0 or z_mid - radius > most + 2 * back * max(1.0, noise * most / front):
                    continue
            for i in range(i0, min(i0 + BLOCK, nx)):
                x = origin[0] + (i + 0.5) * voxel_size
                for j in range(j0, min(j0 + BLOCK, ny)):
                    y, z0 = origin[1] + (j + 0.5) * voxel_size, origin[2] + (k0 + 0.5) * voxel_size
                    ax = e[0, 0] * x + e[0, 1] * y + e[0, 2] * z0 + e[0, 3]
                    ay = e[1, 0] * x + e[1, 1] * y + e[1, 2] * z0 + e[1, 3]
                    az = e[2, 0] * x + e[2, 1] * y + e[2, 2] * z0 + e[2, 3]
                    sx, sy, sz = e[0, 2] * voxel_size, e[1, 2] * voxel_size, e[2, 2] * voxel_size
                    first, last = k0, k_end
                    if not whole:
                        first, last = _clipped(k0, k_end, az - min_depth, sz)
                    for side in range(4):  # the image's left, right, upper and lower edge
                        if whole or first >= last:
                            break
                        n = first - k0
                        px, py, pz = ax + n * sx, ay + n * sy, az + n * sz
                        if side == 0:
                            first, last = _clipped(first, last, fx * px + cx * pz, fx * sx + cx * sz)
                        elif side == 1:
                            first, last = _clipped(first, last, (width - cx) * pz - fx * px, (width - cx) * sz - fx * sx)
                        elif side == 2:
                            first, last = _clipped(first, last, fy * py + cy * pz, fy * sy + cy * sz)
                        else:
                            first, last = _clipped(first, last, (height - cy) * pz - fy * py, (height - cy) * sz - fy * sy)
                    bx, by, bz = np.float32(ax), np.float32(ay), np.float32(az)
                    i_, j_ = np.uintp(i), np.uintp(j)
                    tx, ty, tz = np.float32(sx), np.float32(sy), np.float32(sz)
                    gx, gy, mx, my = np.float32(fx), np.float32(fy), np.float32(cx), np.float32(cy)
                    for k in range(first, last):
                        n = np.float32(k - k0)
                        px, py, pz = bx + n * tx, by + n * ty, bz + n * tz
                        if pz < nearest:
                            continue
                        per_z = one / pz
                        u, v = gx * px * per_z + mx, gy * py * per_z + my
                        if not (u >= zero and v >= zero and u < wide and v < high):  # NaN too, of a voxel at the camera
                            continue
                        row, column, up = np.uintp(v), np.uintp(u), np.uintp(k)  # unsigned: never from the end
                        d = pixels[frame, row, column, 0]
                        if not d > zero:
                            continue
                        stretch = max(one, spread * d)
                        along = d - pz
                        if along < -twice * stretch:  # further along a slanted ray the surface may have ended
                            continue
                        near = pixels[frame, row, column, 1]
                        if near < d and abs(pz - near) < twice and along > rear:
                            continue
                        distance = px * pixels[frame, row, column, 2] + py * pixels[frame, row, column, 3]
                        distance += pz * pixels[frame, row, column, 4] - pixels[frame, row, column, 5]
                        if abs(distance) > abs(along) + half:  # a plane can't be further than the point on it
                            distance = along
                        distance = min(distance / stretch, fore)
                        if distance < -rear:
                            continue
                        weight = pixels[frame, row, column, 6]
                        if apart and distance < -edge:
                            deep_sum[i_, j_, up] += weight
                            continue
                        distance_sum[i_, j_, up] += weight * distance
                        weight_sum[i_, j_, up] += weight
                        if supported:
                            support[i_, j_, up] += pixels[frame, row, column, 7]
