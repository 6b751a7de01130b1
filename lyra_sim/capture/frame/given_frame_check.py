"""Is the stated up axis of given geometry the one it stands on? Six axes are tried, and each is judged by what it would mean.

Up is the axis that has the most level floor with headroom between walls; that things stand on, where their tops are seen from
a person's height; that nothing hangs over in mid-air; and whose floor can be walked across. A room on its side has walls for
a floor and furniture that floats; a room upside down has lintels and beams across its floor, and tables over its head.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lyra_sim.capture.frame.stated_frame import AXES
from lyra_sim.errors import FrameError
from lyra_sim.rendering.ray_casting import RayCaster

SAMPLES, PLACES, LOOKS, AROUND = 6000, 160, 400, 16
"""Points of the surface, places to look from, directions looked in, and level ones among them. Convention."""
LEVEL_DEG = 20.0
"""Surface that is steeper than this isn't level. Convention."""
HEADROOM, EYE, KNEE = 1.5, 1.2, 0.3
"""Free height over a floor, and the heights above it that are looked from and walked at [m]. Convention."""
OPEN_WEIGHT = 0.1
"""Level surface that nothing stands around counts so much of what walls stand around. Tuned, unrecorded."""
TOP_LOW, TOP_HIGH = 0.2, 1.15
"""Heights of tops that are seen from ``EYE``: of tables, beds, crates [m]. Tuned, unrecorded."""
UNDER_CEILING = 0.6
"""Lamps, beams and lintels hang within this of a ceiling [m]; what shows its underside lower than that hangs in mid-air.
Tuned, unrecorded."""
SOFT = 0.008
"""Share of the looks that chance makes: one look in 125. Tuned, unrecorded."""
LOWEST_CEILING = 2.2
"""Under less clear height nobody lives or works [m]. Convention."""
SAME_STOREY = 0.25
"""Places are of one floor within this height [m]. Tuned, unrecorded."""
CLEARLY = 1.0
"""Difference of scores from which the stated axis is refused. Of 65 generated places of 13 kinds and the two AWS scenes no
right axis is refused: 0.67 is the worst, of a corridor higher than wide. Of their wrong axes 9 in 10 are; what stays is halls
with beams, and rooms whose upside-down looks like themselves. Tuned on generated places and the AWS worlds."""
ALIKE = 0.7
"""Axes whose scores differ by less are named together. Tuned on livingroom and the AWS worlds."""


@dataclass(frozen=True, kw_only=True)
class AxisSigns:
    """What one axis as up would mean."""

    axis: str
    """In the frame of the surface that was looked at."""
    level_area: float
    """Level surface with headroom [m^2]."""
    enclosed_area: float
    """The same, each part weighted by the square of the share of directions something stands in at eye height [m^2]."""
    tops: float
    """Share of the looks that end on a top between ``TOP_LOW`` and ``TOP_HIGH``, 0..1."""
    hanging: float
    """Share that end on an underside above the eye and well below the ceiling, 0..1."""
    walkable: float
    """Share of the places that see each other at knee height, the largest group of them, 0..1."""
    clear_height: float
    """Median over the places [m]; infinite under the sky."""

    @property
    def floor(self) -> float:
        """Level surface with headroom, mostly that between walls [m^2]."""
        return self.enclosed_area + OPEN_WEIGHT * self.level_area

    @property
    def score(self) -> float:
        """Higher is likelier; differences are logarithms of odds, roughly."""
        low = min(0.0, 6 * log(self.clear_height / LOWEST_CEILING)) if self.clear_height > 0 else -10.0
        return 1.5 * log(self.floor + 1e-3) + log((self.tops + SOFT) / (self.hanging + SOFT)) + log(self.walkable + 0.05) + low


