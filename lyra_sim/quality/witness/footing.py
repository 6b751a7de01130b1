"""Did the survey of a given mesh stand on its floor, upright and inside? Asked again, of the second reading.

Hulls, map and witness agree about a house that was built on its ceiling, about the roof over its rooms, and about a bed in a
model without floors: all of it is really there. So what capture asks before it looks is asked again of what came out, by where
the world says its floor is and its cameras stood, whatever capture made of it.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.frame.given_frame_check import axis_signs, check_stated_up
from lyra_sim.capture.frame.stated_frame import AXES
from lyra_sim.capture.survey.given_floor_check import check_floor, check_not_on_a_roof
from lyra_sim.capture.survey.standing_room import AROUND, EYE, Standing
from lyra_sim.data.capture import StandingFacts
from lyra_sim.data.report import Metric
from lyra_sim.errors import LyraSimError
from lyra_sim.quality.figures.metrics import measured
from lyra_sim.quality.witness.given_surface import SecondReading
from lyra_sim.rendering.ray_casting import RayCaster

SCENE = "this world"
"""In messages of which only what was found is told. Convention."""
CELL_M = 0.1
"""Edge of the cells that standing area is counted in [m]. Convention."""


def footing_metric(
    reading: SecondReading, centres: Float64[np.ndarray, "c 3"], *, start: bool, cameras: bool, seed: int
) -> Metric:
    """How many of three things speak against the floor: another axis fits better, the floor is missing, it is a roof.

    Args:
        reading: In the metric world, whose floor is z = 0.
        centres: Of the cameras [m].
        start: One was stated, which settles which way is up and that one may stand there.
        cameras: They were stated, and stand on nothing.
        seed: Of the points by which the axis is doubted.
    """
    surface = reading.other or reading.own
    caster = RayCaster(surface.vertices, surface.faces)
    used = surface.vertices[np.unique(surface.faces)]
    standing = _standing(centres, caster)
    low, high = used.min(axis=0), used.max(axis=0)

    def upright() -> None:
        signs = axis_signs(surface.vertices, surface.faces, caster, seed=seed)
        check_stated_up(signs, stated="z", names={axis: axis for axis in AXES}, said="z", scene=SCENE)

    asked: list[Callable[[], None]] = []
    if not cameras:
        asked.append(lambda: check_floor(standing, caster, low, high, scene=SCENE))
    if not start:
        asked.append(upright)
    if not cameras and not start:
        asked.append(lambda: check_not_on_a_roof(standing, caster, float(low[2]), scene=SCENE))
    told = [found for question in asked if (found := _told(question))]
    return measured("witness.footing", len(told), n=len(centres), note="; ".join(told))


def _told(question: Callable[[], None]) -> str:
    """What speaks against it; empty: nothing does."""
    try:
        question()
    except LyraSimError as error:
        return error.found
    return ""


def _standing(centres: Float64[np.ndarray, "c 3"], caster: RayCaster) -> Standing:
    """On the floor below each camera."""
    places = centres * [1.0, 1.0, 0.0]
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    around = np.stack([np.cos(angle), np.sin(angle), np.zeros(AROUND)], axis=1)
    enclosed = caster.cast((places + np.array([0.0, 0.0, EYE]))[:, None], around[None]).hit.mean()
    cells = len(np.unique(np.floor(places[:, :2] / CELL_M), axis=0))
    facts = StandingFacts(
        cell_m=CELL_M,
        standing_area_m2=cells * CELL_M**2,
        places=len(places),
        enclosed_share=float(enclosed),
        start_in_survey_frame=(float(places[0, 0]), float(places[0, 1]), 0.0),
    )
    return Standing(places=places, start=places[0], facts=facts)
