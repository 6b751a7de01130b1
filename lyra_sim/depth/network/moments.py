"""Moments of Adam in 8 bits, so that a checkpoint stays small (block-wise quantisation: Dettmers et al. 2022)."""

import torch
from jaxtyping import Float32

BLOCK = 256
"""Numbers that share a scale. Convention."""
OCTAVES = 32.0
"""Range of the second moment's root within a block that is told from 0, in factors of two. Convention."""


def packed_first(value: torch.Tensor) -> dict[str, torch.Tensor]:
    """Signed, linear in each block."""
    blocks = _blocks(value)
    scale = blocks.abs().amax(dim=1).clamp(min=1e-30)
    return {"code": (blocks / scale[:, None] * 127).round().to(torch.int8), "scale": scale}


def unpacked_first(parts: dict[str, torch.Tensor], shape: torch.Size) -> torch.Tensor:
    return (parts["code"].float() / 127 * parts["scale"][:, None]).flatten()[: shape.numel()].reshape(shape)


def packed_second(value: torch.Tensor) -> dict[str, torch.Tensor]:
    """The root, by its logarithm: a small one that was rounded to 0 would make a step explode."""
    blocks = _blocks(value).sqrt()
    scale = blocks.amax(dim=1).clamp(min=1e-30)
    octaves = (blocks / scale[:, None]).clamp(min=1e-30).log2()
    code = 255 + (octaves * 254 / OCTAVES).round()
    return {"code": code.clamp(0, 255).to(torch.uint8), "scale": scale}


def unpacked_second(parts: dict[str, torch.Tensor], shape: torch.Size) -> torch.Tensor:
    code = parts["code"].float()
    root = torch.where(code > 0, torch.exp2((code - 255) * OCTAVES / 254), 0.0) * parts["scale"][:, None]
    return (root * root).flatten()[: shape.numel()].reshape(shape)


def _blocks(value: torch.Tensor) -> Float32[torch.Tensor, "n 256"]:
    flat = value.detach().float().flatten()
    return torch.nn.functional.pad(flat, (0, -len(flat) % BLOCK)).reshape(-1, BLOCK)
