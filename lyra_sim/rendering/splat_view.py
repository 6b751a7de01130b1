"""Splats seen by a pinhole camera, on CPU: colour that changes with the view, expected z-depth and coverage."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.spherical_harmonics import sh_basis
from lyra_sim.rendering.projection_kernels import project
from lyra_sim.rendering.splat_bands import Bands
from lyra_sim.rendering.splat_order_kernels import pack_features


@dataclass(frozen=True, kw_only=True)
class SplatView:
    """One rendered image."""

    rgb: Float32[np.ndarray, "h w 3"]
    """Display-referred sRGB over the background; may exceed 1."""
    z_depth: Float32[np.ndarray, "h w"]
    """Alpha-weighted mean of the splats' z-depths [frame units]; NaN where alpha is below one half."""
    alpha: Float32[np.ndarray, "h w"]
    """Share of light blocked, 0..1."""

    @property
    def rgb_bytes(self) -> UInt8[np.ndarray, "h w 3"]:
        return (np.clip(self.rgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def render_splats(
    splats: Splats,
    cameras: CameraPath,
    index: int,
    *,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    near: float = 0.05,
) -> SplatView:
    """Rasterise 3D Gaussians (Kerbl et al. 2023) with EWA projection (Zwicker et al. 2001).

    Splats are sorted by the z-depth of their means and blended front to back; equal inputs give equal bits, whatever
    the number of threads. ``near`` is in frame units: splats whose mean is nearer are left out.
    """
    K, c2w, w2c = cameras.K[index], cameras.c2w[index], cameras.w2c[index]
    width, height = cameras.width, cameras.height
    centres_px, conics, z_depth = project(
        splats.means, splats.quats_wxyz, splats.scales, w2c, K[0, 0], K[1, 1], K[0, 2], K[1, 2], width, height, near
    )
    bands = Bands.sort(centres_px, conics, np.ascontiguousarray(splats.opacities), z_depth, width, height)
    rays = splats.means[bands.order].astype(np.float64) - c2w[:3, 3]
    colors = np.zeros((len(splats), 3), np.float32)
    directions = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    colors[bands.order] = colors_towards(splats.sh_coeffs[bands.order], directions)
    blended = bands.blend(pack_features(bands.order, colors, z_depth), 3)
    alpha = 1 - blended.transmittance
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(alpha >= 0.5, blended.z_depth / alpha, np.float32(np.nan))
    rgb = blended.colors + blended.transmittance[..., None] * np.asarray(background, np.float32)
    return SplatView(rgb=rgb, z_depth=expected.astype(np.float32), alpha=alpha)


def colors_towards(sh_coeffs: Float32[np.ndarray, "n k 3"], directions: Float[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    """Display-referred sRGB of splats seen along unit directions (camera to splat); negative light is cut off."""
    degree = round(float(np.sqrt(sh_coeffs.shape[1]))) - 1
    colors = np.einsum("nk,nkc->nc", sh_basis(directions, degree).astype(np.float32), sh_coeffs) + np.float32(0.5)
    return np.maximum(colors, 0).astype(np.float32)
