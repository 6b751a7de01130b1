"""Measured depth against the mesh: what a camera at a known place should have seen, and what it saw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.report import Metric
from lyra_sim.data.world import MetricWorld
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.rendering.ray_casting import RayCaster

NEAR_M = 0.2
"""Rays start here [m]: no sensor measures right before its lens, so that space can be unseen, and then it is solid.
Convention."""
MATCH_M = 0.1
"""A measured pixel counts as complete when the mesh lies within this of it [m]. Convention."""
MATCH_RELATIVE = 0.05
"""… and an estimated one within this fraction of its depth. Convention."""


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


def depth_error(mesh_z: Float32[np.ndarray, "h w"], measured_z: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """|mesh z-depth - measured z-depth| [m]; inf where the mesh has a hole, NaN where nothing was measured."""
    error = np.abs(mesh_z - measured_z)
    error[np.isfinite(measured_z) & np.isnan(mesh_z)] = np.inf
    return error.astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class DepthCheck:
    """One view of the mesh against what its camera measured."""

    error: Float32[np.ndarray, "h w"]
    """As of :func:`depth_error` [m]."""
    behind_unseen: Bool[np.ndarray, "h w"]
    """A measured pixel whose ray first meets a face nobody saw: space that is solid for want of a look."""


def check_depth(caster: RayCaster, face_seen: Bool[np.ndarray, "f"], world: MetricWorld, index: int) -> DepthCheck:
    """Cast one view; ``caster`` holds the mesh that ``face_seen`` belongs to."""
    truth = world.z_depth(index)
    hits = caster.cast_camera(world.cameras, index, near=NEAR_M)
    error = depth_error(hits.t, truth)
    behind = hits.hit & ~face_seen[np.maximum(hits.face, 0)] & (error > MATCH_M)
    return DepthCheck(error=error, behind_unseen=behind)


def depth_metrics(caster: RayCaster, mesh: TriMesh, world: MetricWorld, views: ViewSet) -> list[Metric]:
    """Median, mean, 90th percentile and completeness over measured pixels, and the share behind unseen space.

    Completeness is over all measured pixels: what a hole, a wrong surface or unseen space hides is missing alike. How
    far off the surface is can only be asked where there is one, so median, mean and percentile leave out pixels behind
    unseen space, whose share is a figure of its own: it says how well the scene was filmed. A hole counts as ``MATCH_M``.
    """
    checks = [check_depth(caster, mesh.face_seen, world, index) for index in views.indices]
    every = _joined([check.error[~np.isnan(check.error)] for check in checks])
    met = _joined([check.error[~np.isnan(check.error) & ~check.behind_unseen] for check in checks])
    bounded = np.where(np.isfinite(met), met, MATCH_M)
    values = {
        "median": (float(np.median(bounded)) if len(met) else np.nan, len(met)),
        "mean": (float(bounded.mean(dtype=np.float64)) if len(met) else np.nan, len(met)),
        "p90": (float(np.percentile(bounded, 90)) if len(met) else np.nan, len(met)),
        "completeness": (float((every <= MATCH_M).mean()) if len(every) else np.nan, len(every)),
        "behind_unseen": (1 - len(met) / len(every) if len(every) else np.nan, len(every)),
    }
    note = f"{len(views.indices)} views"
    return [measured(f"depth.{views.name}.{part}", value, n=n, note=note) for part, (value, n) in values.items()]


def estimated_depth_metrics(caster: RayCaster, mesh: TriMesh, world: MetricWorld, views: ViewSet) -> list[Metric]:
    """The same for depth that was computed from photos: as fractions of the depth, and called estimated.

    It says how well the surface kept to the depth it was made from, not how right either is; only a truth can tell that.
    """
    relative, behind = [], []
    for index in views.indices:
        check, z = check_depth(caster, mesh.face_seen, world, index), world.z_depth(index)
        known = ~np.isnan(check.error)
        relative.append((check.error[known] / z[known]).astype(np.float32))
        behind.append(check.behind_unseen[known])
    every, hidden = _joined(relative), np.concatenate([np.zeros(0, bool), *behind])
    met = np.minimum(every[~hidden], 1.0)
    values = {
        "median": (float(np.median(met)) if len(met) else np.nan, len(met)),
        "p90": (float(np.percentile(met, 90)) if len(met) else np.nan, len(met)),
        "completeness": (float((every <= MATCH_RELATIVE).mean()) if len(every) else np.nan, len(every)),
        "behind_unseen": (float(hidden.mean()) if len(every) else np.nan, len(every)),
    }
    note = f"{len(views.indices)} views"
    return [measured(f"depth.estimated.{part}", value, n=n, note=note) for part, (value, n) in values.items()]


def guessed_depth_metrics() -> list[Metric]:
    """Of a world that was guessed from one photo: the mesh is that guess, and would be compared with itself."""
    why = "guessed from one photo: its depth could only be compared with the surface that was made of it"
    return [
        not_measured(f"depth.estimated.{part}", "share", why) for part in ("median", "p90", "completeness", "behind_unseen")
    ]


def _joined(samples: list[np.ndarray]) -> Float32[np.ndarray, "n"]:
    return np.concatenate([np.zeros(0, np.float32), *samples])
