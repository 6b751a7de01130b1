"""Floors, ceilings and walls as planes, found in the measured surface and fitted far below the voxel size.

Peaks are sought by Hough voting over normals and offsets (Hough 1962; with normals, Borrmann et al. 2011), which has
no random part; every peak is then refined by least squares on its inliers. Only faces that were seen take part, so
a frontier of unseen space can never pass for a wall.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int64

from lyra_sim.collision.measured.surface_samples import SurfaceSamples, clusters, sample_seen
from lyra_sim.collision.planes.plane import INLIER_DISTANCE, SAMPLE_AREA, Plane
from lyra_sim.collision.planes.ramps import with_ramps_and_steps
from lyra_sim.data.grid import FREE, UNSEEN, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.errors import GeometryError

ALIKE = 25.0
"""Samples whose normals turn from a plane's by more than this aren't on it [degrees]. Tuned on the AWS worlds."""
MIN_FLOOR_AREA = 1.0
"""The main floor needs this much seen area [m^2]. Tuned, unrecorded."""
MIN_LEVEL_AREA = 2.0
"""A further level that a camera was carried over needs this much seen area [m^2] … Tuned, unrecorded."""
MIN_UNVISITED_LEVEL_AREA = 6.0
"""… and one that no camera was carried over this much, so that beds and table tops stay clutter. Tuned, unrecorded."""
PATCH_GAP = 0.15
"""Tops of boxes further apart than this aren't one level, however many are equally high [m]. Tuned on the AWS worlds."""
CARRIED = 0.25
"""Over a level that was walked on, cameras are this nearly as high as over the main floor [m]; over a bed they aren't.
Tuned on the AWS worlds."""
MIN_WALL_AREA = 0.4
"""A wall needs this much seen area [m^2] … Tuned, unrecorded."""
MIN_WALL_HEIGHT = 1.2
"""… over at least this height [m] … Tuned, unrecorded."""
MIN_WALL_TOP = 1.6
"""… and up to this height above its floor [m]. Tuned, unrecorded."""
MIN_WALL_FILL = 0.12
"""Share of a wall's own bounding rectangle that must be seen; less is clutter that happens to line up. Tuned, unrecorded."""
WALL_GAP = 0.8
"""Collinear pieces further apart than this are fitted as walls of their own [m]. Tuned, unrecorded."""


def find_planes(mesh: TriMesh, free_space: FreeSpace, camera_centres: np.ndarray) -> tuple[Plane, ...]:
    """Main floor first, then other levels from low to high, ramps, steps, ceilings, and walls from large to small.

    Args:
        mesh: Closed surface; only ``face_seen`` faces are used.
        free_space: Tells furniture (free air seen above and behind it) from walls.
        camera_centres: World positions [m]; a level a camera was carried over is a floor, not a table.

    Raises:
        GeometryError: No measured horizontal surface near z = 0 is large enough to be the floor.
    """
    samples = sample_seen(mesh, area=SAMPLE_AREA)
    floors = _floors(samples, np.asarray(camera_centres, np.float64), free_space.voxel_size)
    ceilings = _horizontal(samples, -1.0, min_area=1.5, least_rise=free_space.voxel_size)
    ceilings = [plane for plane in ceilings if plane.height > floors[0].height + 1.8]
    walls = [wall for wall in _walls(samples, floors) if not _is_furniture(wall, free_space)]
    return (*with_ramps_and_steps(floors, samples), *ceilings, *walls)


def _floors(samples: SurfaceSamples, camera_centres: np.ndarray, voxel_size: float) -> list[Plane]:
    levels = _horizontal(samples, 1.0, min_area=MIN_FLOOR_AREA, least_rise=voxel_size)
    near_zero = [plane for plane in levels if abs(plane.height) < 0.3]
    if not near_zero:
        found = ", ".join(f"{plane.area:.1f} m^2 at z = {plane.height:.2f} m" for plane in levels) or "none"
        raise GeometryError(
            "collide",
            f"no floor: upward surfaces of at least {MIN_FLOOR_AREA:g} m^2 are {found}",
            expected="the main floor within 0.3 m of z = 0",
            likely="The floor was hardly seen, or align put it at the wrong height.",
        )
    main = max(near_zero, key=lambda plane: plane.area)
    others = []
    carried = float(np.median(camera_centres[:, 2])) - main.height if len(camera_centres) else 0.0
    for plane in levels:
        if plane is main or abs(plane.height - main.height) < 0.06:
            continue
        visited = False
        if len(camera_centres):
            gap = np.linalg.norm(camera_centres[:, None, :2] - plane.points[None, ::4, :2], axis=2).min(axis=1)
            above = camera_centres[gap < 0.25, 2] - plane.height
            above = above[(above > 0.9) & (above < 2.2)]
            visited = len(above) >= 2 and abs(float(np.median(above)) - carried) < CARRIED
        patch = len(clusters(plane.points, (PATCH_GAP, PATCH_GAP, PATCH_GAP))[0]) * SAMPLE_AREA
        if patch >= (MIN_LEVEL_AREA if visited else MIN_UNVISITED_LEVEL_AREA):
            others.append(plane)
    return [main, *sorted(others, key=lambda plane: plane.height)]


