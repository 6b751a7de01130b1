"""The grid of the latents: 8 x 8 pixels and 4 frames each, after a first frame that stands alone (Wan 2.1, 2025)."""

import numpy as np
from jaxtyping import Float32

PIXELS_A_LATENT = 8
FRAMES_A_LATENT = 4


def pixel_unshuffle(images: Float32[np.ndarray, "c t h w"]) -> Float32[np.ndarray, "c64 t h8 w8"]:
    """Pixels of each latent's square as channels: channel c of pixel (y, x) in the square becomes 64 c + 8 y + x."""
    channels, frames, height, width = images.shape
    side = PIXELS_A_LATENT
    squares = images.reshape(channels, frames, height // side, side, width // side, side).transpose(0, 3, 5, 1, 2, 4)
    return np.ascontiguousarray(squares).reshape(channels * side * side, frames, height // side, width // side)
