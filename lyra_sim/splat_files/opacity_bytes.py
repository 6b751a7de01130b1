"""Opacities in a byte, as the packed formats keep them: the activated value, 0 to 255."""

import numpy as np
from jaxtyping import Float32, UInt8


def logits_of_bytes(packed: UInt8[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
    """Half a step from 0 and 1 at a byte's ends: they stand for all that rounds to them, not for endless logits."""
    opacity = np.clip(packed.astype(np.float32) / np.float32(255), 1 / 510, 1 - 1 / 510)
    return np.log(opacity / (1 - opacity)).astype(np.float32)


def bytes_of_logits(logits: Float32[np.ndarray, "n"]) -> UInt8[np.ndarray, "n"]:
    """Nearest byte of the activated value."""
    return np.round(255 / (1 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))).astype(np.uint8)
