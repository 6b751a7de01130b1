"""Measured depth against the mesh: what a camera at a known place should have seen, and what it saw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from lyra_sim.data.report import Metric
from lyra_sim.data.world import MetricWorld
from lyra_sim.quality.metrics import measured
from lyra_sim.rendering.ray_casting import RayCaster

NEAR_M = 0.2
"""Rays start here [m]: no sensor measures right before its lens, so that space can be unseen, and then it is solid."""
MATCH_M = 0.1
"""A measured pixel counts as complete when the mesh lies within this of it [m]."""


@dataclass(frozen=True, kw_only=True)
class ViewSet:
    """Which views a figure rests on."""

    name: str
    """``held_out`` if no geometry was made from them, else ``input``."""
    indices: tuple[int, ...]


def judged_views(count: int, *, held_out: tuple[int, ...], at_most: int) -> ViewSet:
    """All held-out views if there are any, otherwise evenly spread input views: never both under one name."""
    if held_out:
        return ViewSet(name="held_out", indices=held_out)
    chosen = np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(int))
    return ViewSet(name="input", indices=tuple(int(index) for index in chosen))


def depth_errors(caster: RayCaster, world: MetricWorld, index: int) -> Float32[np.ndarray, "h w"]:
    """|mesh z-depth - measured z-depth| [m]; inf where the mesh has a hole, NaN where nothing was measured."""
    truth = world.z_depth(index)
    error = np.abs(caster.cast_camera(world.cameras, index, near=NEAR_M).t - truth)
    error[np.isfinite(truth) & np.isnan(error)] = np.inf
    return error


def depth_metrics(caster: RayCaster, world: MetricWorld, views: ViewSet) -> list[Metric]:
    """Median, mean and 90th percentile over all measured pixels, and completeness.

    A pixel where the mesh has a hole is missing in completeness and counts as ``MATCH_M`` in the other three.
    """
    samples = []
    for index in views.indices:
        error = depth_errors(caster, world, index)
        samples.append(error[~np.isnan(error)])
    errors = np.concatenate(samples) if samples else np.zeros(0, np.float32)
    n, note = len(errors), f"{len(views.indices)} views"
    if n == 0:
        return [measured(f"depth.{views.name}.{part}", np.nan, n=0) for part in ("median", "mean", "p90", "completeness")]
    bounded = np.where(np.isfinite(errors), errors, MATCH_M)
    return [
        measured(f"depth.{views.name}.median", float(np.median(bounded)), n=n, note=note),
        measured(f"depth.{views.name}.mean", float(bounded.mean(dtype=np.float64)), n=n, note=note),
        measured(f"depth.{views.name}.p90", float(np.percentile(bounded, 90)), n=n, note=note),
        measured(f"depth.{views.name}.completeness", float((errors <= MATCH_M).mean()), n=n, note=note),
    ]
