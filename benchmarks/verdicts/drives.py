"""The truth: the same straight drives in the place itself and in a world, and whether they end alike.

Both sides go through the same code. Something that says where matter is, is asked on a raster of 1 cm at several heights of the
robot's band; a disc drives straight on until it touches something, until its middle has no floor below, or until 3 m are done.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import ndimage

from lyra_sim.geometry.rigid import Similarity
from lyra_sim.scene.spec import RobotConfig

CELL_M = 0.01
"""Edge of the raster, in the place [m]. Convention."""
BAND_STEP_M = 0.04
"""Between the heights that are asked about [m]. Convention."""
BELOW_M = (-0.02, -0.06, -0.1, -0.16)
"""Heights against the floor at which matter holds a robot [m]. Convention."""
LONGEST_M = 3.0
"""Of a drive, in metres of whoever drives it. Convention."""
SAME_M = 0.10
"""Ends within this of each other, in the place, are the same [m]. Convention."""
START_MARGIN_M = 0.02
"""Room around a robot at its start beyond its radius, and how much of its radius no end may hang on [m]. Convention."""
DRIVES = 1600
"""Drawn in a place. Convention."""
SPOT_M = 0.4
"""Ends within this of each other are in one spot [m]. Convention."""
LEAST_IN_SPOT = 0.015
"""A smaller share of all drives, going astray there, makes none. Convention."""
PATIENCE = 12
"""Draws for each drive that is kept, at most. Convention."""

IsSolid = Callable[[Float64[np.ndarray, "n 3"]], Bool[np.ndarray, "n"]]
"""Whether points in somebody's own frame lie in matter."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a disc can be, on a raster over the place, as a place or a world has it."""

    clearance: Float64[np.ndarray, "nx ny"]
    """From a cell's middle to the nearest matter in the band, in metres of the owner."""
    held: Bool[np.ndarray, "nx ny"]
    """There is a floor below."""
    low: Float64[np.ndarray, "2"]
    """Lower corner of the raster, in the place [m]."""
    scale: float
    """Metres of the owner in one of the place."""

    def at(self, xy: Float64[np.ndarray, "*n 2"]) -> tuple[Float64[np.ndarray, "*n"], Bool[np.ndarray, "*n"]]:
        """Clearance and floor at places; beyond the raster there is neither."""
        cells = np.moveaxis((xy - self.low) / CELL_M - 0.5, -1, 0)
        clearance = ndimage.map_coordinates(self.clearance, cells, order=1, mode="constant", cval=0.0)
        held = ndimage.map_coordinates(self.held.astype(np.float32), cells, order=0, mode="constant", cval=0.0) > 0.5
        return clearance, held

    def ends(self, drives: "Drives", radius: float) -> Float64[np.ndarray, "n 2"]:
        """Where each drive of a disc ends, in the place [m]."""
        step = CELL_M / self.scale
        along = np.arange(0, round(LONGEST_M / CELL_M) + 1) * step
        heading = np.stack([np.cos(drives.yaw), np.sin(drives.yaw)], axis=1)
        points = drives.start[:, None] + along[None, :, None] * heading[:, None]
        clearance, held = self.at(points)
        stopped = (clearance < radius) | ~held
        first = np.where(stopped.any(axis=1), np.argmax(stopped, axis=1), len(along))
        return points[np.arange(len(points)), np.maximum(first - 1, 0)]


@dataclass(frozen=True, kw_only=True)
class Drives:
    """Starts and headings in the place."""

    start: Float64[np.ndarray, "n 2"]
    yaw: Float64[np.ndarray, "n"]
    """[rad]"""

    def __len__(self) -> int:
        return len(self.yaw)

    def select(self, kept: Bool[np.ndarray, "n"] | slice) -> "Drives":
        """Some of them."""
        return Drives(start=self.start[kept], yaw=self.yaw[kept])


