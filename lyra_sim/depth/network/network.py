"""The depth network: a coarse cost volume read in its surroundings, then a narrow one around what was found."""

from dataclasses import dataclass

import torch
from jaxtyping import Float32
from torch import nn
from torch.nn import functional

from lyra_sim.depth.network.blocks import Features, Residual, Surroundings
from lyra_sim.depth.network.cost_volume import Comparison, Geometry, rays

STRIDE = 32
"""Sizes of photos are padded to multiples of this: the smallest level is a 32nd of the photo. Derived."""
AROUND = 8
"""The coarse depth is the mean over this many hypotheses on either side of the likeliest one. Convention."""
STEPS_AHEAD = 2.0
"""The second volume reaches this many coarse steps to either side. Convention."""
LEAST_INVERSE = 0.02
"""Inverse depth stays above this fraction of its range's upper end, whatever the residual says. Convention."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Sizes of the network; they are stored with its weights."""

    planes: int = 64
    """Hypotheses of the coarse volume, evenly spaced in inverse depth."""
    half: int = 32
    """Feature channels at half the photo's size."""
    quarter: int = 48
    """At a quarter."""
    groups: int = 8
    """Of the correlation."""
    hidden: int = 16
    """Of the comparison."""
    volume: int = 2
    """Channels a hypothesis after it."""
    widths: tuple[int, int, int, int] = (96, 120, 160, 160)
    """Of the surroundings, from a quarter to a 32nd of the size."""
    near: int = 11
    """Hypotheses of the fine volume."""
    fine: int = 64
    """Channels of its decoder."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the network says of the target."""

    inverse_depth: Float32[torch.Tensor, "b h w"]
    """1 over the z-depth, in the unit the cameras came in."""
    log_sigma: Float32[torch.Tensor, "b h w"]
    """Logarithm of the relative error that 68 % of the depths stay within."""
    normal: Float32[torch.Tensor, "b 3 h w"]
    """Unit, in the target's frame, towards the camera."""
    coarse: Float32[torch.Tensor, "b h4 w4"]
    """Inverse depth after the first volume, at a quarter of the size."""
    logits: Float32[torch.Tensor, "b d h4 w4"]
    """Of the coarse hypotheses."""


