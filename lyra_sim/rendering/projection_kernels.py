"""Compiled loops of the CPU splat rasteriser: 3D Gaussians onto the image plane, and the gradients of that."""

import math

import numpy as np
from numba import njit, prange

LOW_PASS_PX2 = 0.3
"""Added to the diagonal of every projected covariance, so that no splat falls between pixel centres [px^2]. Convention."""


@njit
def slope_limits(fx, fy, cx, cy, width, height):
    """Where the slopes x/z and y/z at which the projection is linearised are held: left, right, top, bottom.

    Far outside the image the linearised projection explodes: its slope is taken at a border 15 % of the image away
    (Kerbl et al. 2023).

    Args:
        fx, fy, cx, cy: Intrinsics [px].
        width, height: Of the image [px].
    """
    left, right = -(0.15 * width + cx) / fx, (1.15 * width - cx) / fx
    top, bottom = -(0.15 * height + cy) / fy, (1.15 * height - cy) / fy
    return left, right, top, bottom


@njit
def turned(w2c, x, y, z):
    """A direction of the world in the camera's frame."""
    return (
        w2c[0, 0] * x + w2c[0, 1] * y + w2c[0, 2] * z,
        w2c[1, 0] * x + w2c[1, 1] * y + w2c[1, 2] * z,
        w2c[2, 0] * x + w2c[2, 1] * y + w2c[2, 2] * z,
    )


@njit
def unit(quats_wxyz, g):
    """One quaternion at unit length, and the length it had."""
    w, x = np.float64(quats_wxyz[g, 0]), np.float64(quats_wxyz[g, 1])
    y, z = np.float64(quats_wxyz[g, 2]), np.float64(quats_wxyz[g, 3])
    length = math.sqrt(w * w + x * x + y * y + z * z)
    return w / length, x / length, y / length, z / length, length


