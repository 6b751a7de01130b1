"""The grid of the latents: 8 x 8 pixels and 4 frames each, after a first frame that stands alone (Wan 2.1, 2025)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float

PIXELS_A_LATENT = 8
FRAMES_A_LATENT = 4


def pixel_unshuffle(images: Float[torch.Tensor, "c t h w"]) -> Float[torch.Tensor, "c64 t h8 w8"]:
    """Pixels of each latent's square as channels: channel c of pixel (y, x) in the square becomes 64 c + 8 y + x."""
    return F.pixel_unshuffle(images.transpose(0, 1), PIXELS_A_LATENT).transpose(0, 1).contiguous()
