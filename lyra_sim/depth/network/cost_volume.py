"""How well every source fits the target at hypotheses of inverse depth: correlations of features warped by the cameras."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32
from torch import nn
from torch.nn import functional

CUES = 2
"""Beside the correlations: whether the source shows the place at all, and how many pixels it moves per hypothesis. Derived."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Cameras of a batch, in any unit of length: only ``range`` and ``source_from_target`` carry it, and it cancels."""

    K: Float32[torch.Tensor, "b v 3 3"]
    """Intrinsics for the size of the photos [px], pixel centres at 0.5; the target's first."""
    source_from_target: Float32[torch.Tensor, "b s 4 4"]
    range: Float32[torch.Tensor, "b 2"]
    """Least and greatest inverse depth searched."""
    up: Float32[torch.Tensor, "b 3"]
    """Against gravity in the target's frame; zero where it isn't known."""
    present: Bool[torch.Tensor, "b s"]
    """Sources that are there; the others are padding."""

    def inverse_depth(self, share: torch.Tensor) -> torch.Tensor:
        """Inverse depth of places in the searched range, 0..1."""
        low, high = (self.range[:, k].reshape(-1, *[1] * (share.dim() - 1)) for k in (0, 1))
        return low + share * (high - low)


def rays(K: Float32[torch.Tensor, "b 3 3"], height: int, width: int, stride: int) -> Float32[torch.Tensor, "b 3 h w"]:
    """Directions with z = 1 through the middles of cells of ``stride`` pixels."""
    u = (torch.arange(width, device=K.device) + 0.5) * stride
    v = (torch.arange(height, device=K.device) + 0.5) * stride
    x = (u - K[:, 0, 2, None]) / K[:, 0, 0, None]
    y = (v - K[:, 1, 2, None]) / K[:, 1, 1, None]
    x, y = torch.broadcast_tensors(x[:, None, :], y[:, :, None])
    return torch.stack([x, y, torch.ones_like(x)], dim=1)


def positions(
    geometry: Geometry, inverse_depth: Float32[torch.Tensor, "b d #h #w"], height: int, width: int, stride: int
) -> tuple[Float32[torch.Tensor, "b s d h w 2"], Bool[torch.Tensor, "b s d h w"]]:
    """Where cells of the target lie in every source, as ``grid_sample`` counts (-1..1), and whether inside and in front."""
    direction = rays(geometry.K[:, 0], height, width, stride)
    lens = geometry.K[:, 1:]
    # pixels to grid_sample's -1..1, for the image's width and height
    across, down = 2 / (stride * width), 2 / (stride * height)
    lens = torch.stack([lens[:, :, 0] * across - lens[:, :, 2], lens[:, :, 1] * down - lens[:, :, 2], lens[:, :, 2]], dim=2)
    far = torch.einsum("bsij,bjhw->bsihw", lens @ geometry.source_from_target[..., :3, :3], direction)
    shift = torch.einsum("bsij,bsj->bsi", lens, geometry.source_from_target[..., :3, 3])
    moved = far[:, :, :, None] + shift[:, :, :, None, None, None] * inverse_depth[:, None, None]
    z = moved[:, :, 2].clamp(min=1e-6)
    grid = torch.stack([moved[:, :, 0] / z, moved[:, :, 1] / z], dim=-1)
    inside = (grid.abs() < 1).all(dim=-1) & (moved[:, :, 2] > 1e-6)
    return grid.clamp(-3, 3), inside & geometry.present[:, :, None, None, None]


class Comparison(nn.Module):
    """Scores of hypotheses from any number of sources, whose order doesn't matter.

    Features of the target and a source are correlated in groups (Guo et al. 2019). A small network makes a vector of the
    correlations of each source, and mean and greatest value over the sources that show the place go on.
    """

    def __init__(self, channels: int, groups: int, hidden: int, out: int) -> None:
        super().__init__()
        self.groups = groups
        self.each = nn.Sequential(nn.Linear(groups + CUES, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.together = nn.Sequential(nn.SiLU(), nn.Linear(2 * hidden + 1, hidden), nn.SiLU(), nn.Linear(hidden, out))
        self.scale = (groups / channels) ** 0.5

    def forward(
        self,
        target: Float32[torch.Tensor, "b c h w"],
        sources: Float32[torch.Tensor, "b s c h w"],
        geometry: Geometry,
        inverse_depth: Float32[torch.Tensor, "b d #h #w"],
        stride: int,
    ) -> torch.Tensor:
        """Of shape ``(b, d * out, h, w)``."""
        b, s, c, h, w = sources.shape
        d = inverse_depth.shape[1]
        with torch.no_grad(), torch.autocast(target.device.type, enabled=False):
            grid, inside = positions(geometry, inverse_depth.float(), h, w, stride)
            step = grid[:, :, 1:] - grid[:, :, :-1]
            step = (step[..., 0].square() * (w / 2) ** 2 + step[..., 1].square() * (h / 2) ** 2).sqrt().clamp(max=50).log1p()
            step = torch.cat([step, step[:, :, -1:]], dim=2)
        here = target.reshape(b, self.groups, c // self.groups, 1, h, w) * self.scale
        vectors = []
        for number in range(s):
            # in 32 bits: places in a photo need more than the 8 that bfloat16 counts with
            with torch.autocast(target.device.type, enabled=False):
                warped = functional.grid_sample(
                    sources[:, number].float(), grid[:, number].reshape(b, d * h, w, 2), align_corners=False
                ).to(target.dtype)
            match = (warped.reshape(b, self.groups, c // self.groups, d, h, w) * here).sum(dim=2)
            seen = inside[:, number, ..., None].to(match.dtype)
            cues = torch.cat([match.permute(0, 2, 3, 4, 1), seen, step[:, number, ..., None].to(match.dtype)], dim=-1)
            vectors.append(self.each(cues))
        vector, seen = torch.stack(vectors, dim=1), inside[..., None]
        count = seen.sum(dim=1)
        mean = (vector * seen).sum(dim=1) / count.clamp(min=1)
        most = vector.masked_fill(~seen, -1e4).amax(dim=1) * (count > 0)
        out = self.together(torch.cat([mean, most, count / 4], dim=-1).to(target.dtype))
        return out.permute(0, 2, 3, 1, 4).flatten(3).permute(0, 3, 1, 2)
