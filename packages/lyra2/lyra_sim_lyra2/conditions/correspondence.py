"""Correspondence buffer: which pixel of which retrieved frame every new pixel shows, as the known depth tells (Lyra 2.0, 2026).

Not colours are warped but coordinates, so that the network looks the colours up in frames that it sees whole.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float32

from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.forward_warp import forward_warp
from lyra_sim_lyra2.conditions.latent_grid import FRAMES_A_LATENT, PIXELS_A_LATENT, pixel_unshuffle
from lyra_sim_lyra2.conditions.seen_frame import SeenFrame

CHANNELS = 4
"""x, y, slot, depth."""
SLOT_CHANNELS = CHANNELS * PIXELS_A_LATENT**2
EMPTY = -1.0
"""Coordinate of a hole, and of a slot without a frame."""


def slot_coordinates(
    slots: int, height: int, width: int, device: torch.device | str = "cpu"
) -> Float32[torch.Tensor, "s 3 h w"]:
    """Names of a retrieved frame's pixels: x and y from -1 to 1 across the image, z from -1 to 1 across the slots.

    A slot alone has z = 0.
    """
    coordinates = torch.empty((slots, 3, height, width), dtype=torch.float32, device=device)
    coordinates[:, 0] = torch.linspace(-1, 1, width, device=device)
    coordinates[:, 1] = torch.linspace(-1, 1, height, device=device)[:, None]
    coordinates[:, 2] = (torch.linspace(-1, 1, slots) if slots > 1 else torch.zeros(1)).to(device)[:, None, None]
    return coordinates


def new_correspondence(
    retrieved: Sequence[SeenFrame], targets: CameraPath, *, slots: int, device: torch.device | str = "cpu"
) -> Float32[torch.Tensor, "c t h8 w8"]:
    """Of the frames to be generated, every fourth: one block of 256 channels a slot, the best frame's first.

    Holes are -1 in the coordinates. Depths are stretched to -1..1 together, from the least (0 in a hole) to the largest of all
    slots and frames. Slots without a frame are -1, their depth 1.

    Args:
        retrieved: The best last; it takes the last slot, the others those before it.
        targets: All cameras to be generated.
        slots: Retrieved frames that the network takes.
        device: Where the retrieved frames are.
    """
    names = slot_coordinates(slots, targets.height, targets.width, device)
    best_first = list(enumerate(retrieved, start=slots - len(retrieved)))[::-1]
    kept = slice(FRAMES_A_LATENT - 1, None, FRAMES_A_LATENT)
    warped, lows, highs = [], [], []
    for slot, frame in best_first:
        # A frame's third coordinate is the same everywhere: it needs no warp.
        one = forward_warp(names[slot, :2], frame.z_depth, frame.camera, targets)
        depth = torch.where(one.known, one.z_depth, 0.0)
        lows.append(depth.min())
        highs.append(depth.max())
        warped.append((slot, one.values[kept].clone(), depth[kept].clone(), one.known[kept].clone()))
    low, high = (torch.stack(lows).min(), torch.stack(highs).max()) if warped else (torch.zeros(()), torch.ones(()))
    grid = (len(targets) // FRAMES_A_LATENT, targets.height // PIXELS_A_LATENT, targets.width // PIXELS_A_LATENT)
    buffer = torch.full((slots, SLOT_CHANNELS, *grid), EMPTY, dtype=torch.float32, device=device)
    buffer[len(warped) :, 3 * PIXELS_A_LATENT**2 :] = 1
    for block, (slot, values, depth, known) in zip(buffer, warped, strict=False):
        name = torch.where(known, names[slot, 2], EMPTY)
        stretched = 2 * (depth - low) / (high - low).clamp(min=1e-6) - 1
        block.copy_(pixel_unshuffle(torch.cat([values.transpose(0, 1), name[None], stretched[None]])))
    return buffer.flatten(0, 1)


def spatial_correspondence(
    slots: int, height: int, width: int, device: torch.device | str = "cpu"
) -> Float32[torch.Tensor, "c s h8 w8"]:
    """Of the positions that hold retrieved frames: their own names, unmoved, in every slot; depth -1 in the first, else 1."""
    names = slot_coordinates(slots, height, width, device).transpose(0, 1)
    depths = (torch.full_like(names[:1], -1 if slot == 0 else 1) for slot in range(slots))
    return torch.cat([pixel_unshuffle(torch.cat([names, depth])) for depth in depths])
