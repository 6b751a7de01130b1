"""Which way is up, how sure that is, and who disagrees."""

import numpy as np

from lyra_sim.data.report import Metric
from lyra_sim.geometry.up_evidence import UpEstimate
from lyra_sim.quality.figures.metrics import measured, not_measured

NAMED = ("floor", "walls", "declared")
"""Kinds of evidence whose disagreement is judged; how a camera was held or mounted says little about the world."""


def gravity_metrics(gravity: UpEstimate | None) -> list[Metric]:
    """1σ of the vertical, and the largest angle between it and floor, walls or declared axis, named."""
    if gravity is None:
        why = "nothing told the vertical"
        return [not_measured("gravity.tilt_sigma_deg", "deg", why), not_measured("gravity.residual_deg", "deg", why)]
    up = np.array(gravity.direction)
    off = [(piece.tilt_deg(up), piece) for piece in gravity.evidence]
    says = "; ".join(
        f"{piece.source} {angle:.2f}° off, 1σ {piece.sigma_deg:.2g}°{'' if piece.used else ' (left out)'}"
        for angle, piece in off
    )
    judged = [(angle, piece) for angle, piece in off if any(kind in piece.source for kind in NAMED)]
    n = len(gravity.evidence)
    undecided = "; nothing decides between them" if gravity.undecided else ""
    metrics = [measured("gravity.tilt_sigma_deg", gravity.sigma_deg, n=n, note=says + undecided)]
    if len(gravity.evidence) < 2 or not judged:
        return [*metrics, not_measured("gravity.residual_deg", "deg", "one piece of evidence alone")]
    worst, piece = max(judged, key=lambda pair: (pair[0], pair[1].source))
    left_out = "" if piece.used else ", left out"
    return [*metrics, measured("gravity.residual_deg", worst, n=len(judged), note=f"{piece.source}{left_out}{undecided}")]
