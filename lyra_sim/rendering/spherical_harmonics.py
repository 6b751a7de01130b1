"""View-dependent splat colour: real spherical harmonics up to degree 3, in the order and signs of 3DGS files."""

import numpy as np
from jaxtyping import Float, Float32

from lyra_sim.geometry.spherical_harmonics import sh_basis


def colors_towards(sh_coeffs: Float32[np.ndarray, "n k 3"], directions: Float[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    """Display-referred sRGB of splats seen along unit directions (camera to splat); negative light is cut off."""
    degree = round(float(np.sqrt(sh_coeffs.shape[1]))) - 1
    colors = np.einsum("nk,nkc->nc", sh_basis(directions, degree).astype(np.float32), sh_coeffs) + np.float32(0.5)
    return np.maximum(colors, 0).astype(np.float32)
