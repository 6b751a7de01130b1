"""Which views are compared with which, and between which depths each is searched."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.cameras import CameraPath, project

BEST_ANGLE = float(np.radians(5.0))
"""Triangulation angle a comparison is best at: less tells depth poorly, more looks at another side of things. Convention."""
TIGHT, WIDE = float(np.radians(2.0)), float(np.radians(10.0))
"""Spread of the weight below and above the best angle (the shape follows Yao et al. 2018). Tuned, unrecorded."""
FADE = 0.6
"""Share of a point's weight that goes with every source that already sees it well: the next one shall cover the rest.
Tuned, unrecorded."""
NEAR_QUANTILE, FAR_QUANTILE = 0.01, 0.99
"""Quantiles of a view's point depths: the few wrong points lie outside. Convention."""
FEWEST_POINTS = 8
"""With fewer points the range of depths is guessed from the baselines alone. Convention."""
NEARER, FARTHER = 0.6, 2.0
"""What the quantiles are multiplied by: surfaces without points reach beyond those with. Tuned, unrecorded."""
LOWEST, HIGHEST = 0.5, 1.3
"""Floors are sought from this part of the median height of points below to this part of the greatest height.
Tuned, unrecorded."""
DISPARITY_SIGMA = 0.3
"""Standard error of a match [working px]. Tuned, unrecorded."""
TELLING = 0.05
"""Relative depth error up to which a depth is worth having. Tuned, unrecorded."""
WIDEST_DISPARITY = 0.35
"""Without shared points: a view's nearest depth shifts by this fraction of the image width in its nearest neighbour.
Tuned, unrecorded."""
GUESSED_DISTANCES = (4.0, 8.0, 16.0, 32.0)
"""Without shared points: distances of stand-in points, in baselines of the nearest neighbour. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What one view is compared with."""

    sources: tuple[int, ...]
    """Views it is compared with, best first."""
    confirming: tuple[int, ...]
    """Those and more: views whose depth may confirm or contradict its own."""
    near: float
    """Nearest depth to search [capture units]."""
    far: float
    """Depth up to which parallax tells enough [capture units]."""
    heights: tuple[float, float]
    """Least and greatest distance of level planes to search, above or below the camera [capture units]."""


def choose_neighbours(
    cameras: CameraPath,
    sparse: SparsePoints | None,
    used: tuple[int, ...],
    *,
    count: int,
    confirming: int,
    up: Float64[np.ndarray, "3"],
    min_depth: float,
    max_depth: float | None,
) -> dict[int, Neighbours]:
    """Sources and depth range of every used view.

    Views are ranked by the points they share, each weighed by the angle it is seen under from both; not by their order.

    Args:
        cameras: At working size, all views.
        sparse: Shared points; None: geometry alone decides, with points put at guessed distances.
        used: Views to consider, as targets and as sources.
        count: Sources a view at most.
        confirming: Views that may confirm it, at most; no fewer than the sources.
        up: Unit vector against gravity, as well as it is known.
        min_depth: Nearest allowed depth [capture units].
        max_depth: Farthest allowed depth [capture units]; None: as far as parallax tells.
    """
    points = sparse.points if sparse is not None and len(sparse.points) else _stand_ins(cameras, used)
    sightings = _sightings(cameras, sparse, points, used)
    out: dict[int, Neighbours] = {}
    for view in used:
        weights = {other: _weights(cameras, points, sightings, view, other) for other in used if other != view}
        ranked = _greedy(weights, max(count, confirming))
        sources = ranked[:count]
        baselines = np.linalg.norm(cameras.centres[list(sources)] - cameras.centres[view], axis=1)
        reach = TELLING * float(cameras.K[view, 0, 0]) * float(baselines.max(initial=0.0)) / DISPARITY_SIGMA
        if sparse is not None and len(sightings[view]) >= FEWEST_POINTS:
            near, far = _range(cameras, points, sightings[view], view)
        else:
            shift = WIDEST_DISPARITY * cameras.width
            near, far = float(cameras.K[view, 0, 0]) * float(baselines.min(initial=np.inf)) / shift, reach
        near = max(near, min_depth)
        far = max(min(far, reach if max_depth is None else max_depth), 1.5 * near)
        level = (points[sightings[view]] - cameras.centres[view]) @ up
        heights = _heights(level, near, far, measured=sparse is not None)
        out[view] = Neighbours(sources=sources, confirming=ranked, near=near, far=far, heights=heights)
    return out