def axis_signs(
    vertices: Float[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"], caster: RayCaster, *, seed: int
) -> dict[str, AxisSigns]:
    """The signs of all six axes, by name.

    Args:
        vertices: Metres.
        faces: Wound anyhow.
        caster: The same surface.
        seed: Of the points that are looked at.
    """
    corners = np.asarray(vertices, np.float64)[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled = np.linalg.norm(across, axis=1)
    normals = across / np.maximum(doubled[:, None], 1e-20)
    total = np.cumsum(doubled / 2)
    rng = np.random.default_rng(seed)
    face = np.minimum(np.searchsorted(total, (np.arange(SAMPLES) + 0.5) / SAMPLES * total[-1]), len(faces) - 1)
    u, v = np.sqrt(rng.random(SAMPLES)), rng.random(SAMPLES)
    points = np.einsum("nk,nkc->nc", np.stack([1 - u, u * (1 - v), u * v], axis=1), corners[face])
    each = float(total[-1]) / SAMPLES
    return {name: _signs(name, points, normals[face], normals, caster, each) for name in AXES}


def check_stated_up(signs: dict[str, AxisSigns], *, stated: str, names: dict[str, str], said: str, scene: str) -> None:
    """A FrameError that names the axis that would fit, where one fits clearly better than the stated one.

    On its side a place has less floor than upright, whatever its shelves look like then: such an axis has to have more of it
    than the stated one. Upside down it may have less, for nothing stands on a ceiling.

    Args:
        signs: Of all six axes.
        stated: The one that was stated, as ``signs`` calls it.
        names: What the scene file calls each.
        said: Where the stated one comes from.
        scene: For the message.

    Raises:
        FrameError: One does.
    """
    read = signs[stated]
    upside_down = stated[1:] if stated.startswith("-") else f"-{stated}"
    rivals = [one for one in signs.values() if one.axis in (stated, upside_down) or one.floor >= read.floor]
    best = max(rivals, key=lambda one: one.score)
    if best.score - read.score < CLEARLY:
        return
    fitting = sorted((one for one in rivals if best.score - one.score < ALIKE), key=lambda one: -one.score)
    named = " or ".join(names[one.axis] for one in fitting)
    raise FrameError(
        f"scene '{scene}': up",
        f"up is {said}, which gives {_told(read)}; {names[best.axis]} would give {_told(best)}",
        expected="the axis that most floor is level across, and that things stand on",
        likely=f"Up is {named}.",
        next_step=f"Set up: {named} for scene '{scene}'; or, if {names[stated]} is right, state a 'start' on the "
        "floor inside, which settles it.",
    )


def _told(signs: AxisSigns) -> str:
    words = (
        f"{signs.enclosed_area:.3g} m² of level floor between walls" if signs.enclosed_area >= 1 else "no floor between walls"
    )
    if signs.level_area > 2.5 * signs.enclosed_area:
        words += f" ({signs.level_area:.3g} m² in all)"
    return f"{words}, {signs.tops:.1%} of what is seen tops of things and {signs.hanging:.1%} undersides in mid-air"


def _signs(
    axis: str,
    points: Float64[np.ndarray, "n 3"],
    normals: Float64[np.ndarray, "n 3"],
    of_faces: Float64[np.ndarray, "f 3"],
    caster: RayCaster,
    each: float,
) -> AxisSigns:
    up = np.array(AXES[axis], np.float64)
    level = points[np.abs(normals @ up) > np.cos(np.radians(LEVEL_DEG))]
    free = _run(caster, level + 0.01 * up, up)
    floor, clear = level[free >= HEADROOM], free[free >= HEADROOM]
    if len(floor) == 0:
        return AxisSigns(axis=axis, level_area=0, enclosed_area=0, tops=0, hanging=0, walkable=0, clear_height=0)
    frame = np.stack([np.roll(up, 1), np.cross(up, np.roll(up, 1)), up])
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    around = np.stack([np.cos(angle), np.sin(angle), np.zeros(AROUND)], axis=1) @ frame
    enclosed = caster.cast((floor + EYE * up)[:, None], around[None]).hit.mean(axis=1)
    weight = np.cumsum(enclosed**2 + OPEN_WEIGHT / 2)
    chosen = np.minimum(np.searchsorted(weight, (np.arange(PLACES) + 0.5) / PLACES * weight[-1]), len(floor) - 1)
    places, clear = floor[chosen], clear[chosen]
    looks = _sphere(LOOKS) @ frame
    seen = caster.cast((places + EYE * up)[:, None], looks[None])
    normal = of_faces[np.maximum(seen.face, 0)]
    facing = -np.sign(np.einsum("plk,lk->pl", normal, looks)) * (normal @ up)  # of the side that is looked at
    height = EYE + np.nan_to_num(seen.t) * (looks @ up)
    tops = seen.hit & (facing > 0.9) & (height > TOP_LOW) & (height < TOP_HIGH)
    hanging = seen.hit & (facing < -0.9) & (height > EYE) & (height < clear[:, None] - UNDER_CEILING)
    return AxisSigns(
        axis=axis,
        level_area=len(floor) * each,
        enclosed_area=float((enclosed**2).sum()) * each,
        tops=float(tops.mean()),
        hanging=float(hanging.mean()),
        walkable=_walkable(caster, places, up),
        clear_height=float(np.median(clear)),
    )


def _run(
    caster: RayCaster, origins: Float64[np.ndarray, "n 3"], direction: Float64[np.ndarray, "3"]
) -> Float32[np.ndarray, "n"]:
    """Length of the way that is free in one direction [m]; infinite where nothing lies there."""
    t = caster.cast(origins, direction[None]).t
    return np.where(np.isnan(t), np.float32(np.inf), t)


def _walkable(caster: RayCaster, places: Float64[np.ndarray, "n 3"], up: Float64[np.ndarray, "3"]) -> float:
    """Share of the places in the largest group that hangs together by straight free ways at knee height."""
    i, j = np.triu_indices(len(places), k=1)
    near = np.abs((places[j] - places[i]) @ up) < SAME_STOREY
    i, j = i[near], j[near]
    way = places[j] - places[i]
    t = caster.cast(places[i] + KNEE * up, way).t
    free = np.isnan(t) | (t >= 1)
    links = coo_array((np.ones(int(free.sum())), (i[free], j[free])), shape=(len(places), len(places)))
    _, label = connected_components(links, directed=False)
    return float(np.bincount(label).max()) / len(places)


def _sphere(count: int) -> Float64[np.ndarray, "n 3"]:
    """Directions spread evenly (a Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, k * np.pi * (3 - np.sqrt(5))
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
