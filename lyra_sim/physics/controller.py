"""Pure pursuit (Coulter 1992) for robots with two driven sides, many at a time, in plain numpy.

Three changes to the textbook: at a sharp corner the robot drives up to the corner and turns in place, so that the
driven length is the planned one and the route's clearance is kept; progress along the route only grows, so a
route that crosses itself is followed in order; and where a robot turns by scrubbing, which turns it less than its wheels say,
by a share that floor and engine decide, that share is measured on the way and made up for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from lyra_sim.physics.robots import DiffDrive


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How fast the robots are driven."""

    speed: float = 0.6
    """[m/s]"""
    turn_rate: float = 1.8
    """[rad/s]"""
    acceleration: float = 1.0
    """Of the robot along its way [m/s^2], and of each rim about the robot's middle; the sum of both stays well below
    what would lift the caster."""
    lookahead: float = 0.2
    """[m]"""
    sharp_corner: float = np.deg2rad(15.0)
    """A bend above this is turned in place [rad]."""
    turn_in_place: float = np.deg2rad(25.0)
    """Forward speed falls linearly to zero at this heading error [rad]."""
    corner_tolerance: float = 0.01
    """A corner, or the goal, is reached this far before it [m]."""


GRIP_AT_FIRST, GRIP_RANGE, GRIP_GAIN = 0.8, (0.3, 1.2), 0.1
"""What a scrubbing robot is taken to make of a turn before any was measured, the bounds of that, and how fast it is learnt.
Tuned, unrecorded."""


