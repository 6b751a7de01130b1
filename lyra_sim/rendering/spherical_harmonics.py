"""View-dependent splat colour: real spherical harmonics up to degree 3, in the order and signs of 3DGS files."""

import numpy as np
from jaxtyping import Float, Float32

from lyra_sim.conventions import SH_C0


def sh_basis(directions: Float[np.ndarray, "n 3"], degree: int) -> Float32[np.ndarray, "n k"]:
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
    return np.stack(values, axis=1).astype(np.float32)


def colors_towards(sh_coeffs: Float32[np.ndarray, "n k 3"], directions: Float[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    """Display-referred sRGB of splats seen along unit directions (camera to splat); negative light is cut off."""
    degree = round(float(np.sqrt(sh_coeffs.shape[1]))) - 1
    colors = np.einsum("nk,nkc->nc", sh_basis(directions, degree), sh_coeffs) + np.float32(0.5)
    return np.maximum(colors, 0).astype(np.float32)
