"""Plane sweep of one view (Collins 1996) with planes across the optical axis and level ones (Gallup et al. 2007)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32

from lyra_sim.depth.sweep.correlation import RADIUS, UNSEEN, Target, prepare, scores
from lyra_sim.depth.sweep.edges import own_share, shifted
from lyra_sim.depth.sweep.neighbours import Neighbours
from lyra_sim.depth.sweep.semi_global import aggregated
from lyra_sim.geometry.cameras import CameraPath, pixel_rays

CHUNK_FLOATS = 4_000_000
"""Hypotheses are warped in chunks of about this many pixels. Convention."""
LEVEL_SHARE = 0.25
"""Level planes, as a share of the fronto-parallel ones. Tuned, unrecorded."""
BEYOND = 0.5
"""The sweep begins at this fraction of the far depth's inverse: what lies beyond is found there, and dropped. Convention."""
LEAST_MARGIN = 0.1
"""The second-best depth of a pixel costs at least this much more; otherwise nothing tells which it is. Tuned, unrecorded."""
BESIDE = 2
"""Hypotheses this near to the best one are the same depth. Convention."""

REACH, STEPS = 1.5, 13
"""Offsets tried: so many hypothesis steps to either side, evenly, this many in all. Tuned, unrecorded."""
SMOOTH_RADIUS = 2
"""Neighbours within this many pixels are averaged ... Tuned, unrecorded."""
SAME_SURFACE = 1.5
"""... if their inverse depth lies within this many steps. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What one view alone and its sources tell."""

    z_depth: Float32[torch.Tensor, "h w"]
    """[capture units]; NaN where nothing tells it."""
    score: Float32[torch.Tensor, "h w"]
    """ZNCC at that depth: near 0 on blank surfaces, whose depth comes from what bounds them."""


