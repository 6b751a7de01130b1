"""Real spherical harmonics up to degree 3, in the order and signs of 3DGS files, and what a rotation does to them."""

import numpy as np
from jaxtyping import Float, Float32, Float64

from lyra_sim.conventions import SH_C0

DIRECTIONS = 64
"""Sample directions that a band's rotation is solved from; seven functions at the most. Convention."""


def sh_basis(directions: Float[np.ndarray, "n 3"], degree: int) -> Float64[np.ndarray, "n k"]:
    """Basis values at unit directions, k = (degree + 1)^2 (Kerbl et al. 2023; Sloan 2013)."""
    x, y, z = np.asarray(directions, np.float64).T
    values = [np.full_like(x, SH_C0)]
    if degree >= 1:
        c1 = np.sqrt(3 / (4 * np.pi))
        values += [-c1 * y, c1 * z, -c1 * x]
    if degree >= 2:
        c2 = np.sqrt(15 / (4 * np.pi))
        values += [c2 * x * y, -c2 * y * z, np.sqrt(5 / (16 * np.pi)) * (3 * z * z - 1), -c2 * x * z, c2 / 2 * (x * x - y * y)]
    if degree >= 3:
        a, b, c = np.sqrt(35 / (32 * np.pi)), np.sqrt(105 / (4 * np.pi)), np.sqrt(21 / (32 * np.pi))
        values += [-a * y * (3 * x * x - y * y), b * x * y * z, -c * y * (5 * z * z - 1)]
        values += [np.sqrt(7 / (16 * np.pi)) * z * (5 * z * z - 3), -c * x * (5 * z * z - 1)]
        values += [b / 2 * z * (x * x - y * y), -a * x * (x * x - 3 * y * y)]
    return np.stack(values, axis=1)


def sh_rotated(sh_coeffs: Float32[np.ndarray, "n k 3"], rotation: Float64[np.ndarray, "3 3"]) -> Float32[np.ndarray, "n k 3"]:
    """Coefficients whose colour towards ``rotation @ d`` is what it was towards ``d``.

    A rotation mixes functions of one degree only. Each band's matrix is solved from its values at well spread directions,
    which is exact: the functions of a band are closed under rotation.
    """
    degree = round(float(np.sqrt(sh_coeffs.shape[1]))) - 1
    if degree == 0 or np.array_equal(rotation, np.eye(3)):
        return sh_coeffs
    turns = np.arange(DIRECTIONS) * np.pi * (3 - np.sqrt(5))
    z = 1 - 2 * (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS  # a Fibonacci spiral
    ring = np.sqrt(1 - z**2)
    directions = np.stack([ring * np.cos(turns), ring * np.sin(turns), z], axis=1)
    before, after = sh_basis(directions, degree), sh_basis(directions @ rotation.T, degree)
    turned = sh_coeffs.copy()
    for band in range(1, degree + 1):
        part = slice(band**2, (band + 1) ** 2)
        new_from_old = np.linalg.lstsq(after[:, part], before[:, part], rcond=None)[0]
        turned[:, part] = np.einsum("ij,njc->nic", new_from_old.astype(np.float32), sh_coeffs[:, part])
    return turned
