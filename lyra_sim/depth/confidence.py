"""How far a measured depth is trusted, from 0.75 to 1."""

import torch
from jaxtyping import Float32

from lyra_sim.data.depth import MEASURED_CONFIDENCE
from lyra_sim.depth.consistency import Agreement

ENOUGH_VIEWS = 4
"""Agreeing views after which more don't add trust. Tuned, unrecorded."""
FULL_PARALLAX = 0.05
"""Angle from which on parallax doesn't limit trust [rad]. Tuned, unrecorded."""
FAIR, FULL = 0.6, 0.95
"""Correlation at which trust begins and is full. Tuned, unrecorded."""


def measured_confidence(found: Agreement, score: Float32[torch.Tensor, "h w"]) -> Float32[torch.Tensor, "h w"]:
    """``MEASURED_CONFIDENCE`` (barely) to 1 (four views agree, over a wide angle, and correlate fully)."""
    views = (found.agreeing.float() / ENOUGH_VIEWS).clamp(max=1)
    parallax = (found.parallax / FULL_PARALLAX).clamp(max=1)
    match = ((score - FAIR) / (FULL - FAIR)).clamp(0, 1)
    return MEASURED_CONFIDENCE + (1 - MEASURED_CONFIDENCE) * (views + parallax + match) / 3
