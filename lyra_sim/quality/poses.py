"""How the cameras of photos were found, and what their depth rests on."""

from lyra_sim.data.capture import Capture
from lyra_sim.data.posed import PoseFacts
from lyra_sim.data.report import Metric
from lyra_sim.quality.figures.metrics import measured


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
        measured(
            "photo_depth.layout_prior", depth.kind == "layout prior", n=n, note="a guess from one photo, not a measurement"
        )
        if depth.kind == "layout prior"
        else measured("photo_depth.sigma_relative", depth.sigma_relative, n=n, note="disagreement between views over depth"),
        *(measured(f"photo_depth.{name}", share, n=n, note="of all pixels") for name, share in shares.items()),
    ]
