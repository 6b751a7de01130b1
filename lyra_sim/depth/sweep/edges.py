"""Whose depth a pixel beside an edge has: windows that reach over the edge tell the depth of the nearer thing."""

from collections.abc import Iterator

import torch
from jaxtyping import Float32
from torch.nn import functional

from lyra_sim.depth.sweep.correlation import NOISE, window_mean

RIM_RADIUS = 6
"""A rim around near things is at most this wide [px]. Tuned, unrecorded."""
RIM_COLOUR_SIGMA = 12 / 255
"""Colour difference at which a neighbour's say has fallen to 0.6. Tuned, unrecorded."""
LAYER = 0.04
"""Depths within this fraction lie on one layer. Tuned, unrecorded."""


def shifted(x: Float32[torch.Tensor, "*c h w"], radius: int) -> Iterator[Float32[torch.Tensor, "*c h w"]]:
    """All shifted copies of ``x`` within a square window; the border is repeated."""
    height, width = x.shape[-2:]
    flat = x.reshape(1, -1, height, width)
    padded = functional.pad(flat, (radius, radius, radius, radius), mode="replicate").reshape(
        *x.shape[:-2], height + 2 * radius, width + 2 * radius
    )
    for down in range(2 * radius + 1):
        for along in range(2 * radius + 1):
            yield padded[..., down : down + height, along : along + width]


def own_share(image: Float32[torch.Tensor, "h w"], radius: int) -> Float32[torch.Tensor, "h w"]:
    """How far a window's contrast is the pixel's own, 0..1: the contrast next to the pixel over that of the window.

    It is small on a blank wall two pixels from somebody else's edge, where correlation is high and wrong.
    """
    return (_variance(image, 1) / _variance(image, radius)).sqrt_().clamp_(max=1)


def _variance(image: Float32[torch.Tensor, "h w"], radius: int) -> Float32[torch.Tensor, "h w"]:
    mean = window_mean(image, radius)
    return (window_mean(image * image, radius) - mean * mean).clamp_(min=0) + NOISE**2


def without_rims(z: Float32[torch.Tensor, "h w"], colour: Float32[torch.Tensor, "3 h w"]) -> Float32[torch.Tensor, "h w"]:
    """Depth without pixels that look like what lies behind them: more like-coloured neighbours are farther than as far.

    Neighbours vote with their closeness in colour (after adaptive support weights, Yoon & Kweon 2006).
    """
    same, behind = torch.zeros_like(z), torch.zeros_like(z)
    for around, tint in zip(shifted(z, RIM_RADIUS), shifted(colour, RIM_RADIUS), strict=True):
        say = torch.exp(((tint - colour) ** 2).sum(0) / (-6 * RIM_COLOUR_SIGMA**2))
        farther = around / z - 1
        same += torch.where(farther.abs() < LAYER, say, 0)
        behind += torch.where(farther >= LAYER, say, 0)
    return torch.where(behind > same, torch.nan, z)