class PurePursuit:
    """Follows one polyline per robot; all arrays run over robots in the order of ``routes``."""

    def __init__(self, routes: Sequence[Float64[np.ndarray, "_ 2"]], *, robot: DiffDrive, limits: Limits, dt: float) -> None:
        self.robot, self.limits, self.dt = robot, limits, dt
        routes = [_without_repeats(route) for route in routes]
        widest = max(len(route) for route in routes)
        # Shorter routes are padded by repeating their last point: segments of no length, never entered.
        self._points = np.stack([np.pad(route, ((0, widest - len(route)), (0, 0)), mode="edge") for route in routes])
        self._last = np.array([len(route) - 2 for route in routes], np.int64)
        steps = np.diff(self._points, axis=1)
        self._lengths = np.linalg.norm(steps, axis=2)
        self._directions = steps / np.maximum(self._lengths, 1e-12)[..., None]
        self._arc_at = np.concatenate([np.zeros((len(routes), 1)), np.cumsum(self._lengths, axis=1)], axis=1)
        self._stop_segment = np.stack([self._stops(row) for row in range(len(routes))])
        self._segment = np.zeros(len(routes), np.int64)
        self._commands = np.zeros((len(routes), 2))
        self._grip = np.full(len(routes), GRIP_AT_FIRST if robot.scrubs else 1.0)
        self._last_yaw: np.ndarray | None = None
        self.progress = np.zeros(len(routes))
        """Arc length reached on each route, (r,) [m]."""
        self.done = np.zeros(len(routes), bool)
        """(r,) True once the end was reached; the robot is then held."""

    def _stops(self, row: int) -> Int64[np.ndarray, "s"]:
        """For each segment, the segment at whose end the robot next has to stop: before a sharp corner, or the last."""
        directions, last = self._directions[row], int(self._last[row])
        stop, stops = last, np.full(len(directions), last, np.int64)
        for segment in range(last - 1, -1, -1):
            if directions[segment] @ directions[segment + 1] < np.cos(self.limits.sharp_corner):
                stop = segment
            stops[segment] = stop
        return stops

    def _advance(self, xy: Float64[np.ndarray, "r 2"]) -> None:
        """Move on to the next segment where the end of the current one is reached, and update progress."""
        rows = np.arange(len(xy))
        while True:
            offset = xy - self._points[rows, self._segment]
            along = np.einsum("ri,ri->r", offset, self._directions[rows, self._segment])
            remaining = self._lengths[rows, self._segment] - along
            stops_here = self._segment == self._stop_segment[rows, self._segment]
            reached = remaining < np.where(stops_here, self.limits.corner_tolerance, 0.0)
            self.done |= reached & (self._segment == self._last)
            moving_on = reached & (self._segment < self._last)
            if not moving_on.any():
                break
            self._segment += moving_on
        arc = self._arc_at[rows, self._segment] + np.clip(along, 0.0, self._lengths[rows, self._segment])
        self.progress = np.maximum(self.progress, arc)

    def _target(self, arc: Float64[np.ndarray, "r"]) -> Float64[np.ndarray, "r 2"]:
        """The point at ``arc``, on the straight continuation of the route beyond the next stop."""
        rows = np.arange(len(arc))
        stop = self._stop_segment[rows, self._segment]
        at_target = (self._arc_at[:, 1:] < arc[:, None]).sum(axis=1)
        segment = np.minimum(at_target, stop)
        along = arc - self._arc_at[rows, segment]
        return self._points[rows, segment] + along[:, None] * self._directions[rows, segment]

    def wheel_velocities(
        self, xy: Float64[np.ndarray, "r 2"], yaw: Float64[np.ndarray, "r"], held: Bool[np.ndarray, "r"]
    ) -> Float64[np.ndarray, "r 2"]:
        """Left and right wheel speeds [rad/s] for robots at ``xy`` [m] heading ``yaw`` [rad]; ``held`` ones brake."""
        limits = self.limits
        self._advance(xy)
        rows = np.arange(len(xy))
        offset = xy - self._points[rows, self._segment]
        along = np.einsum("ri,ri->r", offset, self._directions[rows, self._segment])
        arc = self._arc_at[rows, self._segment] + np.clip(along, 0.0, self._lengths[rows, self._segment])
        to_target = self._target(arc + limits.lookahead) - xy
        error = np.arctan2(to_target[:, 1], to_target[:, 0]) - yaw
        error = (error + np.pi) % (2 * np.pi) - np.pi
        to_stop = self._arc_at[rows, self._stop_segment[rows, self._segment] + 1] - arc
        # Half the allowed deceleration, because the wheels lag behind the command.
        speed = np.minimum(limits.speed, 0.03 + np.sqrt(limits.acceleration * np.maximum(to_stop, 0.0)))
        speed *= np.clip(1.0 - np.abs(error) / limits.turn_in_place, 0.0, 1.0)
        # Coulter's curvature is 2 sin(error) / lookahead; a floor on the speed keeps turning when standing.
        turn = (
            2.0 * np.maximum(speed, 0.3) * np.where(np.abs(error) < np.pi / 2, np.sin(error), np.sign(error)) / limits.lookahead
        )
        turn = np.clip(turn, -limits.turn_rate, limits.turn_rate)
        # Way and turn are limited apart: limiting the rims would bend a turn in place into an arc.
        commands = np.stack([speed, turn * self.robot.track / 2 / self._measured_grip(yaw)], axis=1)
        commands[self.done | held] = 0.0
        change = limits.acceleration * self.dt
        self._commands = self._commands + np.clip(commands - self._commands, -change, change)
        along_way, about_middle = self._commands.T
        return np.stack([along_way - about_middle, along_way + about_middle], axis=1) / self.robot.wheel_radius

    def _measured_grip(self, yaw: Float64[np.ndarray, "r"]) -> Float64[np.ndarray, "r"]:
        """Of the turning that the wheels were told, the share that came about; 1 for robots that don't scrub."""
        if self.robot.scrubs and self._last_yaw is not None:
            turned = (yaw - self._last_yaw + np.pi) % (2 * np.pi) - np.pi
            told = self._commands[:, 1] * 2 / self.robot.track * self.dt
            telling = np.abs(told) > 0.8 * self.dt
            share = np.clip(turned / np.where(telling, told, 1.0), *GRIP_RANGE)
            self._grip = np.where(telling, self._grip + GRIP_GAIN * (share - self._grip), self._grip)
        self._last_yaw = yaw
        return self._grip


def _without_repeats(route: Float64[np.ndarray, "w 2"]) -> Float64[np.ndarray, "v 2"]:
    """The route without points that repeat their predecessor; they have no direction to drive in."""
    route = np.asarray(route, np.float64)
    keep = np.r_[True, np.linalg.norm(np.diff(route, axis=0), axis=1) > 1e-6]
    return route[keep]


def corner_angles(route: Float64[np.ndarray, "w 2"]) -> Float64[np.ndarray, "c"]:
    """Unsigned heading change at every inner waypoint [rad]."""
    steps = np.diff(_without_repeats(route), axis=0)
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    return np.abs((np.diff(headings) + np.pi) % (2 * np.pi) - np.pi)


def expected_duration(route: Float64[np.ndarray, "w 2"], limits: Limits) -> float:
    """Time a robot needs for ``route`` when nothing is in its way, generously [s]."""
    angles = corner_angles(route)
    sharp = angles[angles > limits.sharp_corner]
    length = float(np.linalg.norm(np.diff(route, axis=0), axis=1).sum())
    return length / limits.speed + len(sharp) * 1.0 + 1.2 * float(sharp.sum()) / limits.turn_rate + 2.5