class DepthNetwork(nn.Module):
    """Photos of any number of sources and of any size in; nothing depends on the unit of length."""

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config = config or Config()
        self.features = Features(config.half, config.quarter)
        self.compare = Comparison(config.quarter, config.groups, config.hidden, config.volume)
        self.context = nn.Conv2d(config.quarter, config.quarter, 1)
        known = config.planes * config.volume + config.quarter + 6
        self.surroundings = Surroundings(known, config.widths)
        self.plane = nn.Conv2d(config.widths[0], config.planes, 1)
        self.compare_fine = Comparison(config.half, config.groups // 2, config.hidden, config.volume)
        self.carry = nn.Conv2d(config.widths[0], config.fine, 1)
        self.enter = nn.Conv2d(config.near * config.volume + config.half + config.fine + 3, config.fine, 3, padding=1)
        self.decode = nn.Sequential(*[Residual(config.fine, dilation=step) for step in (1, 2, 4, 1)])
        self.residual = nn.Conv2d(config.fine, 1, 3, padding=1)
        self.sigma = nn.Conv2d(config.fine, 1, 3, padding=1)
        self.normal = nn.Conv2d(config.fine, 3, 3, padding=1)
        self.weights = nn.Conv2d(config.fine, 9 * 4, 1)
        nn.init.zeros_(self.residual.weight)
        nn.init.constant_(self.sigma.get_parameter("bias"), -2.5)

    def forward(self, rgb: Float32[torch.Tensor, "b v 3 h w"], geometry: Geometry) -> Prediction:
        """Depth of the first view of each batch entry.

        Args:
            rgb: 0..1, the target first.
            geometry: Cameras and the range of depths.
        """
        b, v, _, height, width = rgb.shape
        down, right = -height % STRIDE, -width % STRIDE
        padded = functional.pad(rgb.flatten(0, 1), (0, right, 0, down), mode="replicate").unflatten(0, (b, v))
        fine, coarse = self.features(padded[:, 0].contiguous(memory_format=torch.channels_last))
        # Weights learn as those of the target alone: half of the gradient for a fifth of the work, as both share them.
        with torch.no_grad():
            sources = padded[:, 1:].flatten(0, 1).contiguous(memory_format=torch.channels_last)
            fine_there, coarse_there = (part.unflatten(0, (b, v - 1)) for part in self.features(sources))
        planes = torch.linspace(0, 1, self.config.planes, device=rgb.device)[None, :, None, None].expand(b, -1, 1, 1)
        volume = self.compare(coarse, coarse_there, geometry, geometry.inverse_depth(planes), 4)
        known = torch.cat([volume, self.context(coarse), _view(geometry, coarse).to(volume.dtype)], dim=1)
        around = self.surroundings(known)
        logits = self.plane(around).float()
        share = _expected(logits)
        wide = functional.interpolate(share[:, None], scale_factor=2.0, mode="bilinear", align_corners=False)
        step = 1 / (self.config.planes - 1)
        offsets = torch.linspace(-STEPS_AHEAD * step, STEPS_AHEAD * step, self.config.near, device=rgb.device)
        near = geometry.inverse_depth(wide.detach() + offsets[None, :, None, None])
        closer = self.compare_fine(fine, fine_there, geometry, _positive(near, geometry), 2)
        carried = functional.interpolate(self.carry(around), scale_factor=2.0, mode="bilinear", align_corners=False)
        confidence = functional.interpolate(
            torch.stack([share, torch.logsumexp(logits, 1) - logits.amax(1), share * 0], dim=1),
            scale_factor=2.0,
            mode="nearest",
        )
        state = self.decode(self.enter(torch.cat([closer, fine, carried, confidence.to(closer.dtype)], dim=1)))
        moved = wide[:, 0] + step * self.residual(state)[:, 0].float()
        mix = torch.softmax(self.weights(state).float().unflatten(1, (9, 4)), dim=1)
        inverse = _positive(geometry.inverse_depth(_upsampled(moved, mix)), geometry)
        log_sigma = _upsampled(self.sigma(state)[:, 0].float(), mix)
        normal = functional.interpolate(self.normal(state).float(), scale_factor=2.0, mode="bilinear", align_corners=False)
        return Prediction(
            inverse_depth=inverse[:, :height, :width],
            log_sigma=log_sigma.clamp(-8, 2)[:, :height, :width],
            normal=functional.normalize(normal, dim=1)[:, :, :height, :width],
            coarse=_positive(geometry.inverse_depth(share), geometry),
            logits=logits,
        )


def _positive(inverse: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    least = (LEAST_INVERSE * geometry.range[:, 1]).reshape(-1, *[1] * (inverse.dim() - 1))
    return torch.maximum(inverse, least)


def _view(geometry: Geometry, coarse: torch.Tensor) -> Float32[torch.Tensor, "b 6 h w"]:
    """What cameras tell of every cell: its ray, how steeply that rises, and how wide the range of depths is."""
    height, width = coarse.shape[-2:]
    direction = rays(geometry.K[:, 0], height, width, 4)
    rise = (direction * geometry.up[:, :, None, None]).sum(dim=1, keepdim=True)
    ratio = (geometry.range[:, 1] / geometry.range[:, 0]).log()[:, None, None, None].expand_as(rise)
    known = geometry.up.norm(dim=1)[:, None, None, None].expand_as(rise)
    return torch.cat([direction[:, :2], rise, known, ratio / 4, rise.abs()], dim=1)


def _expected(logits: Float32[torch.Tensor, "b d h w"]) -> Float32[torch.Tensor, "b h w"]:
    """Place in the range, 0..1: the mean over hypotheses around the likeliest, so that two surfaces don't make a third."""
    number = torch.arange(logits.shape[1], device=logits.device)[None, :, None, None]
    near = (number - logits.argmax(dim=1, keepdim=True)).abs() <= AROUND
    weight = torch.softmax(torch.where(near, logits, -torch.inf), dim=1)
    return (weight * number).sum(dim=1) / (logits.shape[1] - 1)


def _upsampled(
    value: Float32[torch.Tensor, "b h w"], mix: Float32[torch.Tensor, "b 9 4 h w"]
) -> Float32[torch.Tensor, "b hh ww"]:
    """Twice the size, every pixel a mean of the nine around it with learnt weights (Teed and Deng 2020)."""
    b, h, w = value.shape
    around = functional.unfold(functional.pad(value[:, None], (1, 1, 1, 1), mode="replicate"), 3).reshape(b, 9, 1, h, w)
    return functional.pixel_shuffle((around * mix).sum(dim=1), 2)[:, 0]
