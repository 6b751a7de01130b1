"""numba kernels of texture baking; every texel is written by one thread, frames are summed in order."""

import numba
import numpy as np

HALF = 0.71
"""Half a texel, corner to corner. Derived."""
DEEP = 0.1
"""A texel's centre this far inside a triangle is in no other one of a flat unfolding [texels]. Convention."""


@numba.njit(cache=True)
def rasterise(corners_px, width, height):
    """Face and barycentric weights of every texel whose centre lies within half a texel of a uv triangle.

    Args:
        corners_px: (t, 3, 2) corners in texels, x right, y down, centres at +0.5.

    Returns:
        (face (h, w) int32, -1 where none; weights (h, w, 3) float32; (t,) bool, triangles that hold the centre of a texel
        which an earlier one holds too, both by more than ``DEEP`` texels).
    """
    face = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3), np.float32)
    held = np.zeros((height, width), np.bool_)
    over = np.zeros(len(corners_px), np.bool_)
    for t in range(len(corners_px)):
        ax, ay = corners_px[t, 0]
        bx, by = corners_px[t, 1]
        cx, cy = corners_px[t, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-12:
            continue
        per_a = np.hypot(bx - cx, by - cy) / abs(area)  # weight of a corner, a texel away from the side across from it
        per_b = np.hypot(cx - ax, cy - ay) / abs(area)
        per_c = np.hypot(ax - bx, ay - by) / abs(area)
        slack_a, slack_b, slack_c = HALF * per_a, HALF * per_b, HALF * per_c
        u0, u1 = int(max(min(ax, bx, cx) - 1, 0)), int(min(max(ax, bx, cx) + 2, width))
        v0, v1 = int(max(min(ay, by, cy) - 1, 0)), int(min(max(ay, by, cy) + 2, height))
        for v in range(v0, v1):
            for u in range(u0, u1):
                px, py = u + 0.5, v + 0.5
                wa = ((bx - px) * (cy - py) - (cx - px) * (by - py)) / area
                wb = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) / area
                wc = 1.0 - wa - wb
                if wa > DEEP * per_a and wb > DEEP * per_b and wc > DEEP * per_c:
                    over[t] |= held[v, u]
                    held[v, u] = True
                inside = wa >= 0 and wb >= 0 and wc >= 0
                if inside or (face[v, u] < 0 and wa >= -slack_a and wb >= -slack_b and wc >= -slack_c):
                    face[v, u] = t
                    weights[v, u, 0], weights[v, u, 1], weights[v, u, 2] = wa, wb, wc
    return face, weights, over


@numba.njit(cache=True, parallel=True)
def gather(points, normals, z_depth, rgb, K, w2c, centre, tolerance, total, weight):
    """Add one photo to the texels it sees, in place; bilinear, weighted by (facing / distance)^4.

    A texel is seen where the measured depth agrees with its own within ``tolerance`` [m].

    Args:
        points, normals: Of the texels, in the metric world (n, 3).
        z_depth: (h, w) [m], NaN invalid.
        rgb: (h, w, 3).
        K, w2c: Of the photo (3, 3), (4, 4).
        centre: Of its camera (3,) [m].
        tolerance: [m].
        total: Weighted colours (n, 3), added to.
        weight: (n,), added to.
    """
    height, width = z_depth.shape
    for n in numba.prange(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth = w2c[2, 0] * x + w2c[2, 1] * y + w2c[2, 2] * z + w2c[2, 3]
        if depth < 0.05:
            continue
        u = K[0, 0] * (w2c[0, 0] * x + w2c[0, 1] * y + w2c[0, 2] * z + w2c[0, 3]) / depth + K[0, 2]
        v = K[1, 1] * (w2c[1, 0] * x + w2c[1, 1] * y + w2c[1, 2] * z + w2c[1, 3]) / depth + K[1, 2]
        if u < 1 or v < 1 or u >= width - 1 or v >= height - 1:
            continue
        if not abs(z_depth[int(v), int(u)] - depth) < tolerance:
            continue
        dx, dy, dz = centre[0] - x, centre[1] - y, centre[2] - z
        distance = np.sqrt(dx * dx + dy * dy + dz * dz)
        facing = (dx * normals[n, 0] + dy * normals[n, 1] + dz * normals[n, 2]) / max(distance, 1e-6)
        if facing < 0.05:
            continue
        w = (facing / max(distance, 0.2)) ** 4
        u0, v0 = int(u - 0.5), int(v - 0.5)
        fu, fv = u - 0.5 - u0, v - 0.5 - v0
        for c in range(3):
            top = rgb[v0, u0, c] * (1 - fu) + rgb[v0, u0 + 1, c] * fu
            bottom = rgb[v0 + 1, u0, c] * (1 - fu) + rgb[v0 + 1, u0 + 1, c] * fu
            total[n, c] += w * (top * (1 - fv) + bottom * fv)
        weight[n] += w
