"""Robots on their routes: all of them at once, each along its own, in one simulation. Engine-neutral, plain numpy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.physics.clock import CONTROL_HZ, Clock
from lyra_sim.physics.controller import Limits, PurePursuit, expected_duration
from lyra_sim.physics.engine import Poses
from lyra_sim.physics.request import DriveRequest, RouteRequest
from lyra_sim.physics.result import FALL_DEPTH, FALL_SLOPE, RouteResult

RECORDS_PER_SAMPLE = 6
"""Of the trajectory that is kept: every sixth record, five a second. Convention."""
RECORDS_PER_CHORD = 3
"""Driven length is summed over chords of 0.1 s; shorter ones would count the shaking of the chassis as way. Convention."""
BRAKING_SECONDS = 0.6
"""Simulated on after the last robot was held, so that it ends at rest. Convention."""


@dataclass(frozen=True, kw_only=True)
class _Drive:
    """What was recorded of all robots while driving; axis 0 runs over control periods."""

    positions: Float64[np.ndarray, "t r 3"]
    ups: Float64[np.ndarray, "t r"]
    """Cosine of the tilt."""
    held_from: Float64[np.ndarray, "r"]
    """When each was held [s]."""
    stuck: Bool[np.ndarray, "r"]


def drive_routes(clock: Clock, request: DriveRequest) -> tuple[RouteResult, ...]:
    """Let the robots settle on their wheels, then steer each along its route."""
    start = clock.engine.poses()
    rest = start
    for _ in range(round(request.settle_seconds * CONTROL_HZ)):
        rest = clock.tick()
    drive = _drive(clock, request, rest)
    return tuple(_judge_route(request, route, drive, row, start.positions[row]) for row, route in enumerate(request.routes))


def _drive(clock: Clock, request: DriveRequest, rest: Poses) -> _Drive:
    """Steer all robots at once until each has arrived, is stuck, or ran out of time."""
    limits, period = Limits(), 1.0 / CONTROL_HZ
    routes = [np.array(route.waypoints, np.float64) for route in request.routes]
    allowed = np.array([2.0 * expected_duration(route, limits) for route in routes])
    pilot = PurePursuit(routes, robot=request.robot, limits=limits, dt=period)
    wheels_per_side = len(request.robot.left_wheels)
    stuck, held_from = np.zeros(len(routes), bool), np.full(len(routes), np.inf)
    mark, marked_at = np.zeros(len(routes)), np.zeros(len(routes))
    positions, ups, poses, now = [rest.positions], [_up_cosines(rest)], rest, 0.0
    while now < min(allowed.max(), held_from.max() + BRAKING_SECONDS):
        held = np.isfinite(held_from)
        wheels = pilot.wheel_velocities(poses.positions[:, :2], _yaws(poses), held)
        clock.engine.set_wheel_velocities(np.repeat(wheels, wheels_per_side, axis=1).ravel())
        poses, now = clock.tick(), now + period
        positions.append(poses.positions)
        ups.append(_up_cosines(poses))
        moved = pilot.progress > mark + 0.02
        mark, marked_at = np.where(moved, pilot.progress, mark), np.where(moved, now, marked_at)
        idle = ~held & ~pilot.done & ((now - marked_at > request.stuck_seconds) | (now > allowed - BRAKING_SECONDS))
        stuck |= idle
        held_from[~held & (pilot.done | idle)] = now
    return _Drive(positions=np.stack(positions), ups=np.stack(ups), held_from=np.minimum(held_from, now), stuck=stuck)


def _judge_route(
    request: DriveRequest, route: RouteRequest, drive: _Drive, row: int, start: Float64[np.ndarray, "3"]
) -> RouteResult:
    until = min(round((drive.held_from[row] + BRAKING_SECONDS) * CONTROL_HZ) + 1, len(drive.positions))
    way = drive.positions[:until, row]
    waypoints = np.array(route.waypoints, np.float64)
    final_error = float(np.linalg.norm(way[-1, :2] - waypoints[-1]))
    gone = np.linalg.norm(way[:, :2] - start[:2], axis=1)
    fell = bool((way[:, 2] < start[2] - FALL_DEPTH - FALL_SLOPE * gone).any())
    samples = [*way[:-1:RECORDS_PER_SAMPLE, :2], way[-1, :2]]
    chords = np.array([*way[:-1:RECORDS_PER_CHORD, :2], way[-1, :2]])
    return RouteResult(
        name=route.name,
        planned_length=float(np.linalg.norm(np.diff(waypoints, axis=0), axis=1).sum()),
        driven_length=float(np.linalg.norm(np.diff(chords, axis=0), axis=1).sum()),
        arrived=bool(final_error <= request.arrival_tolerance and not fell and not drive.stuck[row]),
        final_error=final_error,
        cross_track_error=float(_distances(way[:, :2], waypoints).max()),
        upright_cosine=float(drive.ups[:until, row].min()),
        stuck=bool(drive.stuck[row]),
        fell=fell,
        duration=float(drive.held_from[row]),
        trajectory=tuple((float(x), float(y)) for x, y in samples),
    )


def _distances(points: Float64[np.ndarray, "t 2"], polyline: Float64[np.ndarray, "w 2"]) -> Float64[np.ndarray, "t"]:
    """Distance of each point to the polyline [m]."""
    starts, steps = polyline[:-1], np.diff(polyline, axis=0)
    offsets = points[:, None] - starts
    share = np.einsum("tsi,si->ts", offsets, steps) / np.maximum(np.einsum("si,si->s", steps, steps), 1e-12)
    feet = starts + np.clip(share, 0.0, 1.0)[..., None] * steps
    return np.linalg.norm(points[:, None] - feet, axis=2).min(axis=1)


def _yaws(poses: Poses) -> Float64[np.ndarray, "n"]:
    """Heading of each body's x axis about world z [rad]."""
    w, x, y, z = poses.quats_wxyz.T
    return np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def _up_cosines(poses: Poses) -> Float64[np.ndarray, "n"]:
    """World z component of each body's z axis."""
    _, x, y, _ = poses.quats_wxyz.T
    return 1 - 2 * (x * x + y * y)