def _stand_ins(cameras: CameraPath, used: tuple[int, ...]) -> Float64[np.ndarray, "p 3"]:
    """A grid of pixels of every view, at several guessed distances."""
    centres = cameras.centres[list(used)]
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    baseline = float(np.median(gaps.min(axis=1)))
    u, v = np.meshgrid((np.arange(8) + 0.5) / 8 * cameras.width, (np.arange(6) + 0.5) / 6 * cameras.height)
    out = []
    for view in used:
        K, c2w = cameras.K[view], cameras.c2w[view]
        rays = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)], axis=-1).reshape(-1, 3)
        out += [rays * (distance * baseline) @ c2w[:3, :3].T + c2w[:3, 3] for distance in GUESSED_DISTANCES]
    return np.concatenate(out)


def _sightings(
    cameras: CameraPath, sparse: SparsePoints | None, points: Float64[np.ndarray, "p 3"], used: tuple[int, ...]
) -> dict[int, np.ndarray]:
    """Rows of ``points`` each view sees, sorted."""
    if sparse is not None and len(sparse.points):
        return {view: np.unique(sparse.point_index[sparse.view_index == view]) for view in used}
    w2c, seen = cameras.w2c, {}
    for view in used:
        uv, z = project(points, cameras.K[view], w2c[view])
        inside = (z > 0) & (uv > 0).all(axis=1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height)
        seen[view] = np.flatnonzero(inside)
    return seen


def _weights(
    cameras: CameraPath, points: Float64[np.ndarray, "p 3"], sightings: dict[int, np.ndarray], view: int, other: int
) -> Float64[np.ndarray, "s"]:
    """How well ``other`` tells the depth of every point that ``view`` sees, 0..1: by the angle between their rays."""
    seen = points[sightings[view]]
    a, b = seen - cameras.centres[view], seen - cameras.centres[other]
    cosine = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
    angle = np.arccos(np.clip(cosine, -1, 1))
    spread = np.where(angle < BEST_ANGLE, TIGHT, WIDE)
    shared = np.isin(sightings[view], sightings[other], assume_unique=True)
    return np.where(shared, np.exp(-((angle - BEST_ANGLE) ** 2) / (2 * spread**2)), 0.0)


def _greedy(weights: dict[int, np.ndarray], count: int) -> tuple[int, ...]:
    """Best first: the sum over points of their weight, which fades with every source that already covers the point."""
    left = {other: weight for other, weight in weights.items() if weight.any()}
    fresh = np.ones(len(next(iter(weights.values())))) if weights else np.zeros(0)
    taken: list[int] = []
    while left and len(taken) < count:
        best = max(left, key=lambda other: (round(float(left[other] @ fresh), 9), -other))
        taken.append(best)
        fresh *= 1 - FADE * left.pop(best)
    return tuple(taken)


def _range(
    cameras: CameraPath, points: Float64[np.ndarray, "p 3"], seen: Int[np.ndarray, "s"], view: int
) -> tuple[float, float]:
    """Nearest and farthest depth worth searching: from the view's own points, and from all that lie in its picture."""
    uv, z = project(points, cameras.K[view], cameras.w2c[view])
    inside = (z > 0) & (uv > 0).all(axis=1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height)
    near = float(np.quantile(z[seen], NEAR_QUANTILE)) * NEARER
    return near, float(np.quantile(z[inside], FAR_QUANTILE)) * FARTHER


def _heights(level: Float64[np.ndarray, "s"], near: float, far: float, *, measured: bool) -> tuple[float, float]:
    """Distances between which floors and ceilings lie, from the heights of a view's points over its camera."""
    below = -level[level < 0]
    if not measured or len(below) < FEWEST_POINTS:
        return 0.2 * near, 0.5 * far
    least = LOWEST * float(np.median(below))
    return least, max(HIGHEST * float(np.quantile(np.abs(level), FAR_QUANTILE)), 2 * least)
