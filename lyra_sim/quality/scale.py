"""How long a metre is, how sure that is, and whether a room of that size would be an odd one."""

from lyra_sim.data.report import Metric
from lyra_sim.data.scale import ScaleEstimate, ScaleEvidence
from lyra_sim.quality.figures.metrics import measured

LEAST_ASSUMED_SIGMA = 0.1
"""A scale nobody vouched for warns however small a sigma it claims."""


def scale_metrics(scale: ScaleEstimate) -> list[Metric]:
    """Value and relative 1σ; and, where a ceiling was seen and somebody stated the scale, whether custom speaks for it."""
    least = LEAST_ASSUMED_SIGMA if scale.assumed else 0.0
    note = "; ".join(
        [f"from {scale.source}", *(f"left out: {piece}" for piece in scale.evidence if not piece.used and not piece.custom)]
    )
    metrics = [
        measured("scale.metres_per_unit", scale.metres_per_unit, n=1, note=scale.source),
        measured("scale.sigma_relative", max(scale.sigma_relative, least), n=max(len(scale.evidence), 1), note=note),
    ]
    customs = [piece for piece in scale.evidence if piece.custom]
    if scale.assumed or not customs:
        return metrics
    off = [piece.sigmas_off(scale.metres_per_unit, scale.sigma_relative) for piece in customs]
    says = "; ".join(_would_be(piece, scale) for piece in customs)
    return [*metrics, measured("scale.custom_sigmas", min(off), n=len(customs), note=says)]


def _would_be(custom: ScaleEvidence, scale: ScaleEstimate) -> str:
    """``usual ceiling 2.5 m: 0.32 of it`` for a room that is a third as high."""
    return f"{custom.source}: here {scale.metres_per_unit / custom.metres_per_unit:.3g} times that"
