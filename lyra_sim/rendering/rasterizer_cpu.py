"""The CPU backend of ``rasterizer``: compiled row bands as two nodes of the autograd graph, projection and blending.

torch and numba each bring threads of their own. Start programs that use both with OMP_WAIT_POLICY=PASSIVE, as the
command line does: idle threads that spin take the cores from those that work.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int32
from torch import Tensor
from torch.autograd.function import once_differentiable

from lyra_sim.rendering.projection_kernels import project, project_backward
from lyra_sim.rendering.splat_bands import Bands, Blended
from lyra_sim.rendering.splat_order_kernels import pack_features

Camera = tuple[np.ndarray, float, float, float, float, int, int]
"""w2c, fx, fy, cx, cy, width, height."""


def rasterize_cpu(
    means: Float32[Tensor, "n 3"],
    quats_wxyz: Float32[Tensor, "n 4"],
    scales: Float32[Tensor, "n 3"],
    opacities: Float32[Tensor, "n"],
    colors: Float32[Tensor, "n c"],
    *,
    w2c: Float64[np.ndarray, "4 4"],
    K: Float64[np.ndarray, "3 3"],
    width: int,
    height: int,
    near: float,
) -> tuple[
    Float32[Tensor, "h w c"], Float32[Tensor, "h w"], Float32[Tensor, "h w"], Float32[Tensor, "n 2"], Int32[Tensor, "n 2"]
]:
    """Colours, summed z-depth, alpha, centres and radii; see ``rasterizer.rasterize``.

    Args:
        means: [frame units].
        quats_wxyz: world_from_gaussian.
        scales: Activated [frame units].
        opacities: Activated, 0..1.
        colors: Any number of channels.
        w2c: OpenCV axes.
        K: [px].
        width, height: Of the image [px].
        near: Least z-depth of a mean that is drawn [frame units].
    """
    camera = np.ascontiguousarray(w2c), float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]), width, height
    centres_px, conics, z_depth = _Project.apply(means, quats_wxyz, scales, camera, float(near))
    image, z_sum, alpha, radii_px = _Blend.apply(centres_px, conics, z_depth, opacities, colors, width, height)
    return image, z_sum, alpha, centres_px, radii_px


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


class _Project(torch.autograd.Function):
    """Centres, conics and z-depth of all splats."""

    @staticmethod
    def forward(ctx: Any, means: Tensor, quats_wxyz: Tensor, scales: Tensor, camera: Camera, near: float) -> tuple[Tensor, ...]:
        w2c, fx, fy, cx, cy, width, height = camera
        splats = _array(means), _array(quats_wxyz), _array(scales)
        projected = project(splats[0], splats[1], splats[2], w2c, fx, fy, cx, cy, width, height, near)
        centres_px, conics, z_depth = map(torch.from_numpy, projected)
        ctx.save_for_backward(means, quats_wxyz, scales)
        ctx.camera = camera
        return centres_px, conics, z_depth

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        w2c, fx, fy, cx, cy, width, height = ctx.camera
        means, quats_wxyz, scales = map(_array, ctx.saved_tensors)
        centre, conic, z = map(_array, gradients)
        found = project_backward(means, quats_wxyz, scales, w2c, fx, fy, cx, cy, width, height, centre, conic, z)
        return (*map(torch.from_numpy, found), None, None)


class _Blend(torch.autograd.Function):
    """Colours, summed z-depth and alpha of an image, and the splats' radii in it."""

    @staticmethod
    def forward(
        ctx: Any,
        centres_px: Tensor,
        conics: Tensor,
        z_depth: Tensor,
        opacities: Tensor,
        colors: Tensor,
        width: int,
        height: int,
    ) -> tuple[Tensor, ...]:
        z = _array(z_depth)
        bands = Bands.sort(_array(centres_px), _array(conics), _array(opacities), z, width, height)
        features = pack_features(bands.order, _array(colors), z)
        blended = bands.blend(features, colors.shape[1])
        image, z_sum, transmittance = map(torch.from_numpy, (blended.colors, blended.z_depth, blended.transmittance))
        radii_px = torch.from_numpy(bands.radii_px)
        ctx.mark_non_differentiable(radii_px)
        ctx.save_for_backward(conics, opacities, image, z_sum)
        ctx.bands, ctx.features, ctx.transmittance = bands, features, blended.transmittance
        return image, z_sum, 1 - transmittance, radii_px

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_colors: Tensor, g_z_depth: Tensor, g_alpha: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        conics, opacities, image, z_sum = map(_array, ctx.saved_tensors)
        blended = Blended(colors=image, z_depth=z_sum, transmittance=ctx.transmittance)
        asked = _array(g_colors), _array(g_z_depth), _array(g_alpha)
        found = ctx.bands.blend_backward(ctx.features, blended, asked, conics, opacities)
        return (*map(torch.from_numpy, found), None, None)
