"""numba kernels of the carving integrator; one thread owns a block of voxels, so sums have one order."""

import numba
import numpy as np

BLOCK = 8
"""Edge of the voxel blocks that are culled against a frustum as one [voxels]."""


@numba.njit(cache=True, parallel=True)
def integrate(
    z_depths, normals, trust, K, w2c, origin, voxel_size, front, back, noise, min_depth, distance_sum, weight_sum, support
):
    """Add frames to a dense truncated signed distance volume, in place.

    A voxel in front of the measured surface by more than ``front`` is free and counts as +front; within
    [-back, front] its distance to the tangent plane of the pixel it projects to is averaged (Curless and
    Levoy 1996; point-to-plane as in Bylow et al. 2013); further behind nothing is known. Where depth is noisier than
    ``front`` allows, both ends of the band and the distances in it are stretched by the same factor, so that every
    pixel still votes between -back and +front and the zero stays where it was.

    Args:
        z_depths: (f, h, w) float32 [m], NaN invalid.
        normals: (f, h, w, 3) float32 camera-frame normals facing the camera, NaN unknown.
        trust: (f, h, w) float32, what a pixel weighs; 1 where it was measured, 0 leaves it out.
        K: (f, 3, 3). w2c: (f, 4, 4).
        origin: Low corner of the volume [m].
        front, back: Truncation on the free and the solid side [m].
        noise: Depth error that the band must hold, as a fraction of the depth; 0 for measured depth.
        distance_sum, weight_sum: (nx, ny, nz) float32, updated.
        support: (nx, ny, nz) float32, updated by the trust of every vote; of length 0 when nobody asks.
    """
    nx, ny, nz = distance_sum.shape
    frame_count, height, width = z_depths.shape
    blocks_x, blocks_y, blocks_z = (nx + BLOCK - 1) // BLOCK, (ny + BLOCK - 1) // BLOCK, (nz + BLOCK - 1) // BLOCK
    radius = 0.5 * np.sqrt(3.0) * BLOCK * voxel_size
    for block in numba.prange(blocks_x * blocks_y * blocks_z):
        i0 = (block // (blocks_y * blocks_z)) * BLOCK
        j0 = ((block // blocks_z) % blocks_y) * BLOCK
        k0 = (block % blocks_z) * BLOCK
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
            for i in range(i0, min(i0 + BLOCK, nx)):
                for j in range(j0, min(j0 + BLOCK, ny)):
                    x, y = origin[0] + (i + 0.5) * voxel_size, origin[1] + (j + 0.5) * voxel_size
                    bx = e[0, 0] * x + e[0, 1] * y + e[0, 3]
                    by = e[1, 0] * x + e[1, 1] * y + e[1, 3]
                    bz = e[2, 0] * x + e[2, 1] * y + e[2, 3]
                    for k in range(k0, min(k0 + BLOCK, nz)):
                        z = origin[2] + (k + 0.5) * voxel_size
                        pz = bz + e[2, 2] * z
                        if pz < min_depth:
                            continue
                        px, py = bx + e[0, 2] * z, by + e[1, 2] * z
                        u, v = fx * px / pz + cx, fy * py / pz + cy
                        if u < 0 or v < 0 or u >= width or v >= height:
                            continue
                        ui, vi = int(u), int(v)
                        d = z_depths[f, vi, ui]
                        if not d > 0 or not trust[f, vi, ui] > 0:
                            continue
                        stretch = max(1.0, noise * d / front)
                        along = d - pz
                        if along < -2 * back * stretch:  # further along a slanted ray the surface may have ended
                            continue
                        n = normals[f, vi, ui]
                        weight = trust[f, vi, ui] / (1.0 + d * d)
                        if n[2] == n[2]:
                            qx, qy = (ui + 0.5 - cx) * d / fx, (vi + 0.5 - cy) * d / fy
                            distance = (px - qx) * n[0] + (py - qy) * n[1] + (pz - d) * n[2]
                            if abs(distance) > abs(along) + 0.5 * voxel_size:  # a plane can't be further than the point on it
                                distance = along
                        else:
                            distance = along
                            weight *= 0.25
                        distance /= stretch
                        if distance < -back:
                            continue
                        if distance > front:
                            distance = front
                        distance_sum[i, j, k] += weight * distance
                        weight_sum[i, j, k] += weight
                        if len(support):
                            support[i, j, k] += trust[f, vi, ui]
