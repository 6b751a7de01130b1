"""One world, judged twice: by its own figures, and by drives in the true place."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from benchmarks.twins.statistics import wilson
from benchmarks.verdicts.building import ROBOT, Built, report_without_engines
from benchmarks.verdicts.cases import Case
from benchmarks.verdicts.drives import (
    DRIVES,
    SAME_M,
    Bend,
    Drives,
    Ground,
    draw_drives,
    ends_in_world,
    ground_of,
    in_view,
    passable,
    route_in_place,
    wrong_spot,
)
from benchmarks.verdicts.places import Place
from lyra_sim.data.colliders import Hull
from lyra_sim.data.report import PROOF, Report
from lyra_sim.quality.figures.limits import limit_of

Verdict = Literal["pass", "fail", "not-assessed", "refused"]

LEAST_SAME = 0.95
"""A world with a smaller share of drives that end as in the place is bad. Convention."""
ENGINES = frozenset({"physics.engines"})
"""Of the proof, what is left out here."""
ROUTE_SLACK_M = 0.05
"""A planned route may be this much narrower in the place than the map says: a cell [m]. Convention."""
DRAWN = 3
"""Seed of the drives. Convention."""
BENT_M = 1.5
"""Drift carries nothing farther out of the place than this [m]. Convention."""
AROUND_M = 0.1
"""Raster beyond the place's air [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of one world."""

    name: str
    place: str
    family: str
    grade: str
    verdict: Verdict
    failed: list[str] = field(default_factory=list)
    """Driving figures that fail."""
    same: float | None = None
    """Share of drives that end as in the place."""
    same_by_plan: float | None = None
    """The same where drifting cameras are not asked where a start lies: by one frame for the whole place."""
    drives: int = 0
    routes_free: float | None = None
    """Share of the world's planned routes that the place lets through; None without any."""
    spot: tuple[float, float] | None = None
    """Where most drives end elsewhere [m]."""
    figures: dict[str, float] = field(default_factory=dict)
    """Driving figures that were measured."""
    why: str = ""
    """It was refused."""
    seconds: float = 0.0

    @property
    def bad(self) -> bool:
        """Robots end elsewhere, or its map sends them into things."""
        return (self.same or 0.0) < LEAST_SAME or (self.routes_free is not None and self.routes_free < LEAST_SAME)

    @property
    def between(self) -> bool:
        """The interval of its share holds the border: with other drives it might have been on the other side."""
        low, high = wilson(round((self.same or 0.0) * self.drives), self.drives)
        stale = self.routes_free is not None and self.routes_free < LEAST_SAME
        return low < LEAST_SAME <= high and not stale

    @property
    def truth(self) -> Literal["good", "bad", "wrong in a spot", "unknown"]:
        """By its drives; a world that is right about most of a place and wrong about one thing in it is told apart."""
        if self.same is None:
            return "unknown"
        return "bad" if self.bad else "good" if self.spot is None else "wrong in a spot"

    def to_json(self) -> dict:
        return asdict(self)


def verdict_without_engines(report: Report) -> Verdict:
    """What ``fit_for_driving`` would say if the engines found nothing wrong: they can only add failures."""
    driving = [metric for metric in report.metrics if metric.subject == "driving"]
    if any(metric.verdict == "fail" for metric in driving):
        return "fail"
    known = {metric.name for metric in driving if metric.verdict != "not-measured"}
    return "pass" if known >= set(PROOF) - ENGINES else "not-assessed"


def by_present_limits(row: Row) -> Row:
    """What the limits of today say of figures that were measured before: a limit that moved needs no world built again."""
    if row.verdict == "refused":
        return row
    failed = [name for name, value in row.figures.items() if limit_of(name).judge(value) == "fail"]
    proven = set(row.figures) >= set(PROOF) - ENGINES
    return replace(row, failed=failed, verdict="fail" if failed else "pass" if proven else "not-assessed")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The true place as drives see it."""

    ground: Ground
    drives: Drives
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, place: Place) -> "Truth":
        low, high = place.low[:2] - AROUND_M, place.high[:2] + AROUND_M
        ground = ground_of(place.solid, low=low, high=high, robot=ROBOT)
        near = place.cameras.centres[:, :2]
        drives = draw_drives(ground, near=near, radius=ROBOT.radius, count=DRIVES, seed=DRAWN)
        return cls(ground=ground, drives=drives, low=low, high=high)


def _alike(there: Float64[np.ndarray, "n 2"], here: Float64[np.ndarray, "n 2"]) -> float:
    return float((np.linalg.norm(there - here, axis=1) <= SAME_M).mean())


def judged(case: Case, built: Built, truth: Truth, place: Place) -> Row:
    """A world's verdict and its truth."""
    from lyra_sim.collision.convex.containment import HullSet

    report = report_without_engines(built, name=case.name)
    navigation = built.collision.navigation
    world_from_input = built.world.world_from_input @ case.input_from_place
    bend = None if case.posed is None else Bend.of(place.cameras.c2w, case.posed(place.cameras.c2w))
    wider = 0.0 if bend is None else BENT_M

    def ground(hulls: Sequence[Hull]) -> Ground:
        return ground_of(
            HullSet.of(hulls).contains,
            low=truth.low - wider,
            high=truth.high + wider,
            robot=ROBOT,
            owner_from_place=world_from_input,
            floor=navigation.floor,
        )

    hulls = built.collision.colliders.hulls
    world = ground(hulls)
    drives = truth.drives
    there = truth.ground.ends(drives, ROBOT.radius)
    if case.share < 1:
        walked = place.cameras.centres[: round(case.share * len(place.cameras)), :2]
        known = in_view(truth.ground, drives.start, walked) & in_view(truth.ground, there, walked)
        unfenced = ground([hull for hull in hulls if hull.label != "unseen"])
        ends = [ends_in_world(one, drives, radius=ROBOT.radius, bend=bend) for one in (world, unfenced)]
        known &= np.linalg.norm(ends[0] - ends[1], axis=1) <= SAME_M
        drives, there = drives.select(known), there[known]
    here = ends_in_world(world, drives, radius=ROBOT.radius, bend=bend)
    by_plan = world.ends(drives, ROBOT.radius)
    free = []
    for route in navigation.routes:
        xyz = np.c_[route.waypoints, navigation.floor_height(route.waypoints)]
        run = route_in_place(world_from_input.inverse.apply(xyz)[:, :2], bend)
        free.append(passable(truth.ground, run, radius=ROBOT.radius - ROUTE_SLACK_M))
    driving = [metric for metric in report.metrics if metric.subject == "driving"]
    return Row(
        name=case.name,
        place=case.place,
        family=case.family,
        grade=case.grade,
        verdict=verdict_without_engines(report),
        failed=[metric.name for metric in driving if metric.verdict == "fail"],
        same=_alike(there, here),
        same_by_plan=_alike(there, by_plan),
        drives=len(there),
        routes_free=float(np.mean(free)) if free else None,
        spot=wrong_spot(there, here),
        figures={metric.name: float(metric.value) for metric in driving if metric.value is not None},
    )
