"""Surface normals of depth images, by numba."""

import numba
import numpy as np


@numba.njit(cache=True, parallel=True)
def surface_normals(z_depth, fx, fy, cx, cy, max_jump):
    """Camera-facing unit normals of a depth image (h, w, 3); NaN where a neighbour is missing or across a depth jump.

    Central differences where both neighbours lie on the same surface, one-sided at its edge.

    Args:
        z_depth: (h, w), NaN invalid.
        fx, fy, cx, cy: Intrinsics [px].
        max_jump: Neighbours whose depths differ by more than this fraction lie on two surfaces.
    """
    height, width = z_depth.shape
    normals = np.full((height, width, 3), np.nan, np.float32)
    for v in numba.prange(height):
        for u in range(width):
            z = z_depth[v, u]
            if not z > 0:
                continue
            limit = max_jump * z
            left = z_depth[v, u - 1] if u > 0 else np.float32(np.nan)
            right = z_depth[v, u + 1] if u < width - 1 else np.float32(np.nan)
            above = z_depth[v - 1, u] if v > 0 else np.float32(np.nan)
            below = z_depth[v + 1, u] if v < height - 1 else np.float32(np.nan)
            u0, u1, v0, v1 = u, u, v, v
            z_u0, z_u1, z_v0, z_v1 = z, z, z, z
            if abs(left - z) < limit:
                u0, z_u0 = u - 1, left
            if abs(right - z) < limit:
                u1, z_u1 = u + 1, right
            if abs(above - z) < limit:
                v0, z_v0 = v - 1, above
            if abs(below - z) < limit:
                v1, z_v1 = v + 1, below
            if u0 == u1 or v0 == v1:
                continue
            ax = ((u1 + 0.5 - cx) * z_u1 - (u0 + 0.5 - cx) * z_u0) / fx
            ay = (v + 0.5 - cy) * (z_u1 - z_u0) / fy
            az = z_u1 - z_u0
            bx = (u + 0.5 - cx) * (z_v1 - z_v0) / fx
            by = ((v1 + 0.5 - cy) * z_v1 - (v0 + 0.5 - cy) * z_v0) / fy
            bz = z_v1 - z_v0
            nx, ny, nz = by * az - bz * ay, bz * ax - bx * az, bx * ay - by * ax
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            if length < 1e-12:
                continue
            normals[v, u, 0], normals[v, u, 1], normals[v, u, 2] = nx / length, ny / length, nz / length
    return normals
