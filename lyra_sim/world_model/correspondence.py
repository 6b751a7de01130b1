"""Correspondence buffer: which pixel of which retrieved frame every new pixel shows, as the known depth tells (Lyra 2.0, 2026).

Not colours are warped but coordinates, so that the network looks the colours up in frames that it sees whole.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.forward_warp import Warped, forward_warp
from lyra_sim.world_model.latent_grid import FRAMES_A_LATENT, PIXELS_A_LATENT, pixel_unshuffle
from lyra_sim.world_model.seen_frame import SeenFrame

CHANNELS = 4
"""x, y, slot, depth."""
SLOT_CHANNELS = CHANNELS * PIXELS_A_LATENT**2


def slot_coordinates(slots: int, height: int, width: int) -> Float32[np.ndarray, "s 3 h w"]:
    """Names of a retrieved frame's pixels: x and y from -1 to 1 across the image, z from -1 to 1 across the slots.

    A slot alone has z = 0.
    """
    coordinates = np.empty((slots, 3, height, width), np.float32)
    coordinates[:, 0] = np.linspace(-1, 1, width, dtype=np.float32)
    coordinates[:, 1] = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    coordinates[:, 2] = (np.linspace(-1, 1, slots, dtype=np.float32) if slots > 1 else np.zeros(1, np.float32))[:, None, None]
    return coordinates


def new_correspondence(retrieved: Sequence[SeenFrame], targets: CameraPath, *, slots: int) -> Float32[np.ndarray, "c t h8 w8"]:
    """Of the frames to be generated, every fourth: one block of 256 channels a slot, the best frame's first.

    Holes are -1 in the coordinates. Depths are stretched to -1..1 together, from the least (0 in a hole) to the largest of all
    slots and frames. Slots without a frame are -1, their depth 1.

    Args:
        retrieved: The best last; it takes the last slot, the others those before it.
        targets: All cameras to be generated.
        slots: Retrieved frames that the network takes.
    """
    names = slot_coordinates(slots, targets.height, targets.width)
    best_first = list(enumerate(retrieved, start=slots - len(retrieved)))[::-1]
    warped = [forward_warp(names[slot], frame.z_depth, frame.camera, targets) for slot, frame in best_first]
    depths = _stretched(warped)
    kept = slice(FRAMES_A_LATENT - 1, None, FRAMES_A_LATENT)
    blocks = [
        pixel_unshuffle(np.concatenate([one.values, depth[:, None]], axis=1)[kept].transpose(1, 0, 2, 3))
        for one, depth in zip(warped, depths, strict=True)
    ]
    grid = (len(targets) // FRAMES_A_LATENT, targets.height // PIXELS_A_LATENT, targets.width // PIXELS_A_LATENT)
    empty = np.full((SLOT_CHANNELS, *grid), -1, np.float32)
    empty[3 * PIXELS_A_LATENT**2 :] = 1
    return np.concatenate(blocks + [empty] * (slots - len(retrieved)))


def spatial_correspondence(slots: int, height: int, width: int) -> Float32[np.ndarray, "c s h8 w8"]:
    """Of the positions that hold retrieved frames: their own names, unmoved, in every slot; depth -1 in the first, else 1."""
    names = slot_coordinates(slots, height, width).transpose(1, 0, 2, 3)
    blocks = [np.concatenate([names, np.full_like(names[:1], -1 if slot == 0 else 1)]) for slot in range(slots)]
    return np.concatenate([pixel_unshuffle(block) for block in blocks])


def _stretched(warped: Sequence[Warped]) -> list[Float32[np.ndarray, "n h w"]]:
    """Depths in -1..1, all by the same rule; a hole counts as depth 0."""
    depths = [np.where(one.known, one.z_depth, np.float32(0)) for one in warped]
    if not depths:
        return []
    low, high = min(d.min() for d in depths), max(d.max() for d in depths)
    return [(2 * (d - low) / max(high - low, np.float32(1e-6)) - 1).astype(np.float32) for d in depths]
