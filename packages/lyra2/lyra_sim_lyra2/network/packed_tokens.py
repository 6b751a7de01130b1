"""Latents as tokens: whole patches for what is near, larger ones for what is far (FramePack: Zhang & Agrawala 2025).

Whatever a patch doesn't divide is filled by repeating the border, as the network was trained.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float

PATCH = 2
"""Side of the network's own patch [latents]; a packed segment's patch is a multiple of it."""
ROPE_BASE = 10000.0


def patches(x: Float[torch.Tensor, "b c t h w"], patch: Sequence[int]) -> Float[torch.Tensor, "b l d"]:
    """Tokens in order of time, row, column; features in order of channel, then time, row, column inside the patch."""
    pt, ph, pw = patch
    x = _whole(x, (pt, ph, pw))
    x = x.unflatten(4, (-1, pw)).unflatten(3, (-1, ph)).unflatten(2, (-1, pt))
    return x.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4, 7).flatten(1, 3)


def pooled(x: Float[torch.Tensor, "b c t h w"], kernel: Sequence[int]) -> Float[torch.Tensor, "b l c"]:
    """One token a patch: its mean. For what goes with the tokens, such as angles and cameras."""
    kt, kh, kw = kernel
    return F.avg_pool3d(_whole(x, (kt, kh, kw)), (kt, kh, kw)).flatten(2).transpose(1, 2)


def rotary_angles(frames: int, rows: int, columns: int, head_dim: int) -> Float[torch.Tensor, "1 d t h w"]:
    """Angles of rotary embedding [rad] by position in time, row and column (RoFormer: Su et al. 2021; split: Wan 2.1, 2025).

    Half of ``head_dim`` frequencies: the last two thirds go to rows and columns, rounded down, what is left to time.
    """
    side = head_dim // 6 * 2
    axes = ((frames, head_dim - 2 * side), (rows, side), (columns, side))
    spread = []
    for axis, (count, features) in enumerate(axes):
        frequencies = ROPE_BASE ** (-torch.arange(0, features, 2).float() / features)
        angles = torch.outer(torch.arange(count).float(), frequencies)
        shape = [1, 1, 1, angles.shape[1]]
        shape[axis] = count
        spread.append(angles.reshape(shape).expand(frames, rows, columns, -1))
    return torch.cat(spread, dim=-1).permute(3, 0, 1, 2)[None]


def unpatched(tokens: Float[torch.Tensor, "b l d"], frames: int, rows: int, columns: int) -> Float[torch.Tensor, "b c t h w"]:
    """The network's output back on the grid of latents; features in order of row and column in the patch, then channel."""
    grid = tokens.reshape(len(tokens), frames, rows, columns, PATCH, PATCH, -1)
    return grid.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)


def _whole(x: Float[torch.Tensor, "b c t h w"], patch: Sequence[int]) -> Float[torch.Tensor, "b c t2 h2 w2"]:
    pt, ph, pw = patch
    lacking = (0, -x.shape[4] % pw, 0, -x.shape[3] % ph, 0, -x.shape[2] % pt)
    return F.pad(x, lacking, mode="replicate") if any(lacking) else x