def sweep(
    images: Sequence[Float32[torch.Tensor, "h w"]],
    cameras: CameraPath,
    view: int,
    around: Neighbours,
    *,
    planes: int,
    up: Float[np.ndarray, "3"],
) -> Swept:
    """Depth of every pixel of one view.

    Args:
        images: Of all views, grey, 0..1, exposure evened out.
        cameras: Of that size.
        view: To find the depth of.
        around: What it is compared with.
        planes: Hypotheses, evenly spaced in inverse depth.
        up: Against gravity.
    """
    target = prepare(images, cameras, view, around.sources)
    best = max(1, len(target.sources) // 2)
    hypotheses = np.linspace(BEYOND / around.far, 1 / around.near, planes)
    step = float(hypotheses[1] - hypotheses[0])
    volume = across_the_axis(target, hypotheses, best=best)
    rays = torch.from_numpy(pixel_rays(cameras.K[view], cameras.width, cameras.height)).to(volume.device)
    steepness = (rays @ torch.from_numpy((cameras.c2w[view, :3, :3].T @ up).astype(np.float32)).to(volume.device)).abs()
    add_planes(volume, target, hypotheses, steepness, around.heights, count=round(LEVEL_SHARE * planes), best=best)
    unseen = volume.amax(dim=0) <= UNSEEN
    cost = aggregated(volume.mul_(own_share(target.image, RADIUS)), target.image)
    index, between, margin = lowest(cost)
    coarse = smoothed(float(hypotheses[0]) + (index + between) * step, step)
    inverse, score = refined(target, coarse, step, best=best)
    inverse = smoothed(smoothed(inverse, step), step / 2)
    z = 1 / inverse.clamp(min=1e-12)
    inside = (index > 0) & (index < planes - 1) & (z >= around.near) & (z <= around.far)
    known = inside & (margin > LEAST_MARGIN) & ~unseen & (score > UNSEEN)
    return Swept(z_depth=torch.where(known, z, torch.nan), score=score)


def across_the_axis(target: Target, inverse: Float[np.ndarray, "k"], *, best: int) -> Float32[torch.Tensor, "k h w"]:
    """Scores of fronto-parallel planes at the given inverse depths."""
    height, width = target.image.shape
    ones = torch.ones((1, height, width), dtype=torch.float32, device=target.image.device)
    return _scores_along(target, ones, inverse, best=best)


def add_planes(
    volume: Float32[torch.Tensor, "k h w"],
    target: Target,
    inverse: Float[np.ndarray, "k"],
    steepness: Float32[torch.Tensor, "h w"],
    reach: tuple[float, float],
    *,
    count: int,
    best: int,
) -> None:
    """Raise scores where a slanted plane through the same point of the ray fits better.

    A window on a floor seen at a grazing angle looks different from every other view unless it is warped as a floor.

    Args:
        volume: Scores by inverse depth; changed.
        target: The view.
        inverse: Inverse depths of the volume, evenly spaced.
        steepness: ``|normal . ray|`` of every pixel; rays have z = 1. Planes on both sides of the camera are swept at once.
        reach: Least and greatest distance of planes from the camera [capture units].
        count: Planes, evenly spaced in inverse distance.
        best: Sources that count.
    """
    distances = np.linspace(1 / reach[1], 1 / reach[0], count)
    slanted = _scores_along(target, steepness[None], distances, best=best)
    per_distance = 1 / steepness.clamp(min=1e-6)
    spacing = float(distances[1] - distances[0])
    for k, value in enumerate(inverse):
        at = (float(value) * per_distance - float(distances[0])) / spacing
        inside = (at >= 0) & (at <= count - 1)
        low = at.clamp(0, count - 2).floor()
        part = (at - low).clamp(0, 1)
        rows = low.long()[None]
        found = torch.lerp(slanted.gather(0, rows)[0], slanted.gather(0, rows + 1)[0], part)
        volume[k] = torch.where(inside, torch.maximum(volume[k], found), volume[k])


def lowest(
    cost: Float32[torch.Tensor, "k h w"],
) -> tuple[torch.Tensor, Float32[torch.Tensor, "h w"], Float32[torch.Tensor, "h w"]]:
    """The cheapest hypothesis, the offset to a parabola's minimum (±0.5), and how much dearer the next other one is."""
    last = len(cost) - 1
    least, index = cost.min(dim=0)
    before = cost.gather(0, (index - 1).clamp(min=0)[None])[0]
    after = cost.gather(0, (index + 1).clamp(max=last)[None])[0]
    offset = ((before - after) / (2 * (before + after - 2 * least)).clamp(min=1e-6)).clamp(-0.5, 0.5)
    second = torch.full_like(least, torch.inf)
    for k in range(last + 1):
        second = torch.where((index - k).abs() > BESIDE, torch.minimum(second, cost[k]), second)
    return index, offset, second - least


def _scores_along(
    target: Target, shape: Float32[torch.Tensor, "1 h w"], factors: Float[np.ndarray, "k"], *, best: int
) -> Float32[torch.Tensor, "k h w"]:
    """Scores of the inverse-depth maps ``factor * shape``."""
    height, width = target.image.shape
    out = torch.empty((len(factors), height, width), dtype=torch.float32, device=target.image.device)
    chunk = max(1, CHUNK_FLOATS // (height * width))
    values = torch.from_numpy(factors.astype(np.float32)).to(out.device)[:, None, None]
    for k in range(0, len(factors), chunk):
        out[k : k + chunk] = scores(target, values[k : k + chunk] * shape, best=best)
    return out


def smoothed(inverse: Float32[torch.Tensor, "h w"], step: float) -> Float32[torch.Tensor, "h w"]:
    """Inverse depth averaged with neighbours of the same surface: on a plane it is linear in the image."""
    total, count = torch.zeros_like(inverse), torch.zeros_like(inverse)
    for around in shifted(inverse, SMOOTH_RADIUS):
        same = (around - inverse).abs() < SAME_SURFACE * step
        total += torch.where(same, around, 0)
        count += same
    return total / count


def refined(
    target: Target, inverse: Float32[torch.Tensor, "h w"], step: float, *, best: int
) -> tuple[Float32[torch.Tensor, "h w"], Float32[torch.Tensor, "h w"]]:
    """Best inverse depth within a few steps of the given map, and its score; windows follow the slant of the map."""
    offsets = torch.linspace(-REACH, REACH, STEPS, device=inverse.device) * step
    volume = scores(target, inverse[None] + offsets[:, None, None], best=best)
    score, index = volume.max(dim=0)
    before = volume.gather(0, (index - 1).clamp(min=0)[None])[0]
    after = volume.gather(0, (index + 1).clamp(max=STEPS - 1)[None])[0]
    between = ((after - before) / (2 * (2 * score - before - after)).clamp(min=1e-6)).clamp(-0.5, 0.5)
    return inverse + offsets[index] + between * (offsets[1] - offsets[0]), score
