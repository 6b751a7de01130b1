"""Ways between levels: ramps of up to about 20 degrees as sloped floors, stairs as one level floor a tread.

Furniture has slopes and small level tops too. A ramp therefore has to start at a known floor, and a step has to lie within a
step's height of a floor or of another step, in a flight that can be walked up from the main floor: of at least two steps, or of
one that joins two levels.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage
from scipy.spatial import cKDTree

from lyra_sim.collision.measured.surface_samples import SurfaceSamples, clusters
from lyra_sim.collision.planes.plane import INLIER_DISTANCE, SAMPLE_AREA, Plane

MIN_SLOPE, MAX_SLOPE = np.tan(np.radians(3.0)), np.tan(np.radians(20.5))
"""Rise over run of a ramp. Less is a floor that leans. Convention."""
SLOPE_BIN = 0.03
"""Width of a bin of the vote on slopes. Convention."""
MIN_RAMP_AREA, MIN_RAMP_WIDTH, MIN_RAMP_RISE = 0.5, 0.4, 0.1
"""Of a ramp: area [m^2], width [m] and rise [m]. Tuned on the AWS worlds."""
ALIKE = float(np.radians(7.0))
"""Samples of a ramp face at most this much away from its normal [rad], and less than the floor it leads off from.
Tuned on the AWS worlds."""
LANDING = 0.12
"""A ramp's lower end comes this near to a floor, in height and in plan [m]; a seat's doesn't. Tuned on the AWS worlds."""
MIN_TREAD_AREA = 0.1
"""Of a step [m^2]. Tuned on the AWS worlds."""
MIN_RISER, MAX_RISER = 0.04, 0.26
"""Heights from one step to the next [m]. Convention."""
TREAD_GAP = 0.15
"""Steps further apart in plan don't follow one another [m]. Tuned on the AWS worlds."""
JOIN = 0.12
"""Samples this near to one another are one surface [m]. Tuned on the AWS worlds."""


def with_ramps_and_steps(levels: Sequence[Plane], samples: SurfaceSamples) -> list[Plane]:
    """The levels, less those that were slices of a ramp, then ramps by falling area, then steps from low to high."""
    upward = samples.normals[:, 2] > 0.9
    points, normals = samples.points[upward], samples.normals[upward]
    ramps = _ramps(points, normals, levels)
    kept = []
    for level in levels:
        nearer = np.zeros(len(level.points), bool)
        for ramp in ramps:
            nearer |= _near(level.points, ramp) & (np.abs(ramp.distance(level.points)) < np.abs(level.distance(level.points)))
        if level is levels[0] or nearer.mean() < 0.5:
            kept.append(replace(level, points=level.points[~nearer]))
    taken = np.zeros(len(points), bool)
    for plane in (*kept, *ramps):
        taken |= _near(points, plane)
    flat = ~taken & (normals[:, 2] > 0.94)
    return [*kept, *ramps, *_steps(points[flat], kept)]


def _near(points: np.ndarray, plane: Plane) -> Bool[np.ndarray, "n"]:
    """Points that lie on the plane where it was seen."""
    on = np.abs(plane.distance(points)) < 1.5 * INLIER_DISTANCE
    if on.any():
        gap, _ = cKDTree(plane.points[:, :2]).query(points[on, :2])
        on[on] = gap < JOIN
    return on


def _ramps(points: np.ndarray, normals: np.ndarray, levels: Sequence[Plane]) -> list[Plane]:
    """Sloped planes by votes on the slope of single samples (Hough 1962), then least squares over what lies on them."""
    slope = -normals[:, :2] / normals[:, 2:]
    steep = np.linalg.norm(slope, axis=1)
    left = (steep > MIN_SLOPE) & (steep < 1.2 * MAX_SLOPE)
    found: list[Plane] = []
    for _ in range(40):
        if left.sum() * SAMPLE_AREA < MIN_RAMP_AREA / 2:
            break
        bins = np.floor(slope / SLOPE_BIN).astype(int) + 20
        votes = np.zeros((42, 42))
        np.add.at(votes, tuple(np.clip(bins[left], 1, 40).T), 1.0)
        votes = ndimage.uniform_filter(votes, 3)
        peak = np.array(np.unravel_index(int(votes.argmax()), votes.shape))
        alike = np.flatnonzero(left & (np.abs(np.clip(bins, 1, 40) - peak).max(axis=1) <= 1))
        if len(alike) * SAMPLE_AREA < MIN_RAMP_AREA / 2:
            break
        left[alike] = False
        for group in clusters(points[alike], (JOIN, JOIN, JOIN)):
            if len(group) * SAMPLE_AREA < MIN_RAMP_AREA / 2:
                break
            ramp = _fitted(points[alike[group]], points, normals)
            if (
                ramp is not None
                and _is_ramp(ramp, levels)
                and not any(_near(ramp.points, other).mean() > 0.3 for other in found)
            ):
                found.append(ramp)
                left &= ~_near(points, ramp)
    return sorted(found, key=lambda ramp: -ramp.area)


