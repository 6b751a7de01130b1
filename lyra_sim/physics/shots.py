"""Fast balls: at floors from above and at walls from the side, small ones and large ones, from many places."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.navigation import Navigation
from lyra_sim.physics.half_spaces import Solid, first_met

SPEED = 10.0
"""[m/s]; a ball then moves 8 cm in one step of 1/120 s, which is how thin floors and walls are tunnelled. Convention."""
RADII = (0.02, 0.05, 0.1)
"""Of the balls, in turn [m]. Convention."""
AT_FLOORS = 12
"""Balls shot at floors. Convention."""
AT_WALLS = 18
"""Balls shot at walls. Convention."""
DROP_HEIGHT = 0.3
"""Of a floor ball's lowest point [m]. Convention."""
STAGGER = 0.01
"""Each floor ball starts this much higher than the last [m], so that they meet the floor at different phases of a step, and
the last still below the headroom that probe points have. Derived."""
HEIGHT = 0.35
"""Of a ball that flies at a wall, above the floor at the most [m]. Convention."""
NEAREST, FARTHEST = 0.3, 1.2
"""From its start to the wall [m]. Convention."""
FLAT = 0.03
"""A wall is shot at where it is this flat all around the ball [m]: a ball that glances off an edge proves nothing.
Convention."""

UP = np.array([0.0, 0.0, 1.0])
"""In the metric world. Convention."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A ball, where it starts, and what it will meet."""

    radius: float
    start: Float64[np.ndarray, "3"]
    direction: Float64[np.ndarray, "3"]
    target: str
    entry: float
    exit: float


def plan_shots(solids: tuple[Solid, ...], navigation: Navigation, *, seed: int) -> tuple[Shot, ...]:
    """Floor shots over some of the probe points, wall shots from them; fewer where there is less floor or no wall."""
    if not len(navigation.probes):
        return ()
    rng = np.random.default_rng(seed)
    return (*_at_floors(solids, navigation, rng), *_at_walls(solids, navigation))


def _at_floors(solids: tuple[Solid, ...], navigation: Navigation, rng: np.random.Generator) -> list[Shot]:
    shots = []
    roomy = [np.flatnonzero(navigation.probe_room > radius) for radius in RADII]
    for number in range(AT_FLOORS):
        radius, places = RADII[number % len(RADII)], roomy[number % len(RADII)]
        if not len(places):
            continue
        point = navigation.probes[rng.choice(places)]
        start = point + (DROP_HEIGHT + radius + number * STAGGER) * UP
        # What carries the map's floor, whether or not it is there: a hole is as deep as nothing.
        shots.append(_aimed(solids, radius, start, -UP, expected=float(start[2] - point[2])))
    return shots


def _aimed(solids: tuple[Solid, ...], radius: float, start: np.ndarray, direction: np.ndarray, *, expected: float) -> Shot:
    first, near, far = first_met(solids, start[None], direction[None])
    missed = first[0] < 0 or near[0] > expected + FLAT
    return Shot(
        radius=radius,
        start=start,
        direction=direction,
        target="nothing" if missed else solids[int(first[0])].name,
        entry=expected if missed else float(near[0]),
        exit=expected if missed else float(far[0]),
    )


def _at_walls(solids: tuple[Solid, ...], navigation: Navigation) -> list[Shot]:
    """From each probe point square at each wall it sees flat before it; the thinnest walls first, then far apart."""
    directions = _wall_normals(solids)
    if not len(directions):
        return []
    height = min(HEIGHT, navigation.band[1] - max(RADII) - 0.02)
    spread = min(max(RADII) + 0.05, height - 0.01)  # a low robot's band leaves less room below the ball than beside it
    points = navigation.probes[navigation.probe_room > max(RADII)] + height * UP
    if not len(points) or spread <= 0:
        return []
    starts = np.repeat(points, len(directions), axis=0)
    flights = np.tile(directions, (len(points), 1))
    across = np.column_stack([-flights[:, 1], flights[:, 0], np.zeros(len(flights))])
    first, near, far = first_met(solids, starts, flights)
    names = np.array([solid.name.startswith("wall") for solid in solids])
    good = (first >= 0) & names[first] & (near >= NEAREST) & (near <= FARTHEST)
    for shift in (spread * across, -spread * across, spread * UP, -spread * UP):
        rows = np.flatnonzero(good)
        _, beside, _ = first_met(solids, starts[rows] + np.broadcast_to(shift, starts.shape)[rows], flights[rows])
        good[rows] = np.abs(beside - near[rows]) <= FLAT
    rows = np.flatnonzero(good)
    hits = starts[rows] + near[rows, None] * flights[rows]
    shots = []
    thickness, owner = far[rows] - near[rows], first[rows]
    thinnest = [int(np.argmin(np.where(owner == solid, thickness, np.inf))) for solid in np.unique(owner)]
    thinnest.sort(key=lambda at: float(thickness[at]))
    for number, row in enumerate(rows[_far_apart(hits, AT_WALLS, begin=thinnest[: AT_WALLS // 2])]):
        shots.append(
            Shot(
                radius=RADII[number % len(RADII)],
                start=starts[row],
                direction=flights[row],
                target=solids[int(first[row])].name,
                entry=float(near[row]),
                exit=float(far[row]),
            )
        )
    return shots


def _wall_normals(solids: Sequence[Solid]) -> Float64[np.ndarray, "d 3"]:
    """Level directions square into the upright faces of walls, one of each to a degree."""
    found: dict[int, np.ndarray] = {}
    for solid in solids:
        if solid.name.startswith("wall"):
            for normal in solid.planes[np.abs(solid.planes[:, 2]) < 0.02, :3]:
                into = -normal * (1, 1, 0)
                into /= np.linalg.norm(into)
                found.setdefault(round(float(np.degrees(np.arctan2(into[1], into[0])))) % 360, into)
    return np.array([found[degree] for degree in sorted(found)]).reshape(-1, 3)


def _far_apart(points: Float64[np.ndarray, "n 3"], count: int, *, begin: list[int]) -> np.ndarray:
    """Indices of up to ``count`` points: those to begin with, then each the farthest from all before it (Gonzalez 1985)."""
    chosen = list(begin)
    if not chosen:
        return np.zeros(0, np.int64)
    distance = np.linalg.norm(points[:, None] - points[chosen][None], axis=2).min(axis=1)
    while len(chosen) < count and distance.max() > 1e-6:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen, np.int64)
