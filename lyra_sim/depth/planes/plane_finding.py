"""Planes of a scene from its measured depth: floors and ceilings across ``up``, walls along it.

Peaks are sought by Hough voting over azimuth and offset (Hough 1962), where points whose neighbourhood tells a normal vote
only for it, and refined by least squares on their inliers. A blank wall is measured only along its rims; upright planes
gather the line at the floor, the line at the ceiling and the pictures between, which no local fit would join.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int8

from lyra_sim.depth.planes.plane_finding_kernels import vote_upright
from lyra_sim.geometry.cameras import CameraPath

TOLERANCE = 0.012
"""Distance from a plane that still counts as on it, over the depth it was measured at. Tuned, unrecorded."""
CELL = 0.015
"""Points are merged in cells of this size, over the median depth of the scene. Tuned, unrecorded."""
SAMPLES_PER_VIEW = 4000
"""Points of a view that planes are sought in. Convention."""
SURE_NORMAL = np.radians(25.0)
"""Local normals are believed to this angle. Tuned, unrecorded."""
UNSURE_WEIGHT = 0.25
"""Vote of a point that has no normal. Tuned, unrecorded."""
MIN_CELLS = 120
"""A plane needs this weight of merged points. Tuned, unrecorded."""
MAX_PLANES = 40
"""Of a scene. Convention."""
AZIMUTHS = 120
"""Headings of upright planes that are tried. Convention."""


@dataclass(frozen=True, kw_only=True)
class ScenePlane:
    """``normal . x = offset`` in the capture frame, seen from either side."""

    normal: Float64[np.ndarray, "3"]
    offset: float
    points: Float64[np.ndarray, "n 3"]
    """Merged measured points on it."""


@dataclass(frozen=True, kw_only=True)
class ScenePoints:
    """Measured points of all views, merged in cells."""

    points: Float64[np.ndarray, "n 3"]
    normals: Float64[np.ndarray, "n 3"]
    """Unit; NaN where the neighbourhood told none."""
    depths: Float64[np.ndarray, "n"]
    """Least depth that the cell was measured at: noise grows with it."""
    cell: float
    scene_depth: float
    """Median measured depth: the scene's own unit of length."""


def gather_points(
    cameras: CameraPath,
    z_depths: Sequence[Float32[np.ndarray, "h w"]],
    view_normals: Sequence[Int8[np.ndarray, "h w 3"]],
    *,
    seed: int,
) -> ScenePoints | None:
    """Sample every view's measured pixels and merge what falls into one cell; None when nothing was measured."""
    rng = np.random.default_rng(seed)
    points, normals, depths = [], [], []
    for index, z_depth in enumerate(z_depths):
        vs, us = np.nonzero(z_depth > 0)
        if not len(vs):
            continue
        kept = np.sort(rng.choice(len(vs), min(SAMPLES_PER_VIEW, len(vs)), replace=False))
        vs, us = vs[kept], us[kept]
        K, c2w = cameras.K[index], cameras.c2w[index]
        local = view_normals[index][vs, us].astype(np.float64)
        local[~local.any(axis=1)] = np.nan
        local /= np.linalg.norm(local, axis=1, keepdims=True)
        z = z_depth[vs, us].astype(np.float64)
        rays = np.stack([(us + 0.5 - K[0, 2]) / K[0, 0], (vs + 0.5 - K[1, 2]) / K[1, 1], np.ones(len(vs))], axis=1)
        points.append((rays * z[:, None]) @ c2w[:3, :3].T + c2w[:3, 3])
        normals.append(local @ c2w[:3, :3].T)
        depths.append(z)
    if not points:
        return None
    every, normal, depth = np.concatenate(points), np.concatenate(normals), np.concatenate(depths)
    scene_depth = float(np.median(depth))
    cell = CELL * scene_depth
    keys = np.floor(every / cell).astype(np.int64)
    keys -= keys.min(axis=0)
    spans = keys.max(axis=0) + 1
    flat = (keys[:, 0] * spans[1] + keys[:, 1]) * spans[2] + keys[:, 2]
    order = np.lexsort((depth, np.isnan(normal[:, 0]), flat))
    first = order[np.r_[True, np.diff(flat[order]) > 0]]
    return ScenePoints(points=every[first], normals=normal[first], depths=depth[first], cell=cell, scene_depth=scene_depth)


