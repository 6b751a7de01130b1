"""Surface normals of estimated depth images, by numba: neighbouring pixels alone would tell noise."""

import numba
import numpy as np

REACH = 2
"""Samples on either side of a pixel, ``stride`` pixels apart. Convention."""
MIN_SAMPLES = 8
"""Fewer samples on the same surface give no normal. Convention."""


@numba.njit(cache=True)
def _solve(m, b):
    """Cramer's rule for a symmetric 3x3 system kept as 6 numbers; (ok, x, y, z)."""
    a00, a01, a02, a11, a12, a22 = m[0], m[1], m[2], m[3], m[4], m[5]
    c00, c01, c02 = a11 * a22 - a12 * a12, a02 * a12 - a01 * a22, a01 * a12 - a02 * a11
    det = a00 * c00 + a01 * c01 + a02 * c02
    if abs(det) < 1e-9:
        return False, 0.0, 0.0, 0.0
    c11, c12, c22 = a00 * a22 - a02 * a02, a01 * a02 - a00 * a12, a00 * a11 - a01 * a01
    x = (c00 * b[0] + c01 * b[1] + c02 * b[2]) / det
    y = (c01 * b[0] + c11 * b[1] + c12 * b[2]) / det
    z = (c02 * b[0] + c12 * b[1] + c22 * b[2]) / det
    return True, x, y, z


@numba.njit(cache=True, parallel=True)
def fitted_normals(z_depth, fx, fy, cx, cy, stride, sigma_relative):
    """Camera-facing unit normals (h, w, 3) of a depth image; NaN where too few pixels lie on one surface.

    The inverse depth of a plane is linear in the pixel, so a plane is fitted to it on a lattice of 5 x 5 samples, twice:
    the second time samples off the first fit by more than the noise lose weight (Cauchy).

    Args:
        z_depth: (h, w), NaN invalid.
        stride: Pixels between samples.
        sigma_relative: Noise of the depth as a fraction of it.
        fx, fy, cx, cy: Intrinsics [px].
    """
    height, width = z_depth.shape
    normals = np.full((height, width, 3), np.nan, np.float32)
    scale = max(2 * sigma_relative, 0.01)
    for v in numba.prange(height):
        m, b = np.empty(6), np.empty(3)
        for u in range(width):
            z = z_depth[v, u]
            if not z > 0:
                continue
            inverse = 1.0 / np.float64(z)
            p, q, r = 0.0, 0.0, inverse
            ok = False
            for turn in range(2):
                m[:], b[:] = 0.0, 0.0
                count = 0
                for j in range(-REACH, REACH + 1):
                    vj = v + j * stride
                    if vj < 0 or vj >= height:
                        continue
                    for i in range(-REACH, REACH + 1):
                        ui = u + i * stride
                        if ui < 0 or ui >= width:
                            continue
                        other = z_depth[vj, ui]
                        if not other > 0:
                            continue
                        value = 1.0 / np.float64(other)
                        if turn == 0:
                            if abs(value - inverse) > inverse * (0.05 + 0.05 * max(abs(i), abs(j))):
                                continue
                            weight = 1.0
                        else:
                            off = (value - p * i - q * j - r) / (scale * inverse)
                            weight = 1.0 / (1.0 + off * off)
                        if weight > 0.2:
                            count += 1
                        m[0] += weight * i * i
                        m[1] += weight * i * j
                        m[2] += weight * i
                        m[3] += weight * j * j
                        m[4] += weight * j
                        m[5] += weight
                        b[0] += weight * i * value
                        b[1] += weight * j * value
                        b[2] += weight * value
                ok = count >= MIN_SAMPLES
                if not ok:
                    break
                ok, p, q, r = _solve(m, b)
                if not ok:
                    break
            if not ok:
                continue
            # 1/z = n.ray / d, with 1/z = p i + q j + r and i = (u' - u) / stride
            a, c = p * fx / stride, q * fy / stride
            x, y = (u + 0.5 - cx) / fx, (v + 0.5 - cy) / fy
            nx, ny, nz = -a, -c, -(r - a * x - c * y)
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            normals[v, u, 0], normals[v, u, 1], normals[v, u, 2] = nx / length, ny / length, nz / length
    return normals
