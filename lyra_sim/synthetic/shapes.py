"""Rows of the tensors that rooms are made of."""

import torch
from jaxtyping import Bool, Float32

BOX = 12
"""Columns of a box: centre, half sizes, cosine and sine of its yaw, normal and offset of the plane that cuts it. Convention."""
ROUND = 9
"""Columns of a round thing: centre, radii, cosine and sine, 1 for a cylinder. Convention."""
BURIED = -1000.0
"""Height of what isn't there [m]: rows can't be left out of a dense tensor, so they lie out of sight. Convention."""


def upright(
    centre: Float32[torch.Tensor, "*n 3"],
    half: Float32[torch.Tensor, "*n 3"],
    yaw: Float32[torch.Tensor, "*n"],
    cut: Float32[torch.Tensor, "*n 4"] | None = None,
) -> Float32[torch.Tensor, "*n 12"]:
    """Boxes turned about the vertical; ``cut`` keeps the side ``cut[:3] . local <= cut[3]``."""
    if cut is None:
        cut = torch.zeros((*half.shape[:-1], 4), device=half.device)
        cut[..., 3] = 1.0
    return torch.cat([centre, half, yaw.cos()[..., None], yaw.sin()[..., None], cut], dim=-1)


def round_rows(
    centre: Float32[torch.Tensor, "*n 3"],
    radii: Float32[torch.Tensor, "*n 3"],
    yaw: Float32[torch.Tensor, "*n"],
    cylinder: Float32[torch.Tensor, "*n"],
) -> Float32[torch.Tensor, "*n 9"]:
    """Ellipsoids, or upright cylinders whose third radius is half their height."""
    return torch.cat([centre, radii, yaw.cos()[..., None], yaw.sin()[..., None], cylinder[..., None]], dim=-1)


def buried(rows: Float32[torch.Tensor, "*n k"], kept: Bool[torch.Tensor, "*n"]) -> Float32[torch.Tensor, "*n k"]:
    """The same rows; those that aren't kept lie out of sight."""
    out = rows.clone()
    out[..., 2] = torch.where(kept, rows[..., 2], BURIED)
    return out