@njit
def camera_axes(w2c, w, x, y, z):
    """The three axes of a Gaussian in the camera's frame, from its unit quaternion."""
    return (
        turned(w2c, 1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        turned(w2c, 2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        turned(w2c, 2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    )


@njit
def camera_mean(w2c, means, g):
    """One mean in the camera's frame, as x/z, y/z, z."""
    x, y, z = turned(w2c, np.float64(means[g, 0]), np.float64(means[g, 1]), np.float64(means[g, 2]))
    z += w2c[2, 3]
    return (x + w2c[0, 3]) / z, (y + w2c[1, 3]) / z, z


@njit(parallel=True, cache=True)
def project(means, quats_wxyz, scales, w2c, fx, fy, cx, cy, width, height, near):
    """Pixel centres (n, 2), conics (n, 3) and z-depth (n,) by EWA projection (Zwicker et al. 2001).

    The conic is the inverse 2D covariance as (xx, xy, yy); z-depth 0 marks a splat that isn't drawn.

    Args:
        means, scales: In the world [frame units] (n, 3).
        quats_wxyz: world_from_gaussian (n, 4), of any length but zero.
        w2c: (4, 4).
        fx, fy, cx, cy: Intrinsics [px].
        width, height: Of the image [px].
        near: Least z-depth of a mean that is drawn [frame units].
    """
    n = means.shape[0]
    centres, conics, z_depth = np.zeros((n, 2), np.float32), np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
    left, right, top, bottom = slope_limits(fx, fy, cx, cy, width, height)
    for g in prange(n):
        x, y, z = camera_mean(w2c, means, g)
        if not z > near:
            continue
        slope_x, slope_y = min(max(x, left), right), min(max(y, top), bottom)
        qw, qx, qy, qz, _ = unit(quats_wxyz, g)
        axes = camera_axes(w2c, qw, qx, qy, qz)
        xx, xy, yy = LOW_PASS_PX2, 0.0, LOW_PASS_PX2
        for k in range(3):
            axis = axes[k]
            u = fx / z * (axis[0] - slope_x * axis[2]) * scales[g, k]
            v = fy / z * (axis[1] - slope_y * axis[2]) * scales[g, k]
            xx, xy, yy = xx + u * u, xy + u * v, yy + v * v
        determinant = xx * yy - xy * xy
        if not 0 < determinant < np.inf:  # a quaternion without length, a scale that isn't finite
            continue
        conics[g, 0], conics[g, 1], conics[g, 2] = yy / determinant, -xy / determinant, xx / determinant
        centres[g, 0], centres[g, 1], z_depth[g] = fx * x + cx, fy * y + cy, z
    return centres, conics, z_depth


@njit(parallel=True, cache=True)
def project_backward(means, quats_wxyz, scales, w2c, fx, fy, cx, cy, width, height, g_centres, g_conics, g_z_depth):
    """Gradients of means (n, 3), quaternions (n, 4) and scales (n, 3); zero where nothing is asked of a splat.

    Args:
        means, scales: In the world [frame units] (n, 3).
        quats_wxyz: world_from_gaussian (n, 4), of any length but zero.
        w2c: (4, 4).
        fx, fy, cx, cy: Intrinsics [px].
        width, height: Of the image [px].
        g_centres, g_conics, g_z_depth: Gradients of what :func:`project` returns (n, 2), (n, 3), (n,).
    """
    n = means.shape[0]
    g_means, g_quats, g_scales = np.zeros((n, 3), np.float32), np.zeros((n, 4), np.float32), np.zeros((n, 3), np.float32)
    left, right, top, bottom = slope_limits(fx, fy, cx, cy, width, height)
    for g in prange(n):
        g_x, g_y, g_z = fx * np.float64(g_centres[g, 0]), fy * np.float64(g_centres[g, 1]), np.float64(g_z_depth[g])
        g_a, g_b, g_c = np.float64(g_conics[g, 0]), np.float64(g_conics[g, 1]), np.float64(g_conics[g, 2])
        if g_x == 0 and g_y == 0 and g_z == 0 and g_a == 0 and g_b == 0 and g_c == 0:
            continue  # not drawn, and perhaps nothing a gradient could be taken of
        x, y, z = camera_mean(w2c, means, g)
        slope_x, slope_y = min(max(x, left), right), min(max(y, top), bottom)
        qw, qx, qy, qz, length = unit(quats_wxyz, g)
        axes = camera_axes(w2c, qw, qx, qy, qz)
        xx, xy, yy = LOW_PASS_PX2, 0.0, LOW_PASS_PX2
        for k in range(3):
            axis = axes[k]
            u = fx / z * (axis[0] - slope_x * axis[2]) * scales[g, k]
            v = fy / z * (axis[1] - slope_y * axis[2]) * scales[g, k]
            xx, xy, yy = xx + u * u, xy + u * v, yy + v * v
        determinant = xx * yy - xy * xy
        a, b, c = yy / determinant, -xy / determinant, xx / determinant
        # of the covariance: -Q G Q, with Q the conic and G its gradient as a symmetric matrix
        h = 0.5 * g_b
        p, q, r, s = a * g_a + b * h, a * h + b * g_c, b * g_a + c * h, b * h + c * g_c
        g_xx, g_xy, g_yy = -(p * a + q * b), -2.0 * (p * b + q * c), -(r * b + s * c)
        torque_x, torque_y, torque_z = 0.0, 0.0, 0.0
        for k in range(3):
            axis, scale = axes[k], np.float64(scales[g, k])
            u = fx / z * (axis[0] - slope_x * axis[2])
            v = fy / z * (axis[1] - slope_y * axis[2])
            g_u, g_v = scale * (2.0 * g_xx * u + g_xy * v), scale * (2.0 * g_yy * v + g_xy * u)
            g_scales[g, k] = g_u * u + g_v * v
            g_u, g_v = g_u * scale, g_v * scale
            g_z -= (g_u * u + g_v * v) / z
            g_u, g_v = g_u * fx / z, g_v * fy / z
            if slope_x == x:
                g_x -= g_u * axis[2]
            if slope_y == y:
                g_y -= g_v * axis[2]
            # of the axis: (g_u, g_v, g_w); what turns it is the cross product
            g_w = -(g_u * slope_x + g_v * slope_y)
            torque_x += axis[1] * g_w - axis[2] * g_v
            torque_y += axis[2] * g_u - axis[0] * g_w
            torque_z += axis[0] * g_v - axis[1] * g_u
        g_z -= (g_x * x + g_y * y) / z
        g_x, g_y = g_x / z, g_y / z
        for i in range(3):
            g_means[g, i] = w2c[0, i] * g_x + w2c[1, i] * g_y + w2c[2, i] * g_z
        # a turn by the vector t moves a unit quaternion by (0, t) q / 2: the gradient is 2 (0, torque) q, in the world
        tx = 2.0 / length * (w2c[0, 0] * torque_x + w2c[1, 0] * torque_y + w2c[2, 0] * torque_z)
        ty = 2.0 / length * (w2c[0, 1] * torque_x + w2c[1, 1] * torque_y + w2c[2, 1] * torque_z)
        tz = 2.0 / length * (w2c[0, 2] * torque_x + w2c[1, 2] * torque_y + w2c[2, 2] * torque_z)
        g_quats[g, 0], g_quats[g, 1] = -(tx * qx + ty * qy + tz * qz), tx * qw + ty * qz - tz * qy
        g_quats[g, 2], g_quats[g, 3] = ty * qw + tz * qx - tx * qz, tz * qw + tx * qy - ty * qx
    return g_means, g_quats, g_scales