@dataclass(frozen=True, kw_only=True)
class Bend:
    """How cameras that drift take a place with them: near each, it is turned and moved as that camera is.

    A walk that drifts and never comes back bends its world and tears it nowhere: a robot ends where it would in the place, 20
    cm from where a plan of the building says. Drives are therefore done from where the camera next to their start puts it, and
    their ends are seen from that camera too. Where a walk comes back, things stand twice, and that no camera mends.
    """

    true: Float64[np.ndarray, "c 2"]
    """Cameras in the place [m]."""
    stated: Float64[np.ndarray, "c 2"]
    """In the input [m]."""
    turned: Float64[np.ndarray, "c"]
    """About the vertical [rad]."""

    @classmethod
    def of(cls, true: Float64[np.ndarray, "c 4 4"], stated: Float64[np.ndarray, "c 4 4"]) -> "Bend":
        """Of camera-to-world poses that differ by level turns and moves."""
        by = stated[:, :3, :3] @ np.swapaxes(true[:, :3, :3], 1, 2)
        turned = np.arctan2(by[:, 1, 0], by[:, 0, 0])
        return cls(true=true[:, :2, 3], stated=stated[:, :2, 3], turned=turned)

    def carry(self, points: Float64[np.ndarray, "n 2"], camera: Int64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2"]:
        """Points of the place to the input, by a camera each."""
        return self.stated[camera] + _turned(points - self.true[camera], self.turned[camera])

    def carry_back(self, points: Float64[np.ndarray, "n 2"], camera: Int64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2"]:
        """Points of the input to the place, by a camera each."""
        return self.true[camera] + _turned(points - self.stated[camera], -self.turned[camera])


def _turned(points: Float64[np.ndarray, "n 2"], angle: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * points[:, 0] - s * points[:, 1], s * points[:, 0] + c * points[:, 1]], axis=1)


def _nearest(points: Float64[np.ndarray, "n 2"], cameras: Float64[np.ndarray, "c 2"]) -> Int64[np.ndarray, "n"]:
    return np.asarray(np.linalg.norm(points[:, None] - cameras[None], axis=2).argmin(axis=1))


def in_view(truth: Ground, points: Float64[np.ndarray, "n 2"], cameras: Float64[np.ndarray, "c 2"]) -> Bool[np.ndarray, "n"]:
    """Points of the place with a straight way over free floor to where some camera was: of half a walk nobody can know the
    rooms that it never looked into.

    Args:
        truth: Of the place itself.
        points: [m]
        cameras: Of the walk [m].
    """
    shares = np.linspace(0.0, 1.0, round(LONGEST_M / CELL_M / 2))
    seen = np.zeros(len(points), bool)
    for camera in cameras:
        left = np.flatnonzero(~seen)
        lines = camera + shares[None, :, None] * (points[left] - camera)[:, None]
        seen[left] = (truth.at(lines)[0] > 0).all(axis=1)
    return seen


def ends_in_world(world: Ground, drives: Drives, *, radius: float, bend: Bend | None) -> Float64[np.ndarray, "n 2"]:
    """Where each drive of the place ends in a world, told in the place [m].

    Args:
        world: On a raster of the input's frame.
        drives: Of the place.
        radius: Of the robot [m].
        bend: Of drifting cameras; None: place and input differ by no more than a similarity, which ``world`` knows.
    """
    if bend is None:
        return world.ends(drives, radius)
    camera = _nearest(drives.start, bend.true)
    there = Drives(start=bend.carry(drives.start, camera), yaw=drives.yaw + bend.turned[camera])
    return bend.carry_back(world.ends(there, radius), camera)


def route_in_place(route: Float64[np.ndarray, "n 2"], bend: Bend | None) -> Float64[np.ndarray, "n 2"]:
    """A polyline of the input's frame as it runs in the place [m]."""
    return route if bend is None else bend.carry_back(route, _nearest(route, bend.stated))


def ground_of(
    is_solid: IsSolid,
    *,
    low: Float64[np.ndarray, "2"],
    high: Float64[np.ndarray, "2"],
    robot: RobotConfig,
    owner_from_place: Similarity | None = None,
    floor: Float64[np.ndarray, "3"] | None = None,
) -> Ground:
    """The raster over a place.

    Args:
        is_solid: Of points in the owner's frame.
        low: Lower corner, in the place [m].
        high: Upper corner.
        robot: Whose band is asked about.
        owner_from_place: To the frame of a world; None: the place itself.
        floor: The owner's floor, z = floor[0] + floor[1] x + floor[2] y [m]; None: z = 0.
    """
    owner_from_place = owner_from_place or Similarity.identity()
    floor = np.zeros(3) if floor is None else floor
    counts = np.ceil((high - low) / CELL_M).astype(int)
    axes = [low[k] + (np.arange(counts[k]) + 0.5) * CELL_M for k in (0, 1)]
    x, y = np.meshgrid(*axes, indexing="ij")
    xy = owner_from_place.apply(np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1))[:, :2]
    over = floor[0] + xy @ floor[1:]

    def anywhere(heights: Float64[np.ndarray, "h"]) -> Bool[np.ndarray, "nx ny"]:
        found = np.zeros(len(xy), bool)
        for height in heights:
            left = ~found
            found[left] = is_solid(np.c_[xy[left], over[left] + height])
        return found.reshape(tuple(counts))

    band = np.linspace(robot.band_low, robot.band_high, int(np.ceil((robot.band_high - robot.band_low) / BAND_STEP_M)) + 1)
    blocked = np.pad(anywhere(band), 1, constant_values=True)
    clearance = (ndimage.distance_transform_edt(~blocked)[1:-1, 1:-1] - 0.5) * CELL_M * owner_from_place.scale
    return Ground(clearance=clearance, held=anywhere(np.array(BELOW_M)), low=low, scale=owner_from_place.scale)


