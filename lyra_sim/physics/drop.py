"""Everything that falls or flies by itself, in one simulation: probes, fast balls, boxes over cells of the map."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.physics.clock import CONTROL_HZ, Clock
from lyra_sim.physics.engine import Poses
from lyra_sim.physics.request import CellRequest, DropRequest, ProbeRequest, ShotRequest
from lyra_sim.physics.result import FALL_DEPTH, FALL_SLOPE, ON_FLOOR, CellResult, ProbeResult, ShotResult

REST_WINDOW = 0.25
"""Speed is measured over the last part of the time [s]. Convention."""
REST_SPEED = 0.02
"""A probe slower than this lies still [m/s]. Convention."""
FLIGHT_SECONDS = 0.4
"""Fast balls are watched this long; every one has met its target by then and none has rolled far since. Derived."""
UNTOUCHED = 5e-4
"""A box in free air keeps to free fall this closely in the first control period [m], at its middle and its corners.
Convention."""


FALLING = 1.0
"""A probe that in the end still goes down as fast as this falls [m/s]; none rolls down a floor that steeply. Convention."""
ROUND_AN_EDGE = 0.9
"""Of the way that a body has to go aside before it can be lower than an edge, the share that is asked for: records are a
thirtieth of a second apart, and edges give way a little. Derived."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What became of everything in one engine."""

    probes: tuple[ProbeResult, ...]
    shots: tuple[ShotResult, ...]
    cells: tuple[CellResult, ...]


def drop_everything(clock: Clock, request: DropRequest) -> Dropped:
    """Let go, watch, judge."""
    start = clock.engine.poses()
    records = [start]
    for _ in range(round(request.seconds * CONTROL_HZ)):
        records.append(clock.tick())
    positions = np.stack([poses.positions for poses in records])
    rest, window = records[-1], round(REST_WINDOW * CONTROL_HZ)
    speeds = np.linalg.norm(rest.positions - positions[-1 - window], axis=1) / (window / CONTROL_HZ)
    first_shot, first_cell = len(request.probes), len(request.probes) + len(request.shots)
    flight = positions[: round(FLIGHT_SECONDS * CONTROL_HZ) + 1]
    fall = float(positions[1, -1, 2] - positions[0, -1, 2])  # of the reference, if there is one
    return Dropped(
        probes=tuple(
            _judge_probe(probe, positions[:, row], float(speeds[row]), bottom=request.bottom)
            for row, probe in enumerate(request.probes)
        ),
        shots=tuple(_judge_shot(shot, flight[:, first_shot + row]) for row, shot in enumerate(request.shots)),
        cells=tuple(
            _judge_cell(cell, start, records[1], rest, first_cell + row, fall=fall) for row, cell in enumerate(request.cells)
        ),
    )


def _judge_probe(probe: ProbeRequest, way: Float64[np.ndarray, "t 3"], speed: float, *, bottom: float | None) -> ProbeResult:
    """What it did on its ``way``; ``bottom`` is the lowest point of the world [m]."""
    heights = way[:, 2] - probe.rest_height - probe.floor_z
    drifts = np.hypot(way[:, 0] - probe.x, way[:, 1] - probe.y)
    height_error, drift = float(heights[-1]), float(drifts[-1])
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
        fell=_fell(probe, heights, drifts, left=bottom is not None and bool(way[-1, 2] < bottom)),
        over_edge=height_error < -ON_FLOOR and drift >= _round_an_edge(probe.rest_height, -height_error),
    )


def _fell(probe: ProbeRequest, heights: Float64[np.ndarray, "t"], drifts: Float64[np.ndarray, "t"], *, left: bool) -> bool:
    """Through the floor or out of the world, and not just over an edge onto what carries it lower down.

    Three things that an edge can't explain: it left the world or falls still; it was below the floor before it could have
    got round an edge of it; or it went below where the map has floor on all sides, deeper than the map may overlook.
    """
    falling = (heights[-1] - heights[-2]) * CONTROL_HZ < -FALLING
    below = heights < -FALL_DEPTH - FALL_SLOPE * drifts
    if not below.any():
        return False
    if left or falling:
        return True
    first = int(np.argmax(below))
    straight = drifts[first] < _round_an_edge(probe.rest_height, -float(heights[first]))
    hole = drifts[first] < probe.room and heights[-1] < -probe.below_band - FALL_DEPTH
    return bool(straight or hole)


def _round_an_edge(half_width: float, depth: float) -> float:
    """How far aside the middle of a body has to be for it to lie ``depth`` [m] below an edge and not in it [m].

    A ball touches the edge a radius from its middle, and what is wider is farther off.
    """
    above = max(half_width - depth, 0.0)
    return ROUND_AN_EDGE * float(np.sqrt(half_width**2 - above**2))


def _judge_shot(shot: ShotRequest, way: Float64[np.ndarray, "t 3"]) -> ShotResult:
    """Its middle may dip into a surface that gives way; it may neither come out behind nor stay inside."""
    start, direction = np.array(shot.start), np.array(shot.direction)
    progress = (way - start) @ direction
    hit = start + shot.entry * direction
    return ShotResult(
        name=shot.name,
        kind="floor" if direction[2] < -0.5 else "wall",
        target=shot.target,
        radius=shot.radius,
        thickness=shot.exit - shot.entry,
        x=float(hit[0]),
        y=float(hit[1]),
        z=float(hit[2]),
        depth=float(progress.max() - shot.entry),
        through=bool(progress.max() > shot.exit or progress[-1] > shot.entry),
    )


def _judge_cell(cell: CellRequest, start: Poses, first: Poses, rest: Poses, row: int, *, fall: float) -> CellResult:
    """``fall`` is how far an untouched box gets in the first control period [m], negative."""
    moved = first.positions[row] - start.positions[row] - (0.0, 0.0, fall)
    # A turn counts by what it moves a corner at the box's far end.
    turned = 2 * np.linalg.norm(first.quats_wxyz[row, 1:]) * cell.length
    departure = float(max(np.linalg.norm(moved), turned))
    end = rest.positions[row]
    bottom, aside = end[2] - cell.floor_z, np.hypot(end[0] - cell.x, end[1] - cell.y)
    return CellResult(
        name=cell.name,
        x=cell.x,
        y=cell.y,
        occupied=cell.occupied,
        touched=departure > UNTOUCHED,
        # It may stumble over what lies below the band: only going through the floor or staying up in the band counts.
        rests=bool(-FALL_DEPTH < bottom < cell.drop and aside < cell.length),
        departure=departure,
    )
