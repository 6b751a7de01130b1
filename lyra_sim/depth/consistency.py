"""What several views agree on: depth is kept where others measured the same surface and none looks through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int32

from lyra_sim.geometry.cameras import CameraPath, pixel_rays

AGREE_RELATIVE = 0.015
"""Depths of one surface differ by less than this fraction. Tuned, unrecorded."""
AGREE_PX = 3.0
"""And land within this many pixels of each other along the epipolar line: cameras of photos err by a pixel or two.
Tuned, unrecorded."""
THROUGH_RELATIVE, THROUGH_PX = 0.05, 3.0
"""A view that measures something this much farther away, as a fraction and in pixels, sees through the depth in question.
Tuned, unrecorded."""
FLAT_RELATIVE = 0.03
"""Four neighbouring depths within this fraction are interpolated; across an edge the nearest is taken. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Of one view with its neighbours, pixel by pixel."""

    z_depth: Float32[torch.Tensor, "h w"]
    """Mean with those that agree [capture units]; NaN where unknown."""
    agreeing: Int32[torch.Tensor, "h w"]
    """Other views that measured the same surface."""
    through: Int32[torch.Tensor, "h w"]
    """Other views that look through it at something farther away."""
    parallax: Float32[torch.Tensor, "h w"]
    """Widest angle between this view's ray and that of an agreeing view [rad]; 0 without any."""
    difference: Float32[torch.Tensor, "h w"]
    """Mean relative difference of the depth from those that agree; NaN without any."""


def agree(
    z_depths: Mapping[int, Float32[torch.Tensor, "h w"]], cameras: CameraPath, view: int, others: Sequence[int]
) -> Agreement:
    """Compare the depth of ``view`` with that of ``others`` (left-right check over many views: Merrell et al. 2007).

    Args:
        z_depths: Of every view that has any, NaN unknown.
        cameras: Of the size of the depth.
        view: Whose depth is judged.
        others: Views that may confirm or contradict it.
    """
    z = z_depths[view]
    height, width = z.shape
    device = z.device
    rays = torch.from_numpy(pixel_rays(cameras.K[view], width, height)).to(device)
    points = rays * z[..., None]
    total, agreeing = z.clone(), torch.zeros((height, width), dtype=torch.int32, device=device)
    through, parallax = torch.zeros_like(agreeing), torch.zeros_like(z)
    spread = torch.zeros_like(z)
    w2c = cameras.w2c
    for other in others:
        other_from_view = torch.from_numpy((w2c[other] @ cameras.c2w[view]).astype(np.float32)).to(device)
        K = cameras.K[other]
        there = points @ other_from_view[:3, :3].T + other_from_view[:3, 3]
        expected = there[..., 2]
        u = there[..., 0] / expected * float(K[0, 0]) + float(K[0, 2])
        v = there[..., 1] / expected * float(K[1, 1]) + float(K[1, 2])
        inside = (expected > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
        found = torch.where(inside, sample_depth(z_depths[other], u, v), torch.nan)
        off = found / expected - 1
        # pixels the point moves by in the other view, were its depth there taken for its depth here
        baseline = float(np.linalg.norm(cameras.centres[other] - cameras.centres[view]))
        pixels = off.abs() * float(K[0, 0]) * baseline / expected
        same = (off.abs() < AGREE_RELATIVE) & (pixels < AGREE_PX)
        agreeing += same
        through += (off > THROUGH_RELATIVE) & (pixels > THROUGH_PX)
        off = torch.where(same, off, 0)
        total += z * off + torch.where(same, z, 0)
        spread += off.abs()
        angle = _angle(there, other_from_view[:3, 3])
        parallax = torch.where(same, torch.maximum(parallax, angle), parallax)
    known = torch.isfinite(z)
    return Agreement(
        z_depth=torch.where(known, total / (agreeing + 1), torch.nan),
        agreeing=agreeing,
        through=through,
        parallax=parallax,
        difference=torch.where(agreeing > 0, spread / agreeing.clamp(min=1), torch.nan),
    )


def sample_depth(
    z: Float32[torch.Tensor, "h w"], u: Float32[torch.Tensor, "*p"], v: Float32[torch.Tensor, "*p"]
) -> Float32[torch.Tensor, "*p"]:
    """Depth at pixel coordinates: linear in inverse depth on a surface, nearest across an edge; never in between."""
    height, width = z.shape
    x, y = torch.nan_to_num(u) - 0.5, torch.nan_to_num(v) - 0.5
    left = x.floor().clamp(0, max(width - 2, 0)).long()
    top = y.floor().clamp(0, max(height - 2, 0)).long()
    right, below = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    s, t = (x - left).clamp(0, 1), (y - top).clamp(0, 1)
    corners = torch.stack([z[top, left], z[top, right], z[below, left], z[below, right]])
    weights = torch.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t])
    flat = corners.amax(0) <= (1 + FLAT_RELATIVE) * corners.amin(0)
    nearest = corners.gather(0, weights.argmax(0, keepdim=True))[0]
    return torch.where(flat, 1 / (weights / corners).sum(0), nearest)


def _angle(there: Float32[torch.Tensor, "h w 3"], centre: Float32[torch.Tensor, "3"]) -> Float32[torch.Tensor, "h w"]:
    """Between the rays of the two cameras to each point; all in the other camera's frame."""
    here = there - centre
    cosine = (there * here).sum(-1) / (there.norm(dim=-1) * here.norm(dim=-1)).clamp(min=1e-12)
    return torch.arccos(cosine.clamp(-1, 1))