def _horizontal(samples: SurfaceSamples, sign: float, *, min_area: float, least_rise: float) -> list[Plane]:
    """Planes whose normal is within about 6 degrees of ``sign`` * z, largest first.

    One that rises by less than ``least_rise`` [m] from end to end is level: the voxels can't tell, and a ball would.
    """
    points = samples.points[samples.normals[:, 2] * sign > 0.94]
    planes: list[Plane] = []
    while len(points) * SAMPLE_AREA >= min_area:
        low = points[:, 2].min() - 0.05
        votes = np.bincount(((points[:, 2] - low) / 0.01).astype(int))
        height = low + (np.argmax(np.convolve(votes, np.ones(7), mode="same")) + 0.5) * 0.01
        slope = np.array([0.0, 0.0, height])
        for band in (0.05, 0.05, 0.05, 0.04, INLIER_DISTANCE, INLIER_DISTANCE, INLIER_DISTANCE):
            rise = points[:, :2] @ slope[:2] + slope[2]
            inlier = np.abs(points[:, 2] - rise) < band
            slope = _fit_slope(points[inlier])
        inlier = np.abs(points[:, 2] - points[:, :2] @ slope[:2] - slope[2]) < 0.05
        if not inlier.any():
            break
        chosen = points[inlier]
        points = points[~inlier]
        if len(chosen) * SAMPLE_AREA < min_area:
            break
        if np.abs(slope[:2]).max() * np.ptp(chosen[:, :2], axis=0).max() < least_rise:
            slope = np.array([0.0, 0.0, float(np.median(chosen[:, 2]))])
            close = np.abs(chosen[:, 2] - slope[2]) < INLIER_DISTANCE
            slope[2] = float(chosen[close, 2].mean())
        normal = sign * np.array([-slope[0], -slope[1], 1.0])
        length = float(np.linalg.norm(normal))
        kind: Literal["floor", "ceiling"] = "floor" if sign > 0 else "ceiling"
        planes.append(Plane(kind=kind, normal=normal / length, offset=sign * float(slope[2]) / length, points=chosen))
    return planes


def _fit_slope(points: np.ndarray) -> np.ndarray:
    """Least-squares (a, b, c) of z = a x + b y + c; level when the points can't tell a slope."""
    if len(points) < 50:
        return np.array([0.0, 0.0, points[:, 2].mean() if len(points) else 0.0])
    centre = points.mean(axis=0)
    rows = points - centre
    if np.linalg.svd(rows[:, :2], compute_uv=False)[-1] / np.sqrt(len(rows)) < 0.1:
        return np.array([0.0, 0.0, centre[2]])
    (a, b), *_ = np.linalg.lstsq(rows[:, :2], rows[:, 2], rcond=None)
    if np.hypot(a, b) > np.tan(np.radians(3.0)):
        return np.array([0.0, 0.0, centre[2]])
    return np.array([a, b, centre[2] - a * centre[0] - b * centre[1]])


def _walls(samples: SurfaceSamples, floors: list[Plane]) -> list[Plane]:
    upright = np.abs(samples.normals[:, 2]) < 0.25
    points, normals = samples.points[upright], samples.normals[upright]
    normals = normals * [1.0, 1.0, 0.0]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    walls: list[Plane] = []
    left = np.ones(len(points), bool)
    votes = _votes(points, normals)
    for _ in range(200):
        inlier, normal, offset = _strongest_upright(points, normals, left, votes)
        if inlier.sum() * SAMPLE_AREA < MIN_WALL_AREA:
            break
        left[inlier] = False
        votes.take_back(inlier)
        for segment in _segments(points[inlier], normal):
            normal_s, offset_s = _fit_upright(segment, normal, offset)
            wall = Plane(kind="wall", normal=normal_s, offset=offset_s, points=segment)
            if _tall_enough(wall, floors):
                walls.append(wall)
    return sorted(walls, key=lambda wall: -wall.area)


@dataclass(frozen=True, kw_only=True)
class _Votes:
    """Votes of samples for vertical planes: 2-degree directions, 4 cm offsets, each sample voting for three directions."""

    cast: Int64[np.ndarray, "n 3"]
    """Where each sample voted, as flat indices."""
    heading: Int64[np.ndarray, "n"]
    """Direction of each sample's normal, in steps of 2 degrees."""
    table: Int64[np.ndarray, "180 width"]
    reach: float
    """Offset of the first column is minus this [m]."""

    def take_back(self, chosen: np.ndarray) -> None:
        self.table.ravel()[:] -= np.bincount(self.cast[chosen].ravel(), minlength=self.table.size)


