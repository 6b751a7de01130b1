"""numba kernels on signed distance fields; every voxel and every face is written by one thread."""

import numba
import numpy as np

LEAST = 0.25
"""A voxel of air keeps at least this share of a voxel between itself and the surface. Convention."""


@numba.njit(cache=True, parallel=True)
def within_reach(distance, free, solid, voxel_size):
    """The distances with those of air beside measured matter no greater than matter's own distance allows.

    Distances grow by at most a voxel from one voxel to the next. Averages of projected ones don't keep to it: rays that pass
    a leg or a table's edge vote the voxels beside it as far from anything as the truncation goes, and the surface between
    would be drawn into the thing. Matter's distances are kept, for they come from rays that met it.

    Args:
        distance: (nx, ny, nz) float32 [m], positive in air.
        free, solid: (nx, ny, nz) bool; what is neither was never seen and says nothing.
    """
    nx, ny, nz = distance.shape
    out = distance.copy()
    for i in numba.prange(nx):
        for j in range(ny):
            for k in range(nz):
                if not free[i, j, k] or distance[i, j, k] <= LEAST * voxel_size:
                    continue
                most = distance[i, j, k]
                for axis in range(3):
                    for step in (-1, 1):
                        a = i + (step if axis == 0 else 0)
                        b = j + (step if axis == 1 else 0)
                        c = k + (step if axis == 2 else 0)
                        if 0 <= a < nx and 0 <= b < ny and 0 <= c < nz and solid[a, b, c]:
                            most = min(most, max(distance[a, b, c] + voxel_size, LEAST * voxel_size))
                out[i, j, k] = most
    return out


@numba.njit(cache=True)
def enclosed_volume(vertices, faces):
    """Volume [m^3] that faces (n, 3) enclose, positive when they are wound outward; summed face by face, in float64."""
    total = 0.0
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        ax, ay, az = np.float64(a[0]), np.float64(a[1]), np.float64(a[2])
        bx, by, bz = np.float64(b[0]), np.float64(b[1]), np.float64(b[2])
        cx, cy, cz = np.float64(c[0]), np.float64(c[1]), np.float64(c[2])
        total += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return total / 6
