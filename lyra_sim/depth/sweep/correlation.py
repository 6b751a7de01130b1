"""Zero-mean normalised cross-correlation of a view with others that are warped onto it, in torch: on a CPU as on CUDA."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch.nn import functional

from lyra_sim.geometry.cameras import CameraPath

RADIUS = 3
"""Windows are 7x7. Tuned, unrecorded."""
NOISE = 1.5 / 255
"""Standard deviation of image noise (JPEG, sensor): weaker texture than this can't score high. Tuned, unrecorded."""
UNSEEN = -1.0
"""Score of a pixel that falls outside a source. Convention."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One view prepared for comparison: its image, and how its pixels move in every source."""

    image: Float32[torch.Tensor, "h w"]
    """Grey, 0..1."""
    sources: tuple[Float32[torch.Tensor, "h w"], ...]
    """Grey images of the sources."""
    far: Float32[torch.Tensor, "s 3 h w"]
    """Homogeneous sampling position of every pixel at infinity, in grid_sample's -1..1."""
    shift: Float32[torch.Tensor, "s 3"]
    """Added to ``far`` per unit of inverse depth."""

    def moments(self, radius: int) -> tuple[Float32[torch.Tensor, "h w"], Float32[torch.Tensor, "h w"]]:
        """Mean and variance of the image over the window."""
        mean = window_mean(self.image, radius)
        return mean, (window_mean(self.image * self.image, radius) - mean * mean).clamp_(min=0)


def window_mean(x: Float32[torch.Tensor, "*n h w"], radius: int = RADIUS) -> Float32[torch.Tensor, "*n h w"]:
    """Mean over a square window; beyond the border the image is mirrored."""
    size = 2 * radius + 1
    flat = x.reshape(-1, 1, *x.shape[-2:])
    padded = functional.pad(flat, (radius, radius, radius, radius), mode="reflect")
    height, width = x.shape[-2:]
    columns = padded[..., 0:height, :].clone()
    for k in range(1, size):
        columns += padded[..., k : height + k, :]
    rows = columns[..., 0:width].clone()
    for k in range(1, size):
        rows += columns[..., k : width + k]
    return rows.mul_(1 / size**2).reshape(x.shape)


def prepare(images: Sequence[Float32[torch.Tensor, "h w"]], cameras: CameraPath, view: int, sources: tuple[int, ...]) -> Target:
    """Everything the comparison of ``view`` with its sources needs and no hypothesis changes."""
    image = images[view]
    height, width = image.shape
    device = image.device
    K, c2w, w2c = cameras.K, cameras.c2w, cameras.w2c
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.linalg.inv(K[view]) @ np.stack([u, v, np.ones_like(u)]).reshape(3, -1)
    to_grid = np.array([[2 / width, 0, -1], [0, 2 / height, -1], [0, 0, 1]])
    far, shift = [], []
    for source in sources:
        source_from_view = w2c[source] @ c2w[view]
        lens = to_grid @ K[source]
        far.append((lens @ source_from_view[:3, :3] @ rays).reshape(3, height, width))
        shift.append(lens @ source_from_view[:3, 3])
    return Target(
        image=image,
        sources=tuple(images[source] for source in sources),
        far=torch.from_numpy(np.stack(far).astype(np.float32)).to(device),
        shift=torch.from_numpy(np.stack(shift).astype(np.float32)).to(device),
    )


def warp(
    target: Target, source: int, inverse_depth: Float32[torch.Tensor, "k h w"]
) -> tuple[Float32[torch.Tensor, "k h w"], Bool[torch.Tensor, "k h w"]]:
    """One source as the target would see it if its surface lay at ``inverse_depth``, and where it shows nothing."""
    far, shift = target.far[source], target.shift[source]
    z = torch.addcmul(far[2], inverse_depth, shift[2])
    behind = z <= 1e-6
    z = z.clamp_(min=1e-6).reciprocal_()
    grid = torch.empty((*inverse_depth.shape, 2), dtype=torch.float32, device=inverse_depth.device)
    torch.mul(torch.addcmul(far[0], inverse_depth, shift[0]), z, out=grid[..., 0])
    torch.mul(torch.addcmul(far[1], inverse_depth, shift[1]), z, out=grid[..., 1])
    outside = (grid[..., 0].abs() > 1) | (grid[..., 1].abs() > 1) | behind
    image = target.sources[source].expand(len(inverse_depth), 1, *target.image.shape)
    warped = functional.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)[:, 0]
    return warped, outside


def source_scores(
    target: Target, source: int, inverse_depth: Float32[torch.Tensor, "k h w"], radius: int = RADIUS
) -> Float32[torch.Tensor, "k h w"]:
    """ZNCC (-1..1) between the target and one source warped by ``k`` inverse-depth maps; :data:`UNSEEN` where it shows nothing.

    The windows follow the surface the map describes, so a slanted map compares a slanted surface properly.
    """
    warped, outside = warp(target, source, inverse_depth)
    mean_here, variance_here = target.moments(radius)
    mean = window_mean(warped, radius)
    covariance = window_mean(warped * target.image, radius).addcmul_(mean, mean_here, value=-1)
    variance = window_mean(warped.mul_(warped), radius).addcmul_(mean, mean, value=-1).clamp_(min=0)
    scale = variance.add_(NOISE**2).mul_(variance_here + NOISE**2).rsqrt_()
    return covariance.mul_(scale).masked_fill_(outside, UNSEEN)


def scores(
    target: Target, inverse_depth: Float32[torch.Tensor, "k h w"], *, best: int, radius: int = RADIUS
) -> Float32[torch.Tensor, "k h w"]:
    """Mean of the ``best`` highest ZNCCs over the sources that see the pixel: those it isn't hidden from (Kang et al. 2001).

    :data:`UNSEEN` where none does.
    """
    top: list[torch.Tensor] = []
    for source in range(len(target.sources)):
        rest = source_scores(target, source, inverse_depth, radius)
        for rank, held in enumerate(top):
            top[rank], rest = torch.maximum(held, rest), torch.minimum(held, rest)
        if len(top) < best:
            top.append(rest)
    total, seen = top[0], (top[0] > UNSEEN).float()
    for held in top[1:]:
        there = (held > UNSEEN).float()
        total, seen = total + held * there, seen + there
    return (total / seen.clamp_(min=1)).clamp_(min=UNSEEN)
