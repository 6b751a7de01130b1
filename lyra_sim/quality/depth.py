"""Measured depth against the mesh: what a camera at a known place should have seen, and what it saw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from lyra_sim.data.mesh import TriMesh
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

    def spread(self, count: int) -> tuple[int, ...]:
        """``count`` of them, from the middle of as many equal parts of the sequence."""
        at = (np.arange(count) + 0.5) * len(self.indices) / count
        return tuple(sorted({self.indices[int(k)] for k in at})) if self.indices else ()


def judged_views(count: int, *, held_out: tuple[int, ...], at_most: int) -> ViewSet:
    """All held-out views if there are any, otherwise evenly spread input views: never both under one name."""
    if held_out:
        return ViewSet(name="held_out", indices=held_out)
    chosen = np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(int))
    return ViewSet(name="input", indices=tuple(int(index) for index in chosen))


@dataclass(frozen=True, kw_only=True)
class DepthCheck:
    """One view of the mesh against what its camera measured."""

    error: Float32[np.ndarray, "h w"]
    """|mesh z-depth - measured z-depth| [m]; inf where the mesh has a hole, NaN where nothing was measured."""
    behind_unseen: Bool[np.ndarray, "h w"]
    """A measured pixel whose ray first meets a face nobody saw: space that is solid for want of a look."""


def check_depth(caster: RayCaster, face_seen: Bool[np.ndarray, "f"], world: MetricWorld, index: int) -> DepthCheck:
    """Cast one view; ``caster`` holds the mesh that ``face_seen`` belongs to."""
    truth = world.z_depth(index)
    hits = caster.cast_camera(world.cameras, index, near=NEAR_M)
    error = np.abs(hits.t - truth)
    error[np.isfinite(truth) & np.isnan(error)] = np.inf
    behind = hits.hit & ~face_seen[np.maximum(hits.face, 0)] & np.isfinite(truth) & (error > MATCH_M)
    return DepthCheck(error=error.astype(np.float32), behind_unseen=behind)


def depth_metrics(caster: RayCaster, mesh: TriMesh, world: MetricWorld, views: ViewSet) -> list[Metric]:
    """Median, mean, 90th percentile and completeness over measured pixels, and the share behind unseen space.

    What stands behind unseen space says how well the scene was filmed, not how well the surface was made: it is a
    figure of its own and left out of the other four. A pixel where the mesh has a hole is missing in completeness
    and counts as ``MATCH_M`` in the other three.
    """
    samples, hidden, measured_pixels = [], 0, 0
    for index in views.indices:
        check = check_depth(caster, mesh.face_seen, world, index)
        known = ~np.isnan(check.error)
        samples.append(check.error[known & ~check.behind_unseen])
        hidden += int(check.behind_unseen.sum())
        measured_pixels += int(known.sum())
    errors = np.concatenate(samples) if samples else np.zeros(0, np.float32)
    n, note = len(errors), f"{len(views.indices)} views"
    if n == 0:
        parts = ("median", "mean", "p90", "completeness", "behind_unseen")
        return [measured(f"depth.{views.name}.{part}", np.nan, n=0) for part in parts]
    bounded = np.where(np.isfinite(errors), errors, MATCH_M)
    return [
        measured(f"depth.{views.name}.median", float(np.median(bounded)), n=n, note=note),
        measured(f"depth.{views.name}.mean", float(bounded.mean(dtype=np.float64)), n=n, note=note),
        measured(f"depth.{views.name}.p90", float(np.percentile(bounded, 90)), n=n, note=note),
        measured(f"depth.{views.name}.completeness", float((errors <= MATCH_M).mean()), n=n, note=note),
        measured(f"depth.{views.name}.behind_unseen", hidden / measured_pixels, n=measured_pixels, note=note),
    ]
