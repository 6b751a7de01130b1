"""Where a person could stand in given geometry: floor below, headroom above, room around, and reachable from the inside.

Nobody says what is inside. A mesh may be open, two-sided, in loose parts; its roof is as level as its floor. Inside is where
something stands around at head height in most directions, and of all places that hang together, those that are enclosed over
the largest area.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import ndimage

from lyra_sim.data.capture import StandingFacts
from lyra_sim.errors import GeometryError
from lyra_sim.rendering.ray_casting import RayCaster

CELL = 0.1
"""Edge of the grid's cells [m]; grows with the scene. Tuned, unrecorded."""
COARSEST = 0.25
"""… up to this: beyond, doors would close. Tuned, unrecorded."""
MOST_CELLS = 40_000_000
"""Cells grow until there are no more than this. Convention."""
HEADROOM = 1.5
"""Free height above a floor to stand on [m]. Convention."""
STEP = 0.25
"""Floors of neighbouring cells belong together up to this difference in height [m]. Convention."""
BODY_LOW, BODY_HIGH, BODY_RADIUS = 0.3, 1.4, 0.2
"""The cylinder above the floor that has to be free [m]. Convention."""
EYE = 1.2
"""Height above the floor that enclosure is looked at from, and views are taken from [m]. Convention."""
SPACING = 0.6
"""Between places to stand [m]. Tuned, unrecorded."""
AROUND = 16
"""Directions that enclosure is looked at in. Convention."""
ENCLOSED = 0.5
"""Places with something around in less than this share of the directions are outside, where others are inside.
Tuned, unrecorded."""
INSIDE = 0.75
"""The whole is a room or several where its places have this much around them, on average. Tuned, unrecorded."""
START_REACH = 1.0
"""A stated start is taken to mean the nearest place within this [m]. Convention."""
LEAST_AREA = 0.5
"""Less floor to stand on than this is none [m^2]. Convention."""
LARGEST = 200.0
"""Longest side that is surveyed [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Places on floors, in the metric frame of the points they were found in."""

    places: Float64[np.ndarray, "n 3"]
    """On the floor [m], about ``SPACING`` apart."""
    start: Float64[np.ndarray, "3"]
    """The one with most room around, or the one stated."""
    facts: StandingFacts


def find_standing(
    samples: Float64[np.ndarray, "m 3"],
    caster: RayCaster,
    *,
    start: Float64[np.ndarray, "3"] | None,
    subject: str,
) -> Standing:
    """Places to stand.

    Args:
        samples: Points of the surface, no farther apart than half a cell; metres, z up.
        caster: The surface in the same frame.
        start: Where to begin [m]; None: found.
        subject: Named in errors.

    Raises:
        GeometryError: Nothing to stand on, or a scene too large for its rooms to be told.
    """
    low, cell, occupied = _grid(samples, subject)
    rise = max(1, round(STEP / cell))
    standing = _standing(occupied, cell)
    if standing.sum() * cell**2 < LEAST_AREA:
        raise GeometryError(
            subject,
            f"no floor with {HEADROOM:g} m of headroom in {_size(samples)} m",
            expected="a room that a person could stand in",
            likely="Up is another axis, or the unit isn't what was said.",
            next_step="Set 'up' and 'scale' of the scene; docs/scene_file.md says what each format states itself.",
        )
    labels = _connected(standing, rise)
    at = np.argwhere(standing)
    label = labels[standing]
    floor = low + (at + 0.5) * cell
    floor[:, 2] -= cell  # the first free cell lies on the floor's cell, whose middle is the best guess of its height
    chosen = _spread(at, label, max(1, round(SPACING / cell)))
    enclosed, room = _enclosure(caster, floor[chosen])
    if start is None:
        weight = np.bincount(label[chosen], enclosed**2, minlength=labels.max() + 1)
        lowest = np.full(len(weight), np.inf)
        np.minimum.at(lowest, label[chosen], floor[chosen, 2])
        order = np.lexsort((lowest, -np.round(weight, 6)))
        home = int(order[0] if order[0] else order[1])
    else:
        away = np.linalg.norm(floor - start, axis=1)
        nearest = int(np.argmin(away))
        if away[nearest] > START_REACH:
            raise GeometryError(
                subject,
                f"nothing to stand on within {START_REACH:g} m of start (nearest: {away[nearest]:.2f} m off)",
                expected="a point on or just above a floor, in the file's own frame and unit",
            )
        home = int(label[nearest])
    mine = label[chosen] == home
    if np.mean(enclosed[mine]) >= INSIDE:
        mine &= enclosed >= ENCLOSED
    places = floor[chosen][mine]
    begin = places[np.argmax(room[mine])] if start is None else places[np.argmin(np.linalg.norm(places - start, axis=1))]
    return Standing(
        places=places,
        start=begin,
        facts=StandingFacts(
            cell_m=round(cell, 4),
            standing_area_m2=round(float((label == home).sum() * cell**2), 2),
            places=len(places),
            enclosed_share=round(float(enclosed[mine].mean()), 4),
            start_in_survey_frame=(round(float(begin[0]), 3), round(float(begin[1]), 3), round(float(begin[2]), 3)),
        ),
    )


