"""Frames on their way into a network and depth on its way back, without leaving the device."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch.nn import functional

from lyra_sim.depth.providers.provider import ProviderOptions
from lyra_sim.depth.resample import FLAT_RELATIVE


def planes(frames: UInt8[np.ndarray, "n h w 3"], device: str) -> Float32[torch.Tensor, "n 3 h w"]:
    """Frames as networks take them, 0..1."""
    return torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float() / 255


def network_input(
    images: Float32[torch.Tensor, "n 3 h w"], height: int, width: int, mean: Sequence[float], std: Sequence[float]
) -> Float32[torch.Tensor, "n 3 hh ww"]:
    """Images at the size and with the statistics a network was trained with."""
    sized = images
    if images.shape[-2:] != (height, width):
        sized = functional.interpolate(images, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    shape = (1, 3, 1, 1)
    return (sized - torch.tensor(mean, device=sized.device).view(shape)) / torch.tensor(std, device=sized.device).view(shape)


def precision(options: ProviderOptions, device: str) -> AbstractContextManager[object]:
    """What matrix products are computed in."""
    kind = torch.device(device).type
    dtype = ("float16" if kind == "cuda" else "float32") if options.dtype == "auto" else options.dtype
    return nullcontext() if dtype == "float32" else torch.autocast(kind, dtype=getattr(torch, dtype))


def depth_at_size(z: Float32[torch.Tensor, "n h w"], height: int, width: int) -> Float32[torch.Tensor, "n hh ww"]:
    """:func:`lyra_sim.depth.resample.depth_to_size` for several maps on their device: nothing is put between two surfaces."""
    if z.shape[1:] == (height, width):
        return z
    top, bottom, down = _neighbours(z.shape[1], height, z.device)
    left, right, along = _neighbours(z.shape[2], width, z.device)
    corners = torch.stack([z[:, rows][:, :, columns] for rows in (top, bottom) for columns in (left, right)])
    t, s = down[:, None], along[None, :]
    weights = torch.stack([(1 - t) * (1 - s), (1 - t) * s, t * (1 - s), t * s])[:, None]
    flat = corners.amax(0) <= (1 + FLAT_RELATIVE) * corners.amin(0)
    nearest = z[:, _nearest(z.shape[1], height, z.device)][:, :, _nearest(z.shape[2], width, z.device)]
    return torch.where(flat, 1 / (weights / corners).sum(0), nearest)


def nearest_at_size(values: Float32[torch.Tensor, "n h w"], height: int, width: int) -> Float32[torch.Tensor, "n hh ww"]:
    """The value of the nearest pixel."""
    rows, columns = _nearest(values.shape[1], height, values.device), _nearest(values.shape[2], width, values.device)
    return values[:, rows][:, :, columns]


def _nearest(count: int, wanted: int, device: torch.device) -> torch.Tensor:
    return ((torch.arange(wanted, device=device, dtype=torch.float64) + 0.5) * count / wanted).long().clamp(max=count - 1)


def _neighbours(count: int, wanted: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pixels before and after every new pixel's centre, and how far it lies from the first to the second."""
    at = ((torch.arange(wanted, device=device, dtype=torch.float64) + 0.5) * count / wanted - 0.5).clamp(0, count - 1)
    before = at.floor().long()
    return before, (before + 1).clamp(max=count - 1), (at - before).float()
