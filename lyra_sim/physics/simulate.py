"""The experiment itself: let the probes fall, then drive every robot along its route. Engine-neutral, plain numpy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.physics.controller import Limits, PurePursuit, expected_duration
from lyra_sim.physics.engine import Engine, Poses
from lyra_sim.physics.request import GateRequest, ProbeRequest, RouteRequest
from lyra_sim.physics.result import FALL_DEPTH, FALL_SLOPE, GateResult, ProbeResult, RouteResult

CONTROL_HZ = 30
"""Rate at which robots are steered and recorded."""
RECORDS_PER_SAMPLE = 6
"""Of the trajectory that is kept: every sixth record, five a second."""
RECORDS_PER_CHORD = 3
"""Driven length is summed over chords of 0.1 s; shorter ones would count the shaking of the chassis as way."""
REST_WINDOW = 0.25
"""Speed is measured over the last part of the settling time [s]."""
REST_SPEED = 0.02
"""A probe slower than this lies still [m/s]."""
BRAKING_SECONDS = 0.6
"""Simulated on after the last robot was held, so that it ends at rest."""


class _Clock:
    """Steps an engine by control periods and counts."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.substeps = int(np.ceil(1.0 / (CONTROL_HZ * engine.max_dt) - 1e-9))
        self.dt = 1.0 / (CONTROL_HZ * self.substeps)
        self.step_count = 0

    def tick(self) -> Poses:
        for _ in range(self.substeps):
            self.engine.step(self.dt)
        self.step_count += self.substeps
        return self.engine.poses()


@dataclass(frozen=True, kw_only=True)
class _Drive:
    """What was recorded of all robots while driving; axis 0 runs over control periods."""

    positions: Float64[np.ndarray, "t r 3"]
    ups: Float64[np.ndarray, "t r"]
    """Cosine of the tilt."""
    held_from: Float64[np.ndarray, "r"]
    """When each was held [s]."""
    stuck: Bool[np.ndarray, "r"]


def simulate(engine: Engine, request: GateRequest) -> GateResult:
    """Run the whole request in ``engine``, whose bodies are the probes and then the robots, in the request's order."""
    clock = _Clock(engine)
    start, probes = engine.poses(), len(request.probes)
    for _ in range(round((request.settle_seconds - REST_WINDOW) * CONTROL_HZ)):
        earlier = clock.tick()
    window = round(REST_WINDOW * CONTROL_HZ)
    for _ in range(window):
        rest = clock.tick()
    speeds = np.linalg.norm(rest.positions - earlier.positions, axis=1) / (window / CONTROL_HZ)
    drive = _drive(clock, request, rest) if request.routes else None
    return GateResult(
        engine=request.engine,
        engine_version=engine.version,
        hull_count=request.hull_count,
        robot=request.robot.template,
        step_count=clock.step_count,
        dt=clock.dt,
        probes=_judge_probes(request, rest.positions[:probes], speeds[:probes]),
        routes=_judge_routes(request, drive, start.positions[probes:]) if drive else (),
    )


def _drive(clock: _Clock, request: GateRequest, rest: Poses) -> _Drive:
    """Steer all robots at once until each has arrived, is stuck, or ran out of time."""
    first, limits, period = len(request.probes), Limits(), 1.0 / CONTROL_HZ
    routes = [np.array(route.waypoints, np.float64) for route in request.routes]
    allowed = np.array([2.0 * expected_duration(route, limits) for route in routes])
    pilot = PurePursuit(routes, robot=request.robot, limits=limits, dt=period)
    stuck, held_from = np.zeros(len(routes), bool), np.full(len(routes), np.inf)
    mark, marked_at = np.zeros(len(routes)), np.zeros(len(routes))
    positions, ups, poses, now = [rest.positions[first:]], [_up_cosines(rest)[first:]], rest, 0.0
    while now < min(allowed.max(), held_from.max() + BRAKING_SECONDS):
        held = np.isfinite(held_from)
        wheels = pilot.wheel_velocities(poses.positions[first:, :2], _yaws(poses)[first:], held)
        clock.engine.set_wheel_velocities(wheels.ravel())
        poses, now = clock.tick(), now + period
        positions.append(poses.positions[first:])
        ups.append(_up_cosines(poses)[first:])
        moved = pilot.progress > mark + 0.02
        mark, marked_at = np.where(moved, pilot.progress, mark), np.where(moved, now, marked_at)
        idle = ~held & ~pilot.done & ((now - marked_at > request.stuck_seconds) | (now > allowed - BRAKING_SECONDS))
        stuck |= idle
        held_from[~held & (pilot.done | idle)] = now
    return _Drive(positions=np.stack(positions), ups=np.stack(ups), held_from=np.minimum(held_from, now), stuck=stuck)


def _judge_probes(
    request: GateRequest, positions: Float64[np.ndarray, "p 3"], speeds: Float64[np.ndarray, "p"]
) -> tuple[ProbeResult, ...]:
    return tuple(
        _judge_probe(probe, position, float(speed))
        for probe, position, speed in zip(request.probes, positions, speeds, strict=True)
    )


def _judge_probe(probe: ProbeRequest, position: Float64[np.ndarray, "3"], speed: float) -> ProbeResult:
    height_error = float(position[2] - probe.rest_height - probe.floor_z)
    drift = float(np.hypot(position[0] - probe.x, position[1] - probe.y))
    return ProbeResult(
        name=probe.name,
        kind=probe.kind,
        x=probe.x,
        y=probe.y,
        floor_z=probe.floor_z,
        height_error=height_error,
        drift=drift,
        speed=speed,
        settled=speed < REST_SPEED,
        fell=height_error < -FALL_DEPTH - FALL_SLOPE * drift,
    )


def _judge_routes(request: GateRequest, drive: _Drive, start: Float64[np.ndarray, "r 3"]) -> tuple[RouteResult, ...]:
    return tuple(_judge_route(request, route, drive, row, start[row]) for row, route in enumerate(request.routes))


def _judge_route(
    request: GateRequest, route: RouteRequest, drive: _Drive, row: int, start: Float64[np.ndarray, "3"]
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