def cell_for(points: Float64[np.ndarray, "n 3"], *, subject: str) -> float:
    """Edge of the grid's cells for geometry of this extent [m]; looked at before the geometry is sampled that finely.

    Raises:
        GeometryError: It is no building.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    size = high - low + [2 * CELL, 2 * CELL, 2 * HEADROOM]
    cell = max(CELL, float(np.cbrt(np.prod(size) / MOST_CELLS)))
    if cell > COARSEST or (high - low).max() > LARGEST:
        raise GeometryError(
            subject,
            f"it spans {_size(points)} m",
            expected=f"a building: at most {LARGEST:g} m a side",
            likely="The unit isn't what was said (centimetres?), or a loose part lies far away.",
            next_step="Set 'scale' of the scene, or remove what lies far away.",
        )
    return cell


def _grid(samples: np.ndarray, subject: str) -> tuple[Float64[np.ndarray, "3"], float, Bool[np.ndarray, "nx ny nz"]]:
    cell = cell_for(samples, subject=subject)
    low, high = samples.min(axis=0), samples.max(axis=0)
    low = low - 1.5 * cell  # the lowest points in the middle of their cells: what is level stays in one layer
    shape = np.ceil((high - low + [cell, cell, HEADROOM + cell]) / cell).astype(int) + 1
    occupied = np.zeros(shape, bool)
    occupied[tuple(np.floor((samples - low) / cell).astype(int).T)] = True
    return low, cell, occupied


def _standing(occupied: Bool[np.ndarray, "nx ny nz"], cell: float) -> Bool[np.ndarray, "nx ny nz"]:
    """Free cells right above a floor that have headroom, and nothing in the way of the body."""
    need = max(1, round(HEADROOM / cell))
    reach = BODY_RADIUS / cell
    span = np.arange(-int(reach), int(reach) + 1)
    disc = (span[:, None] ** 2 + span[None, :] ** 2 <= reach**2)[:, :, None]
    wide = ndimage.binary_dilation(occupied, disc)
    above, body = np.zeros(occupied.shape[:2], np.int32), np.zeros(occupied.shape[:2], np.int32)
    first, last = round(BODY_LOW / cell), round(BODY_HIGH / cell)
    free_from = np.zeros(occupied.shape, np.int16)  # run of cells free for the body, upwards from each
    standing = np.zeros(occupied.shape, bool)
    for z in range(occupied.shape[2] - 1, -1, -1):
        above = np.where(occupied[:, :, z], 0, above + 1)
        body = np.where(wide[:, :, z], 0, body + 1)
        free_from[:, :, z] = np.minimum(body, 30_000)
        if z + need >= occupied.shape[2]:
            above = np.where(occupied[:, :, z], 0, np.maximum(above, need))  # the sky above the grid is free
            free_from[:, :, z] = np.where(wide[:, :, z], 0, np.maximum(free_from[:, :, z], last - first + 1))
            body = free_from[:, :, z].astype(np.int32)
        if z == 0:
            break
        standing[:, :, z] = occupied[:, :, z - 1] & (above >= need)
    shifted = np.full(occupied.shape, last - first + 1, np.int16)
    shifted[:, :, : occupied.shape[2] - first] = free_from[:, :, first:]
    return standing & (shifted >= last - first)


def _connected(standing: Bool[np.ndarray, "nx ny nz"], rise: int) -> Int64[np.ndarray, "nx ny nz"]:
    """Labels from 1 of cells that can be walked between, 0 elsewhere: neighbours up to ``rise`` cells apart in height."""
    thick = ndimage.binary_dilation(standing, np.ones((1, 1, 3), bool), iterations=max(1, rise // 2))
    labels, _ = ndimage.label(thick, ndimage.generate_binary_structure(3, 1))
    return np.where(standing, labels, 0).astype(np.int64)


def _spread(at: Int64[np.ndarray, "n 3"], label: Int64[np.ndarray, "n"], block: int) -> Int64[np.ndarray, "k"]:
    """One cell a block of the plan, a storey and a component: the one nearest to the middle of those it stands for."""
    key = np.stack([at[:, 0] // block, at[:, 1] // block, at[:, 2] // (2 * block), label], axis=1)
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.ravel()
    count = np.bincount(group)
    middle = np.stack([np.bincount(group, at[:, axis]) / count for axis in range(3)], axis=1)
    off = np.linalg.norm(at - middle[group], axis=1)
    order = np.lexsort((at[:, 2], at[:, 1], at[:, 0], np.round(off, 6), group))
    return order[np.unique(group[order], return_index=True)[1]]


def _enclosure(caster: RayCaster, places: Float64[np.ndarray, "n 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Share of level directions in which something stands at head height, and the distance to the nearest of it [m]."""
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    directions = np.stack([np.cos(angle), np.sin(angle), np.zeros(AROUND)], axis=1)
    eyes = places + np.array([0, 0, EYE])
    hits = caster.cast(eyes[:, None, :], directions[None, :, :])
    return hits.hit.mean(axis=1), np.nan_to_num(hits.t, nan=0.0).min(axis=1)


def _size(samples: np.ndarray) -> str:
    return " × ".join(f"{side:.3g}" for side in np.ptp(samples, axis=0))
