"""Differentiable rasterisation of 3D Gaussians; one interface, the backend follows the device of the splats."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32
from torch import Tensor

from lyra_sim.errors import GeometryError


@dataclass(frozen=True, kw_only=True)
class Raster:
    """One rendered image, still attached to its graph."""

    colors: Float32[Tensor, "h w c"]
    """Blended over black."""
    z_depth: Float32[Tensor, "h w"]
    """Alpha-weighted sum of the splats' z-depths [frame units]; divide by ``alpha`` for the expected depth."""
    alpha: Float32[Tensor, "h w"]
    """Share of light blocked, 0..1."""
    centres_px: Float32[Tensor, "n 2"]
    """Projected means [px]. Call ``retain_grad()`` on it before ``backward()`` to get the screen-space gradient."""
    radii_px: Int32[Tensor, "n 2"]
    """Half width and height within which a splat is drawn [px], about three sigma; 0 where it isn't drawn."""


def rasterize(
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
    near: float = 0.05,
) -> Raster:
    """Rasterise 3D Gaussians (Kerbl et al. 2023) with EWA projection (Zwicker et al. 2001), differentiably.

    Gradients flow from colours, z-depth and alpha to the first five arguments. Splats whose mean is nearer than ``near``
    [frame units] or behind the camera aren't drawn and get zero gradients. On the CPU equal inputs give equal bits,
    forward and backward, for any number of threads.

    Args:
        means: Centres in the world [frame units].
        quats_wxyz: world_from_gaussian, of any length but zero.
        scales: Activated: standard deviations [frame units].
        opacities: Activated: 0..1.
        colors: Any number of channels; view-dependent colour is evaluated by the caller.
        w2c: World-to-camera, OpenCV axes.
        K: Intrinsics [px]; the centre of the top-left pixel is (0.5, 0.5).
        width: Of the image [px].
        height: Of the image [px].
        near: Least z-depth of a mean that is drawn [frame units].

    Raises:
        GeometryError: Arrays differ in length, type or device.
    """
    for name, values in (("quaternions", quats_wxyz), ("scales", scales), ("opacities", opacities), ("colours", colors)):
        if len(values) != len(means):
            raise GeometryError("splats", f"{len(values)} {name}", expected=f"{len(means)}, one per mean")
        if values.device != means.device or values.dtype != means.dtype:
            raise GeometryError(
                "splats", f"{name} are {values.dtype} on {values.device}", expected=f"{means.dtype} on {means.device}"
            )
    if means.is_cuda:
        from lyra_sim.rendering.rasterizer_cuda import rasterize_cuda as backend
    else:
        from lyra_sim.rendering.rasterizer_cpu import rasterize_cpu as backend
    outputs = backend(means, quats_wxyz, scales, opacities, colors, w2c=w2c, K=K, width=width, height=height, near=near)
    return Raster(**dict(zip(("colors", "z_depth", "alpha", "centres_px", "radii_px"), outputs, strict=True)))
