"""Which worlds are made: true places and graded harm."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.verdicts.building import SEED, Built, Posed, Recorded, build, record
from benchmarks.verdicts.harms import all_grown, drifting, hulls_grown, in_frame, scaled, tilted
from benchmarks.verdicts.places import Place, places
from benchmarks.verdicts.sensors import FAMILIES
from lyra_sim.geometry.rigid import Similarity

GRADES = ("mild", "middling", "strong")
DRIFT = ((0.05, 0.002), (0.2, 0.01), (0.6, 0.03))
"""Degrees and share of its length, for every metre walked. Convention."""
GROWN_M = (0.02, 0.04, 0.06, 0.10)
"""[m]. Convention."""
AT_FIRST = {"offices": "shelf_0", "flat": "cabinet", "workshop": "cabinet"}
"""The piece that is lost."""
TWO = {"offices": ("box_0", "table_1"), "flat": ("island", "coffee_table"), "workshop": ("narrow_north", "bench")}
LOST_DOOR = {"offices": "door", "flat": "living_bedroom", "workshop": "store_back"}
"""That of the offices is walked through; the others are looked through only."""
WIDENED_DOOR = {"offices": "door", "flat": "kitchen_bedroom", "workshop": "hall_store"}
PIT = {"offices": (2.6, 2.0), "flat": (2.0, 1.6), "workshop": (4.9, 2.7)}
"""Middle of a hole in the floor [m]."""
PIT_M = 0.6
MOVED = {"offices": ("crate_0", (1.2, -0.9)), "flat": ("cabinet", (-0.9, -1.4)), "workshop": ("cabinet", (0.9, 1.7))}
"""A piece that stood elsewhere when the world was made, and from where it stands now to there [m]."""


@dataclass(frozen=True)
class Site:
    """A true place, and what is made in it once and used again."""

    place: Place
    folder: Path

    @cached_property
    def clean(self) -> Built:
        """The world without any harm."""
        return self.made("clean", self.place, Recorded())

    @cached_property
    def before(self) -> Built:
        """The world of the place when a piece of furniture stood elsewhere."""
        return self.made("before", _before(self.place), Recorded())

    def made(self, name: str, place: Place, recorded: Recorded) -> Built:
        """A world of pictures of some place."""
        here = self.folder / name.replace(" ", "_")
        return build(record(place, recorded, here / "in", seed=SEED), here / "steps", name=name)

    def believed(self, name: str, place: Place) -> Built:
        """A finished world of a place that is otherwise, beside the true capture."""
        return self.made(name, place, Recorded()).captured_as(self.clean)


Make = Callable[[Site], Built]


def as_built(place: Place) -> Place:
    """The place as it is."""
    return place


def with_pit(place: Place) -> Place:
    """The place with a hole in its floor."""
    return place.with_pit(PIT[place.name], PIT_M)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One world that is to be made."""

    place: str
    family: str
    grade: str
    make: Make
    input_from_place: Similarity
    posed: Posed | None = None
    """Of cameras that drift."""
    share: float = 1.0
    """Of the walk that is walked: only drives between places in its view are asked about."""
    truth: Callable[[Place], Place] = as_built
    """What drives of the truth are in."""

    @property
    def name(self) -> str:
        """A file can be called that."""
        return f"{self.place} {self.family} {self.grade}".replace(" ", "_").replace("%", "pc")


def cases() -> list[Case]:
    """All of them, one place after another within each kind of harm."""
    out: list[Case] = []
    here = Similarity.identity()

    def add(place: str, family: str, grade: str, make: Make, frame: Similarity = here) -> None:
        out.append(Case(place=place, family=family, grade=grade, make=make, input_from_place=frame))

    def from_input(place: str, family: str, grade: str, recorded: Recorded, frame: Similarity = here) -> None:
        add(place, family, grade, lambda site: site.made(f"{family} {grade}", site.place, recorded), frame)

    def drifted(place: str, family: str, grade: str, recorded: Recorded) -> None:
        from_input(place, family, grade, recorded)
        out[-1] = replace(out[-1], posed=recorded.posed, share=recorded.share)

    names = [place.name for place in places()]
    for place in names:
        add(place, "none", "as it is", lambda site: site.clean)
    for place in names:
        add(
            place,
            "furniture lost",
            AT_FIRST[place],
            lambda site: site.believed("lost", site.place.without(AT_FIRST[site.place.name])),
        )
        add(
            place,
            "doorway closed",
            LOST_DOOR[place],
            lambda site: site.believed("closed", site.place.closed(LOST_DOOR[site.place.name])),
        )
        add(
            place,
            "doorway widened",
            "by 0.5 m",
            lambda site: site.believed("wider", site.place.widened(WIDENED_DOOR[site.place.name], 0.5)),
        )
        add(
            place,
            "hole in the floor",
            f"{PIT_M:g} m",
            lambda site: site.believed("pit", with_pit(site.place)),
        )
        out.append(
            Case(
                place=place,
                family="hole closed",
                grade=f"{PIT_M:g} m",
                make=lambda site: site.clean.captured_as(site.made("pit", with_pit(site.place), Recorded())),
                input_from_place=here,
                truth=with_pit,
            )
        )
        add(place, "stale world", "cabinet moved", lambda site: site.before.captured_as(site.clean))
        add(place, "stale map", "cabinet moved", _stale_map)
    for place in names:
        for by in GROWN_M:
            for sign, word in ((1, "grown"), (-1, "shrunk")):
                if place == names[2]:
                    add(place, f"hulls {word}", f"{100 * by:g} cm", lambda site, by=sign * by: _hulls_alone(site.clean, by))
                    continue
                add(place, f"all {word}", f"{100 * by:g} cm", lambda site, by=sign * by: all_grown(site.clean, by))
    for number, (degrees, share) in enumerate(DRIFT):
        drift = drifting(degrees, share)
        for place in names[: 2 if number == 1 else 1]:
            drifted(place, "drift", GRADES[number], Recorded(posed=drift))
        if number:
            drifted(names[0], "drift, no way back", GRADES[number], Recorded(posed=drift, share=0.52))
    for family, sensor in FAMILIES.items():
        for number, grade in enumerate(GRADES):
            from_input(names[number], family, grade, Recorded(sensor=sensor(number)))
    for by in (1.01, 1.03, 1.10):
        frame = scaled(by)
        from_input(names[0], "scale", f"{by - 1:.0%}", Recorded(posed=in_frame(frame), depth_scale=by), frame)
        from_input(names[1], "scale of depth", f"{by - 1:.0%}", Recorded(depth_scale=by))
    for degrees in (1.0, 3.0, 6.0):
        frame = tilted(degrees)
        from_input(names[2], "tilt", f"{degrees:g} deg", Recorded(posed=in_frame(frame)), frame)
    for place in names:
        add(place, "furniture lost", "two pieces", lambda site: site.believed("two", site.place.without(*TWO[site.place.name])))
    return out


def _before(place: Place) -> Place:
    piece, by = MOVED[place.name]
    return place.moved(piece, by)


def _hulls_alone(built: Built, by: float) -> Built:
    return built.with_hulls(hulls_grown(built.collision.colliders.hulls, by))


def _stale_map(site: Site) -> Built:
    """Hulls and looks of the place as it is, the map of before."""
    from lyra_sim.data.colliders import Collision

    hulls, stale = site.clean.collision.colliders, site.before.collision.navigation
    return replace(site.clean, collision=Collision(colliders=hulls, navigation=stale))
