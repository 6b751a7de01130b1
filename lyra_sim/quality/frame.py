"""The frame in figures: how cameras and depth of photos were found, which way is up, how long a metre is, and who disagrees."""

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.posed import PoseFacts
from lyra_sim.data.report import Metric
from lyra_sim.data.scale import ScaleEstimate, ScaleEvidence
from lyra_sim.geometry.up_evidence import UpEstimate
from lyra_sim.quality.figures.metrics import measured, not_measured

NAMED = ("floor", "walls", "declared")
"""Kinds of evidence whose disagreement is judged; how a camera was held or mounted says little about the world."""

LEAST_ASSUMED_SIGMA = 0.1
"""A scale nobody vouched for warns however small a sigma it claims. Convention."""


def pose_metrics(capture: Capture) -> list[Metric]:
    """Share of the photos that have a trusted camera, reprojection error, and the trust figures that apply; none for RGB-D."""
    facts = capture.poses
    if not isinstance(facts, PoseFacts):
        return []
    count, posed, figures = facts.photos, facts.posed, facts.figures
    metrics = [
        measured("poses.registered", posed / count, n=count, note=f"{posed} of {count} photos; {facts.recipe}"),
        measured("poses.reprojection", facts.reprojection_px, n=posed, note="mean over feature points"),
    ]
    names = {"gps_rms_m": "poses.gps_rms", "weakest_scale_points": "poses.weakest_scale_points"}
    metrics += [measured(name, figures[key], n=posed) for key, name in names.items() if key in figures]
    return metrics


def depth_source_metrics(capture: Capture) -> list[Metric]:
    """Share of pixels that several photos measured, share inferred, and how far views disagree; none for RGB-D."""
    depth = capture.depth
    if depth is None or not depth.estimated:
        return []
    n = len(capture.used)
    shares = {name: depth.figures[name] for name in ("measured", "planar_prior", "sky", "moving") if name in depth.figures}
    return [
        measured("photo_depth.guessed", True, n=n, note=f"{depth.kind}: a guess from one photo, not a measurement")
        if depth.guessed
        else measured("photo_depth.sigma_relative", depth.sigma_relative, n=n, note="disagreement between views over depth"),
        *(measured(f"photo_depth.{name}", share, n=n, note="of all pixels") for name, share in shares.items()),
    ]


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
