"""What the network is trained to do."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32

from lyra_sim.depth.network.cost_volume import Geometry
from lyra_sim.depth.network.network import Prediction

WITHIN = ((0.683, 1.0), (0.954, 2.0))
"""Shares of a normal distribution and the sigmas they lie within. Derived."""
SMALL = 0.01
"""Relative error below which errors count by their logarithm no more. Convention."""
STEP = 0.04
"""Neighbouring inverse depths that differ by more than this fraction lie on two surfaces. Convention."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Of the targets of a batch."""

    inverse_depth: Float32[torch.Tensor, "b h w"]
    normal: Float32[torch.Tensor, "b 3 h w"]
    valid: Bool[torch.Tensor, "b h w"]
    """Pixels whose depth counts."""


def losses(found: Prediction, truth: Truth, geometry: Geometry) -> dict[str, torch.Tensor]:
    """Parts of the loss, weighed; their sum is the loss.

    Depth: relative error, plainly and by its logarithm. Hypotheses: cross-entropy at a quarter of the size. Slope: steps of
    inverse depth between neighbours, which are linear on planes. Normal: cosine. Sigma: see :func:`sigma_loss`.
    """
    valid = truth.valid
    error = (found.inverse_depth.log() - truth.inverse_depth.log()).abs()
    quarter, valid_quarter = quartered(truth.inverse_depth, valid)
    rough = (found.coarse[:, : quarter.shape[1], : quarter.shape[2]].log() - quarter.log()).abs()
    low, high = geometry.range[:, 0, None, None], geometry.range[:, 1, None, None]
    logits = found.logits[:, :, : quarter.shape[1], : quarter.shape[2]]
    place = ((quarter - low) / (high - low)).clamp(0, 1) * (logits.shape[1] - 1)
    return {
        "depth": _mean(_graded(error), valid),
        "coarse": 0.4 * _mean(_graded(rough), valid_quarter),
        "plane": 0.25 * _mean(_cross_entropy(logits, place), valid_quarter),
        "slope": 2.0 * _slope(found.inverse_depth, truth.inverse_depth, valid),
        "normal": 0.5 * _mean(1 - (found.normal * truth.normal).sum(dim=1), valid),
        "sigma": 0.2 * _mean(sigma_loss(error.detach(), found.log_sigma), valid),
    }


def sigma_loss(error: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """Least where 68 % of the errors are below sigma and 95 % below two (quantile regression: Koenker and Bassett 1978).

    Compared in logarithms, which leaves quantiles where they are and lets small errors count as much as large ones.
    """
    total = torch.zeros_like(error)
    for share, sigmas in WITHIN:
        over = (error.clamp(min=1e-5) / sigmas).log() - log_sigma
        total = total + torch.maximum(share * over, (share - 1) * over)
    return total


def quartered(inverse: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One pixel of every 4 x 4: a value that is there, not a mean across an edge."""
    return inverse[:, 2::4, 2::4], valid[:, 2::4, 2::4]


def _graded(error: torch.Tensor) -> torch.Tensor:
    return 5 * error + 0.25 * torch.log1p(error / SMALL)


def _cross_entropy(logits: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """With both hypotheses around the true place, by their nearness."""
    below = place.floor().clamp(max=logits.shape[1] - 2)
    part = place - below
    logs = torch.log_softmax(logits, dim=1)
    rows = below.long()[:, None]
    return -((1 - part) * logs.gather(1, rows)[:, 0] + part * logs.gather(1, rows + 1)[:, 0])


def _slope(found: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    total = found.new_zeros(())
    for reach in (1, 2, 4):
        for axis in (1, 2):
            count = truth.shape[axis] - reach
            near, far = truth.narrow(axis, 0, count), truth.narrow(axis, reach, count)
            both = valid.narrow(axis, 0, count) & valid.narrow(axis, reach, count)
            whole = both & ((near - far).abs() < STEP * reach * near)
            off = (found.narrow(axis, 0, count) - found.narrow(axis, reach, count)) - (near - far)
            total = total + _mean((off.abs() / near).clamp(max=1), whole)
    return total


def _mean(value: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    return (torch.nan_to_num(value) * where).sum() / where.sum().clamp(min=1)
