"""numba kernels of the carving integrator; one thread owns a block of voxels, so sums have one order."""

import numba
import numpy as np

BLOCK = 8
"""Edge of the voxel blocks that are culled against a frustum as one [voxels]."""
TILE = 16
"""Edge of the image tiles whose farthest depth is kept, to skip blocks that lie behind everything [px]."""
SILHOUETTE = 0.05
"""A pixel whose neighbour is nearer than this fraction of its depth is at the outline of something."""
SCATTER = 40_507
"""Prime by which blocks are dealt to threads: neighbours cost alike, so runs of them would load one thread."""


@numba.njit(cache=True, parallel=True)
def packed(z_depths, normals, outlines):
    """What a voxel asks of a pixel, side by side in memory: z-depth, z-depth of the nearest thing at most a pixel away, normal.

    Args:
        z_depths: (f, h, w) float32 [m], NaN invalid.
        normals: (f, h, w, 3) float32 camera-frame normals facing the camera, NaN unknown.
        outlines: Whether to look for nearer neighbours; without, the second is the first.

    Returns:
        (pixels (f, h, w, 5) float32, farthest depth of every tile (f, ⌈h / TILE⌉, ⌈w / TILE⌉) float32, -1 where none).
    """
    count, height, width = z_depths.shape
    pixels = np.empty((count, height, width, 5), np.float32)
    rows, columns = (height + TILE - 1) // TILE, (width + TILE - 1) // TILE
    farthest = np.full((count, rows, columns), -1, np.float32)
    for job in numba.prange(count * rows):
        f, row = job // rows, job % rows
        for v in range(row * TILE, min((row + 1) * TILE, height)):
            for u in range(width):
                d = z_depths[f, v, u]
                near = d
                if outlines and d > 0:
                    for y in range(max(v - 1, 0), min(v + 2, height)):
                        for x in range(max(u - 1, 0), min(u + 2, width)):
                            near = min(near, z_depths[f, y, x]) if z_depths[f, y, x] > 0 else near
                    near = near if near < (1 - SILHOUETTE) * d else d
                pixels[f, v, u, 0], pixels[f, v, u, 1] = d, near
                pixels[f, v, u, 2:5] = normals[f, v, u]
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


@numba.njit(cache=True, parallel=True)
def integrate(
    pixels,
    farthest,
    trust,
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
        trust: (f, h, w) float32, what a pixel weighs; 1 where it was measured, 0 leaves it out. Of length 0: all 1.
        K: (f, 3, 3). w2c: (f, 4, 4).
        origin: Low corner of the volume [m].
        front, back: Truncation on the free and the solid side [m].
        noise: Depth error that the band must hold, as a fraction of the depth; 0 for measured depth.
        distance_sum, weight_sum: (nx, ny, nz) float32, updated.
        deep_sum: (nx, ny, nz) float32, updated by the weight of votes from more than a voxel behind; of length 0: they
            count like all others.
        support: (nx, ny, nz) float32, updated by the trust of every vote; of length 0 when nobody asks.
    """
    nx, ny, nz = distance_sum.shape
    frame_count, height, width, _ = pixels.shape
    blocks_x, blocks_y, blocks_z = (nx + BLOCK - 1) // BLOCK, (ny + BLOCK - 1) // BLOCK, (nz + BLOCK - 1) // BLOCK
    block_count = blocks_x * blocks_y * blocks_z
    radius = 0.5 * np.sqrt(3.0) * BLOCK * voxel_size
    weighed, apart, supported = len(trust) > 0, len(deep_sum) > 0, len(support) > 0
    for number in numba.prange(block_count):
        block = number if block_count % SCATTER == 0 else (number * SCATTER) % block_count
        i0 = (block // (blocks_y * blocks_z)) * BLOCK
        j0 = ((block // blocks_z) % blocks_y) * BLOCK
        k0 = (block % blocks_z) * BLOCK
        k_end = min(k0 + BLOCK, nz)
        mid_x = origin[0] + (i0 + 0.5 * BLOCK) * voxel_size
        mid_y = origin[1] + (j0 + 0.5 * BLOCK) * voxel_size
        mid_z = origin[2] + (k0 + 0.5 * BLOCK) * voxel_size
        for f in range(frame_count):
            e, fx, fy, cx, cy = w2c[f], K[f, 0, 0], K[f, 1, 1], K[f, 0, 2], K[f, 1, 2]
            z_mid = e[2, 0] * mid_x + e[2, 1] * mid_y + e[2, 2] * mid_z + e[2, 3]
            if z_mid < min_depth - radius:
                continue
            if z_mid > 2 * radius:  # conservative sphere-against-image test
                u_mid = fx * (e[0, 0] * mid_x + e[0, 1] * mid_y + e[0, 2] * mid_z + e[0, 3]) / z_mid + cx
                v_mid = fy * (e[1, 0] * mid_x + e[1, 1] * mid_y + e[1, 2] * mid_z + e[1, 3]) / z_mid + cy
                reach = radius / (z_mid - radius)
                ru, rv = reach * (fx + abs(u_mid - cx)), reach * (fy + abs(v_mid - cy))
                if u_mid < -ru or u_mid > width + ru or v_mid < -rv or v_mid > height + rv:
                    continue
                most = np.float32(-1)
                for row in range(max(int(v_mid - rv), 0) // TILE, min(int(v_mid + rv), height - 1) // TILE + 1):
                    for column in range(max(int(u_mid - ru), 0) // TILE, min(int(u_mid + ru), width - 1) // TILE + 1):
                        most = max(most, farthest[f, row, column])
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
                    first, last = _clipped(k0, k_end, az - min_depth, sz)
                    for side in range(4):  # the image's left, right, upper and lower edge
                        if first >= last:
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
                    for k in range(first, last):
                        n = k - k0
                        px, py, pz = ax + n * sx, ay + n * sy, az + n * sz
                        if pz < min_depth:
                            continue
                        u, v = fx * px / pz + cx, fy * py / pz + cy
                        if u < 0 or v < 0 or u >= width or v >= height:
                            continue
                        ui, vi = int(u), int(v)
                        d = pixels[f, vi, ui, 0]
                        if not d > 0:
                            continue
                        share = trust[f, vi, ui] if weighed else np.float32(1)
                        if not share > 0:
                            continue
                        stretch = max(1.0, noise * d / front)
                        along = d - pz
                        if along < -2 * back * stretch:  # further along a slanted ray the surface may have ended
                            continue
                        near = pixels[f, vi, ui, 1]
                        if near < d and abs(pz - near) < 2 * back and along > back:
                            continue
                        nx_, ny_, nz_ = pixels[f, vi, ui, 2], pixels[f, vi, ui, 3], pixels[f, vi, ui, 4]
                        weight = share / (1.0 + d * d)
                        if nz_ == nz_:
                            qx, qy = (ui + 0.5 - cx) * d / fx, (vi + 0.5 - cy) * d / fy
                            distance = (px - qx) * nx_ + (py - qy) * ny_ + (pz - d) * nz_
                            if abs(distance) > abs(along) + 0.5 * voxel_size:  # a plane can't be further than the point on it
                                distance = along
                        else:
                            distance = along
                            weight *= 0.25
                        distance /= stretch
                        if distance < -back:
                            continue
                        if apart and distance < -voxel_size:
                            deep_sum[i, j, k] += weight
                            continue
                        if distance > front:
                            distance = front
                        distance_sum[i, j, k] += weight * distance
                        weight_sum[i, j, k] += weight
                        if supported:
                            support[i, j, k] += share