def refine_up(scene: ScenePoints, up: Float64[np.ndarray, "3"], *, seed: int) -> Float64[np.ndarray, "3"]:
    """``up`` corrected to the normal of the largest level surface (RANSAC, Fischler & Bolles 1981), if there is one."""
    level = np.abs(scene.normals @ up) > np.cos(np.radians(20.0))
    points, depths = scene.points[level], scene.depths[level]
    if len(points) < MIN_CELLS:
        return up
    rng = np.random.default_rng(seed)
    best, best_count = up, 0
    thin = rng.choice(len(points), min(len(points), 3000), replace=False)
    sample, reach = points[thin], TOLERANCE * depths[thin]
    for _ in range(200):
        a, b, c = sample[rng.choice(len(sample), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-12 or abs(normal @ up) < np.cos(np.radians(12.0)) * length:
            continue
        normal /= length
        count = int((np.abs((sample - a) @ normal) < reach).sum())
        if count > best_count:
            best, best_count, origin = normal, count, a
    if best_count < 0.1 * len(sample):
        return up
    for _ in range(4):
        inlier = np.abs((points - origin) @ best) < TOLERANCE * depths
        best, origin = _fit(points[inlier])
    return best * np.sign(best @ up)


def _fit(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal and centre of the least-squares plane."""
    centre = points.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((points - centre).T))
    return vectors[:, 0], centre


def find_planes(scene: ScenePoints, up: Float64[np.ndarray, "3"]) -> list[ScenePlane]:
    """Level planes first, then upright ones from strong to weak."""
    level, left = _level_planes(scene, up)
    return (level + _upright_planes(scene, up, left))[:MAX_PLANES]


def _level_planes(scene: ScenePoints, up: np.ndarray) -> tuple[list[ScenePlane], np.ndarray]:
    """Peaks of the heights, and which points are left for walls."""
    height = scene.points @ up
    tilt = np.abs(scene.normals @ up)
    known = np.isfinite(tilt)
    weight = np.where(known, tilt > np.cos(SURE_NORMAL), UNSURE_WEIGHT)
    left = np.ones(len(height), bool)
    planes: list[ScenePlane] = []
    low, step = height.min() - scene.cell, scene.cell
    bins = ((height - low) / step).astype(int)
    while len(planes) < MAX_PLANES // 2:
        votes = np.convolve(np.bincount(bins, weight * left), [0.5, 1, 0.5], mode="same")
        offset = low + (int(np.argmax(votes)) + 0.5) * step
        for _ in range(4):
            on = left & (weight > 0) & (np.abs(height - offset) < TOLERANCE * scene.depths)
            if not on.any():
                break
            offset = float(np.average(height[on], weights=weight[on] / scene.depths[on] ** 2))
        if not on.any() or weight[on].sum() < MIN_CELLS:
            break
        planes.append(ScenePlane(normal=up.copy(), offset=offset, points=scene.points[on]))
        left &= ~(on | (np.abs(height - offset) < TOLERANCE * scene.depths) & known & (tilt > np.cos(SURE_NORMAL)))
    return planes, left


def _upright_planes(scene: ScenePoints, up: np.ndarray, left: np.ndarray) -> list[ScenePlane]:
    east = np.cross(up, np.eye(3)[int(np.argmin(np.abs(up)))])
    east /= np.linalg.norm(east)
    frame = np.stack([east, np.cross(up, east)])
    xy, flat = scene.points @ frame.T, scene.normals @ frame.T
    tilt = np.abs(scene.normals @ up)
    # at a wall's rim the window of the normal lies on the floor: what stands off the floor is not believed to be level
    known = tilt < np.sin(SURE_NORMAL)
    heading = np.where(known, np.arctan2(flat[:, 1], flat[:, 0]), np.nan)
    weight = np.where(known, 1.0, UNSURE_WEIGHT) * left
    reach, step = float(np.linalg.norm(xy, axis=1).max()), scene.cell
    low = -reach - 2 * step
    votes = np.zeros((AZIMUTHS, int(2 * reach / step) + 6))
    vote_upright(votes, xy, heading, weight, low, step, SURE_NORMAL, 1.0)
    planes: list[ScenePlane] = []
    while len(planes) < MAX_PLANES:
        way, column = np.unravel_index(int(np.argmax(votes)), votes.shape)
        angle, offset = np.pi * way / AZIMUTHS, low + column * step
        normal = np.array([np.cos(angle), np.sin(angle)])
        on = np.zeros(len(xy), bool)
        for band in (2.0, 1.5, 1.0, 1.0):
            alike = ~known | (np.abs(flat @ normal) > np.cos(SURE_NORMAL + 0.1))
            on = (weight > 0) & alike & (np.abs(xy @ normal - offset) < band * TOLERANCE * scene.depths)
            if weight[on].sum() < 20:
                break
            normal, fitted = _fit_line(xy[on], weight[on] / scene.depths[on] ** 2, normal)
            offset = np.float64(fitted)
        if weight[on].sum() < 20:
            votes[way, column] = 0
            if votes.max() < 20:
                break
            continue
        if weight[on].sum() < MIN_CELLS * 0.5:
            break
        planes.append(ScenePlane(normal=normal @ frame, offset=offset, points=scene.points[on]))
        near = (weight > 0) & (np.abs(xy @ normal - offset) < 1.5 * TOLERANCE * scene.depths)
        near &= ~known | (np.abs(flat @ normal) > np.cos(SURE_NORMAL + 0.1))
        vote_upright(votes, xy[near], heading[near], weight[near], low, step, SURE_NORMAL, -1.0)
        weight[near] = 0
    return planes


def _fit_line(xy: np.ndarray, weight: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, float]:
    """Least-squares line ``normal . xy = offset``; keeps the normal when the points hardly extend along the line."""
    centre = np.average(xy, axis=0, weights=weight)
    values, vectors = np.linalg.eigh(np.cov((xy - centre).T, aweights=weight))
    if values[1] > 9 * values[0]:
        normal = vectors[:, 0] * np.sign(vectors[:, 0] @ normal)
    return normal, float(centre @ normal)