def draw_drives(truth: Ground, *, near: Float64[np.ndarray, "c 2"], radius: float, count: int, seed: int) -> Drives:
    """Drives on the true free floor that a robot gets to from where somebody walked.

    Drives whose end hangs on two centimetres of radius (grazing contacts) are drawn again: no robot could tell.

    Args:
        truth: Of the place itself.
        near: Places of the walk [m].
        radius: Of the robot [m].
        count: Asked for.
        seed: Of all draws.
    """
    fits, _ = ndimage.label((truth.clearance >= radius + START_MARGIN_M) & truth.held)
    walked: Int64[np.ndarray, "c 2"] = np.floor((near - truth.low) / CELL_M).astype(np.int64)
    walked = walked[((walked >= 0) & (walked < fits.shape)).all(axis=1)]
    mine = np.setdiff1d(np.unique(fits[tuple(walked.T)]), [0])
    cells = np.argwhere(np.isin(fits, mine))
    rng = np.random.default_rng(seed)
    chosen = cells[rng.integers(len(cells), size=PATIENCE * count)]
    drawn = Drives(start=truth.low + (chosen + rng.random(chosen.shape)) * CELL_M, yaw=rng.uniform(-np.pi, np.pi, len(chosen)))
    middle = truth.ends(drawn, radius)
    apart = [np.linalg.norm(truth.ends(drawn, radius + by) - middle, axis=1) for by in (-START_MARGIN_M, START_MARGIN_M)]
    firm = np.flatnonzero(np.max(apart, axis=0) <= SAME_M)[:count]
    return Drives(start=drawn.start[firm], yaw=drawn.yaw[firm])


def wrong_spot(there: Float64[np.ndarray, "n 2"], here: Float64[np.ndarray, "n 2"]) -> tuple[float, float] | None:
    """Where most drives that end near each other end elsewhere in the world, in the place [m]; None where there is no such
    spot. Of a large place a lost cabinet turns few drives astray, and every one that comes to it.

    Args:
        there: Ends in the place [m].
        here: Ends in the world, told in the place.
    """
    astray = np.linalg.norm(there - here, axis=1) > SAME_M
    worst, spot = 0, None
    for index in np.flatnonzero(astray):
        for ends in (there, here):
            beside = np.linalg.norm(ends - ends[index], axis=1) <= SPOT_M
            wrong = int((beside & astray).sum())
            if wrong >= LEAST_IN_SPOT * len(there) and 2 * wrong > beside.sum() and wrong > worst:
                worst, spot = wrong, (round(float(ends[index, 0]), 2), round(float(ends[index, 1]), 2))
    return spot


def passable(truth: Ground, route: Float64[np.ndarray, "n 2"], *, radius: float) -> bool:
    """Whether a disc gets along a polyline of the place without touching anything."""
    length = np.linalg.norm(np.diff(route, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(length)])
    along = np.arange(0, at[-1] + CELL_M, CELL_M)
    clearance, held = truth.at(np.stack([np.interp(along, at, route[:, k]) for k in (0, 1)], axis=1))
    return bool(((clearance >= radius) & held).all())