def _votes(points: np.ndarray, normals: np.ndarray) -> _Votes:
    heading = np.round(np.degrees(np.arctan2(normals[:, 1], normals[:, 0])) / 2).astype(np.int64)
    reach = float(np.abs(points[:, :2]).max(initial=0.0)) * 1.5 + 1.0
    width = int(2 * reach / 0.04) + 2
    bins = (heading[:, None] + np.array([-1, 0, 1])) % 180
    angle = np.radians(bins * 2.0)
    offset = points[:, :1] * np.cos(angle) + points[:, 1:2] * np.sin(angle)
    cast = bins * width + ((offset + reach) / 0.04).astype(np.int64)
    table = np.bincount(cast.ravel(), minlength=180 * width).reshape(180, width)
    return _Votes(cast=cast, heading=heading, table=table, reach=reach)


def _strongest_upright(
    points: np.ndarray, normals: np.ndarray, left: np.ndarray, cast: _Votes
) -> tuple[np.ndarray, np.ndarray, float]:
    """The vertical plane with most votes among the samples that are left, and those that lie on it."""
    empty = np.zeros(len(points), bool)
    if not left.any():
        return empty, np.array([1.0, 0.0, 0.0]), 0.0
    votes, reach = cast.table.copy(), cast.reach
    votes[:, 1:] += cast.table[:, :-1]
    best, column = np.unravel_index(int(np.argmax(votes)), votes.shape)
    angle = np.radians(best * 2.0)
    normal = np.array([np.cos(angle), np.sin(angle), 0.0])
    offset = float(column * 0.04 - reach)
    # Only samples that face about the same way are looked at: a large building has many planes and many samples.
    some = np.flatnonzero(left & (np.abs((cast.heading - best + 90) % 180 - 90) <= ALIKE / 2 + 1))
    alike = some[normals[some] @ normal > np.cos(np.radians(ALIKE))]
    mine = points[alike]
    inlier = np.abs(mine @ normal - offset) < 0.06
    for band in (0.05, 0.04, INLIER_DISTANCE):
        if inlier.sum() < 30:
            return empty, normal, offset
        normal, offset = _fit_upright(mine[inlier], normal, offset)
        inlier = np.abs(mine @ normal - offset) < band
    empty[alike[np.abs(mine @ normal - offset) < 0.045]] = True
    return empty, normal, offset


def _fit_upright(points: np.ndarray, normal: np.ndarray, offset: float) -> tuple[np.ndarray, float]:
    """Vertical least-squares plane through inliers; keeps the direction when they are too narrow to tell one."""
    for _ in range(3):
        near = points[np.abs(points @ normal - offset) < INLIER_DISTANCE]
        if len(near) < 20:
            return normal, offset
        centre = near[:, :2].mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov((near[:, :2] - centre).T))
        if values[1] > 0.1**2 and values[1] > 25 * values[0]:
            fitted = np.array([vectors[0, 0], vectors[1, 0], 0.0])
            normal = fitted * np.sign(fitted @ normal)
        offset = float(centre @ normal[:2])
    return normal, offset


def _segments(points: np.ndarray, normal: np.ndarray) -> list[np.ndarray]:
    """Cut collinear samples where nothing lies for longer than ``WALL_GAP``."""
    along = points @ np.array([-normal[1], normal[0], 0.0])
    order = np.argsort(along, kind="stable")
    cuts = np.flatnonzero(np.diff(along[order]) > WALL_GAP) + 1
    return [points[part] for part in np.split(order, cuts) if len(part) * SAMPLE_AREA >= MIN_WALL_AREA]


def _tall_enough(wall: Plane, floors: list[Plane]) -> bool:
    low, high = np.percentile(wall.points[:, 2], [2, 98])
    below = [floor.height for floor in floors if floor.height < low + 0.3]
    base = max(below) if below else floors[0].height
    width = np.ptp(wall.points @ np.array([-wall.normal[1], wall.normal[0], 0.0]))
    filled = wall.area >= MIN_WALL_FILL * width * (high - low)
    return bool(filled and high - low >= MIN_WALL_HEIGHT and high - base >= MIN_WALL_TOP)


def _is_furniture(wall: Plane, free_space: FreeSpace) -> bool:
    """True when most of what was seen above and just behind the surface is free air: the top of a wardrobe, not a wall."""
    along = np.array([-wall.normal[1], wall.normal[0], 0.0])
    position = wall.points @ along
    column = ((position - position.min()) / 0.1).astype(int)
    tops = np.full(column.max() + 1, -np.inf)
    np.maximum.at(tops, column, wall.points[:, 2])
    filled = np.flatnonzero(np.isfinite(tops))
    foot = (position.min() + (filled + 0.5) * 0.1)[:, None] * along + wall.normal * wall.offset
    seen = open_air = 0
    for rise in (0.1, 0.2, 0.3):
        for behind in (0.08, 0.12, 0.16):
            probe = foot - behind * wall.normal
            probe[:, 2] = tops[filled] + rise
            states = free_space.sample(probe)
            seen += int((states != UNSEEN).sum())
            open_air += int((states == FREE).sum())
    return seen > 0.3 * 9 * len(filled) and open_air > 0.7 * seen
