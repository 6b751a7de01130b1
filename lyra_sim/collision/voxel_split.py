"""Convex pieces straight from voxels: cut where the hulls shrink most, until none reaches into measured free air.

Used to take large merged lumps apart before CoACD sees them, to mend CoACD's pieces that plug space seen to be free, and
where CoACD fails: it needs no mesh, and its stopping rule is the thing we care about. Greedy binary cuts along the grid
axes, in the spirit of approximate convex decomposition (Lien and Amato 2004) with known-free voxels as the concavity.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial import ConvexHull, QhullError

from lyra_sim.collision.components import voxel_corners
from lyra_sim.data.grid import FREE, FreeSpace

CUTS_PER_AXIS = 7
"""Evenly spaced cut positions tried along each axis."""
SLACK_VOXELS = 2
SLACK_SHARE = 0.01
"""A piece may hold this many free voxels, or this share of its volume, before it is cut."""
MERGE_GAP = 0.3
"""Things farther apart than this stay two [m]."""
MERGE_TRIES = 3
"""Neighbours a part is tried with."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Voxels, a convex point set that covers them, and how much known-free air its hull holds."""

    indices: Int64[np.ndarray, "n 3"]
    points: Float64[np.ndarray, "m 3"]
    """Corners of its hull [m]."""
    volume: float
    """Of the hull [m^3]."""
    intrusion: int
    """Measured-free voxel centres deeper inside the hull than the tolerance."""

    def intrudes(self, voxel_size: float) -> bool:
        return self.intrusion > max(SLACK_VOXELS, SLACK_SHARE * self.volume / voxel_size**3)


def part_of_voxels(indices: np.ndarray, free_space: FreeSpace, *, depth: float) -> Part:
    """The hull of whole voxels; ``depth`` is the tolerance for free air inside [m]."""
    return _part(np.asarray(indices), voxel_corners(indices, free_space), free_space, depth)


def part_of_points(points: np.ndarray, indices: np.ndarray, free_space: FreeSpace, *, depth: float) -> Part | None:
    """The hull of given points, with those of the voxels that lie in it; None if the points span no volume."""
    try:
        hull = ConvexHull(points)
    except QhullError:
        return None
    centres = free_space.centres(indices)
    inside = (centres @ hull.equations[:, :3].T + hull.equations[:, 3] <= free_space.voxel_size / 2).all(axis=1)
    return _part(indices[inside], np.asarray(points, np.float64), free_space, depth)


def refine(parts: Sequence[Part], free_space: FreeSpace, *, depth: float, budget: int, min_volume: float = 0.0) -> list[Part]:
    """Cut the part that intrudes most, again and again, until none does or ``budget`` parts are reached.

    Parts whose hull is no larger than ``min_volume`` [m^3] are left as they are.
    """
    heap = [(-part.intrusion, number, part) for number, part in enumerate(parts)]
    heapq.heapify(heap)
    number = len(parts)
    finished: list[tuple[int, Part]] = []
    while heap and len(heap) + len(finished) < budget:
        _, key, worst = heapq.heappop(heap)
        wanted = worst.volume > min_volume and worst.intrudes(free_space.voxel_size)
        halves = cut(worst, free_space, depth=depth) if wanted else None
        if halves is None:
            finished.append((key, worst))
            continue
        for half in halves:
            heapq.heappush(heap, (-half.intrusion, number, half))
            number += 1
    finished += [(key, part) for _, key, part in heap]
    return [part for _, part in sorted(finished, key=lambda row: row[0])]


def merged(parts: Sequence[Part], free_space: FreeSpace, *, depth: float) -> list[Part]:
    """Parts joined to a larger neighbour where one hull around both holds no more known-free air than it may.

    Noisy depth breaks one thing into many; each would cost a hull. The smallest are asked first, the nearest larger part
    is tried, and order is kept.
    """
    whole = dict(enumerate(parts))
    boxes = {number: (part.points.min(axis=0), part.points.max(axis=0)) for number, part in whole.items()}
    for number in sorted(whole, key=lambda key: (whole[key].volume, -key)):
        part = whole[number]
        gaps = {
            other: float(
                np.linalg.norm(
                    np.maximum(np.maximum(boxes[other][0] - boxes[number][1], boxes[number][0] - boxes[other][1]), 0)
                )
            )
            for other in whole
            if other != number and whole[other].volume >= part.volume and not whole[other].intrudes(free_space.voxel_size)
        }
        for other in sorted((key for key in gaps if gaps[key] <= MERGE_GAP), key=lambda key: (gaps[key], key))[:MERGE_TRIES]:
            both = part_of_voxels(np.concatenate([whole[other].indices, part.indices]), free_space, depth=depth)
            if not both.intrudes(free_space.voxel_size):
                whole[other], boxes[other] = both, (both.points.min(axis=0), both.points.max(axis=0))
                del whole[number]
                break
    return [whole[number] for number in sorted(whole)]


def cut(part: Part, free_space: FreeSpace, *, depth: float) -> tuple[Part, Part] | None:
    """The axis cut with the smallest sum of hull volumes, or None if the part is one voxel thick everywhere."""
    if not len(part.indices):
        return None
    best: tuple[float, np.ndarray] | None = None
    for axis in range(3):
        values = part.indices[:, axis]
        low, high = int(values.min()), int(values.max())
        cuts = np.unique(np.round(np.linspace(low, high + 1, min(CUTS_PER_AXIS, high - low) + 2)[1:-1]).astype(int))
        for position in cuts:
            below = values < position
            if below.all() or not below.any():
                continue
            hulls = [ConvexHull(voxel_corners(part.indices[side], free_space)) for side in (below, ~below)]
            total = float(hulls[0].volume + hulls[1].volume)
            if best is None or total < best[0] * (1 - 1e-9):
                best = (total, below)
    if best is None:
        return None
    return (
        part_of_voxels(part.indices[best[1]], free_space, depth=depth),
        part_of_voxels(part.indices[~best[1]], free_space, depth=depth),
    )


def _part(indices: np.ndarray, points: np.ndarray, free_space: FreeSpace, depth: float) -> Part:
    hull = ConvexHull(points)
    corners = points[np.sort(hull.vertices)]
    return Part(
        indices=indices, points=corners, volume=float(hull.volume), intrusion=_free_inside(hull, corners, free_space, depth)
    )


def _free_inside(hull: ConvexHull, points: np.ndarray, free_space: FreeSpace, depth: float) -> int:
    """How many measured-free voxel centres lie more than ``depth`` [m] inside the hull."""
    shape = np.array(free_space.states.shape)
    low = np.clip(free_space.indices(points.min(axis=0)[None])[0], 0, shape)
    high = np.clip(free_space.indices(points.max(axis=0)[None])[0] + 1, 0, shape)
    window = free_space.states[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    centres = free_space.centres(np.argwhere(window == FREE) + low)
    for plane in np.unique(np.round(hull.equations, 9), axis=0):
        centres = centres[centres @ plane[:3] + plane[3] < -depth]
        if not len(centres):
            break
    return len(centres)