def _fitted(seed: np.ndarray, points: np.ndarray, normals: np.ndarray) -> Plane | None:
    """Plane through a seed and all that goes on in it and faces its way: the floors at its ends would tilt it."""
    chosen = seed
    for _ in range(5):
        centre = chosen.mean(axis=0)
        normal = np.linalg.svd(chosen - centre, full_matrices=False)[2][2]
        normal = normal * np.sign(normal[2])
        offset = float(centre @ normal)
        alike = normals @ normal > np.cos(min(ALIKE, 0.6 * float(np.arccos(min(normal[2], 1.0)))))
        near = points[(np.abs(points @ normal - offset) < INLIER_DISTANCE) & alike]
        groups = clusters(near, (JOIN, JOIN, JOIN))
        if not groups:
            return None
        chosen = near[groups[0]]
        if len(chosen) * SAMPLE_AREA < MIN_RAMP_AREA:
            return None
    return Plane(kind="floor", role="ramp", normal=normal, offset=offset, points=chosen)


def _is_ramp(ramp: Plane, levels: Sequence[Plane]) -> bool:
    """Steep, wide and high enough, and its foot is at a floor."""
    run = float(np.linalg.norm(ramp.normal[:2]))
    rise = run / float(ramp.normal[2])
    if not MIN_SLOPE < rise < MAX_SLOPE:
        return False
    uphill = -ramp.normal[:2] / run
    along, across = ramp.points[:, :2] @ uphill, ramp.points[:, :2] @ np.array([-uphill[1], uphill[0]])
    length, width = (float(np.diff(np.percentile(side, [2, 98]))[0]) for side in (along, across))
    if width < MIN_RAMP_WIDTH or length * rise < MIN_RAMP_RISE:
        return False
    foot = ramp.points[along < along.min() + 0.15]
    for level in levels:
        heights = (level.offset - foot[:, :2] @ level.normal[:2]) / level.normal[2]
        close = np.abs(foot[:, 2] - heights) < LANDING
        if close.any():
            gap, _ = cKDTree(level.points[:, :2]).query(foot[close, :2])
            if gap.min() < 2 * LANDING:
                return True
    return False


def _steps(points: np.ndarray, levels: Sequence[Plane]) -> list[Plane]:
    """Level patches that follow one another up or down from a level."""
    treads: list[Float64[np.ndarray, "_ 3"]] = []
    for group in clusters(points, (0.075, 0.075, 0.025)):
        patch = points[group]
        middle = float(np.median(patch[:, 2]))
        patch = patch[np.abs(patch[:, 2] - middle) < INLIER_DISTANCE]
        if len(patch) * SAMPLE_AREA >= MIN_TREAD_AREA and len(patch) > 0.8 * len(group):
            treads.append(patch)
    trees = [cKDTree(patch[:, :2]) for patch in [*(level.points for level in levels), *treads]]
    heights = [level.height for level in levels] + [float(patch[:, 2].mean()) for patch in treads]
    follows: dict[int, set[int]] = {i: set() for i in range(len(heights))}
    for i in range(len(levels), len(heights)):
        for j in range(i):
            if MIN_RISER < abs(heights[i] - heights[j]) < MAX_RISER:
                gap, _ = trees[j].query(trees[i].data)
                if gap.min() < TREAD_GAP:
                    follows[i].add(j)
                    follows[j].add(i)
    flights = _flights(follows, len(levels))
    chosen = sorted(
        (i - len(levels) for flight in flights for i in flight), key=lambda k: (heights[len(levels) + k], *treads[k][0])
    )
    up = np.array([0.0, 0.0, 1.0])
    return [Plane(kind="floor", role="step", normal=up, offset=float(treads[k][:, 2].mean()), points=treads[k]) for k in chosen]


def _flights(follows: dict[int, set[int]], level_count: int) -> list[list[int]]:
    """Groups of treads that follow one another from a level that can be got to: two or more, or one between two levels."""
    groups: list[tuple[list[int], set[int]]] = []
    waiting = sorted(number for number in follows if number >= level_count)
    while waiting:
        group, edge = {waiting[0]}, [waiting[0]]
        while edge:
            grown = {number for number in follows[edge.pop()] if number >= level_count} - group
            group |= grown
            edge += sorted(grown)
        waiting = [number for number in waiting if number not in group]
        ends = {number for tread in group for number in follows[tread] if number < level_count}
        if ends and (len(group) >= 2 or len(ends) >= 2):
            groups.append((sorted(group), ends))
    reached, flights = {0}, []
    while found := [row for row in groups if row[1] & reached]:
        flights += [group for group, _ in found]
        reached = reached.union(*[ends for _, ends in found])
        groups = [row for row in groups if not row[1] & reached]
    return flights
