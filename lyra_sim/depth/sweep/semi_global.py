"""Semi-global matching (Hirschmüller 2008): every pixel's hypotheses weighed by what lies along straight paths to it."""

import torch
from jaxtyping import Float32

BEND = 0.06
"""Cost of moving to the next hypothesis between neighbouring pixels (scores run from -1 to 1). Tuned, unrecorded."""
JUMP = 2.0
"""Cost of a larger step where the image is smooth; discontinuities belong to image edges. Tuned, unrecorded."""
EDGE = 12 / 255
"""Grey difference between neighbours at which the cost of a jump has halved. Tuned, unrecorded."""


def aggregated(scores: Float32[torch.Tensor, "k h w"], image: Float32[torch.Tensor, "h w"]) -> Float32[torch.Tensor, "k h w"]:
    """Mean path cost of every hypothesis over four paths (left, right, up, down); the lowest wins.

    Args:
        scores: Higher is better; -1..1.
        image: Grey, 0..1: jumps get cheap across its edges.
    """
    cost = (1 - scores).permute(1, 2, 0).contiguous()
    total = torch.zeros_like(cost)
    across = (image[:, 1:] - image[:, :-1]).abs()
    down = (image[1:] - image[:-1]).abs()
    _both_ways(cost, total, down)
    _both_ways(cost.transpose(0, 1), total.transpose(0, 1), across.T)
    return total.permute(2, 0, 1) / 4


def _both_ways(
    cost: Float32[torch.Tensor, "n m k"], total: Float32[torch.Tensor, "n m k"], edges: Float32[torch.Tensor, "n1 m"]
) -> None:
    """Add the paths along the first axis, forwards and backwards, to ``total``."""
    count = cost.shape[0]
    jump = (JUMP / (1 + edges / EDGE)).clamp(min=2 * BEND)[..., None]
    path = torch.stack([cost[0], cost[-1]])
    total[0] += path[0]
    total[-1] += path[1]
    for t in range(1, count):
        least = path.amin(dim=2, keepdim=True)
        best = torch.minimum(path, least + torch.stack([jump[t - 1], jump[count - 1 - t]]))
        torch.minimum(best[..., 1:], path[..., :-1] + BEND, out=best[..., 1:])
        torch.minimum(best[..., :-1], path[..., 1:] + BEND, out=best[..., :-1])
        best -= least
        best[0] += cost[t]
        best[1] += cost[count - 1 - t]
        path = best
        total[t] += path[0]
        total[count - 1 - t] += path[1]
