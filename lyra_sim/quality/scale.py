"""How long a metre is, and how sure that is."""

from lyra_sim.data.report import Metric
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.quality.metrics import measured


def scale_metrics(scale: ScaleEstimate) -> list[Metric]:
    """Value and relative 1σ; a scale nobody vouched for warns however small a sigma it claims."""
    assumed = 0.5 if scale.assumed else 0.0
    return [
        measured("scale.metres_per_unit", scale.metres_per_unit, n=1, note=scale.source),
        measured("scale.sigma_relative", max(scale.sigma_relative, assumed), n=1, note=scale.source),
    ]
