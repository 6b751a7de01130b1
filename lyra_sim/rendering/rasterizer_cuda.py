"""The CUDA backend of ``rasterizer``: the kernels of gsplat (Ye et al. 2024).

Its ``rasterization()`` returns the centres with a leading camera axis, and no view of them without it lies on the way
to the image; so its four stages are called here one by one. Its pixel centres are ours, at one half.
"""

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int32
from torch import Tensor

from lyra_sim.rendering.projection_kernels import LOW_PASS_PX2

TILE_PX = 16
"""gsplat's tiles. Convention."""


def rasterize_cuda(
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
    from gsplat import fully_fused_projection, isect_offset_encode, isect_tiles, rasterize_to_pixels

    if len(means) == 0:  # gsplat's kernels divide by the number of splats
        centres_px = means[:, :2].clone()
        parts = (means, quats_wxyz, scales, opacities, colors, centres_px)
        blank = sum((part.sum() for part in parts), torch.zeros((height, width), device=means.device))  # a loss can go backward
        image = blank[..., None].expand(height, width, colors.shape[1])
        return image, blank, blank, centres_px, torch.zeros((0, 2), dtype=torch.int32, device=means.device)
    viewmat, intrinsics = (torch.tensor(m, dtype=torch.float32, device=means.device)[None] for m in (w2c, K))
    means, quats_wxyz, scales, opacities, colors = (t.contiguous() for t in (means, quats_wxyz, scales, opacities, colors))
    radii, centres, z_depth, conics, _ = fully_fused_projection(
        means, None, quats_wxyz, scales, viewmat, intrinsics, width, height, LOW_PASS_PX2, near, opacities=opacities
    )
    centres_px = centres[0]
    tiles_across, tiles_down = -(-width // TILE_PX), -(-height // TILE_PX)
    _, crossings, splats = isect_tiles(centres_px[None], radii, z_depth, TILE_PX, tiles_across, tiles_down)
    offsets = isect_offset_encode(crossings, 1, tiles_across, tiles_down)
    features = torch.cat([colors, z_depth[0, :, None]], dim=1)
    image, alpha = rasterize_to_pixels(
        centres_px[None], conics, features[None], opacities[None], width, height, TILE_PX, offsets, splats
    )
    return image[0, ..., :-1], image[0, ..., -1], alpha[0, ..., 0], centres_px, radii[0]
