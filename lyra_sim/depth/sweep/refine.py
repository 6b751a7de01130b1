"""Depth between the hypotheses of the sweep."""

import torch
from jaxtyping import Float32

from lyra_sim.depth.sweep.correlation import Target, scores
from lyra_sim.depth.sweep.edges import shifted

REACH, STEPS = 1.5, 13
"""Offsets tried: so many hypothesis steps to either side, evenly, this many in all."""
SMOOTH_RADIUS = 2
"""Neighbours within this many pixels are averaged ..."""
SAME_SURFACE = 1.5
"""... if their inverse depth lies within this many steps."""


def smoothed(inverse: Float32[torch.Tensor, "h w"], step: float) -> Float32[torch.Tensor, "h w"]:
    """Inverse depth averaged with neighbours of the same surface: on a plane it is linear in the image."""
    total, count = torch.zeros_like(inverse), torch.zeros_like(inverse)
    for around in shifted(inverse, SMOOTH_RADIUS):
        same = (around - inverse).abs() < SAME_SURFACE * step
        total += torch.where(same, around, 0)
        count += same
    return total / count


def refined(
    target: Target, inverse: Float32[torch.Tensor, "h w"], step: float, *, best: int
) -> tuple[Float32[torch.Tensor, "h w"], Float32[torch.Tensor, "h w"]]:
    """Best inverse depth within a few steps of the given map, and its score; windows follow the slant of the map."""
    offsets = torch.linspace(-REACH, REACH, STEPS, device=inverse.device) * step
    volume = scores(target, inverse[None] + offsets[:, None, None], best=best)
    score, index = volume.max(dim=0)
    before = volume.gather(0, (index - 1).clamp(min=0)[None])[0]
    after = volume.gather(0, (index + 1).clamp(max=STEPS - 1)[None])[0]
    between = ((after - before) / (2 * (2 * score - before - after)).clamp(min=1e-6)).clamp(-0.5, 0.5)
    return inverse + offsets[index] + between * (offsets[1] - offsets[0]), score
