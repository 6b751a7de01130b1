"""Is what a survey stands on a floor? A bed isn't, in a model without floors, and neither is the roof over the rooms."""

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.survey.standing_room import AROUND, EYE, Standing
from lyra_sim.errors import GeometryError
from lyra_sim.rendering.ray_casting import RayCaster

ASKED = 4000
"""Points of the plan that are asked, on a grid. Convention."""
BETWEEN_WALLS = 0.75
"""A point of the plan is inside where something stands in so many of the level directions at eye height. Tuned, unrecorded."""
VOID = 0.5
"""Inside, nothing at all lies below at most this share of the plan. Generated rooms and both AWS scenes reach 0.02, a scan
with a bed that hides the floor 0.2. Tuned on generated rooms and the AWS worlds."""
OUTSIDE = 0.25
"""Places with something around in less than this share of the directions are outside. Tuned, unrecorded."""
HOLLOW = 1.5
"""A roof lies at least this far above the lowest surface below it [m]. Convention."""
ON_A_ROOF = 0.6
"""Share of the places outside that have as much below them, from which they are a roof. Tuned, unrecorded."""


def check_floor(
    standing: Standing, caster: RayCaster, low: Float64[np.ndarray, "3"], high: Float64[np.ndarray, "3"], *, scene: str
) -> None:
    """A GeometryError where most of the plan between walls has no floor, at the height that the survey would stand at.

    Args:
        standing: Where it would stand.
        caster: The surface, metres, z up.
        low: Least corner of the surface.
        high: Largest one.
        scene: For the message.

    Raises:
        GeometryError: It has none.
    """
    side = float(np.sqrt(np.prod(high[:2] - low[:2]) / ASKED))
    lines = [np.arange(low[k] + side / 2, high[k], side) for k in (0, 1)]
    x, y = (line.ravel() for line in np.meshgrid(*lines, indexing="ij"))
    eyes = np.stack([x, y, np.full(len(x), standing.start[2] + EYE)], axis=1)
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    around = np.stack([np.cos(angle), np.sin(angle), np.zeros(AROUND)], axis=1)
    inside = eyes[caster.cast(eyes[:, None], around[None]).hit.mean(axis=1) >= BETWEEN_WALLS]
    if len(inside) == 0:
        return
    void = ~caster.cast(inside, np.array([[0.0, 0.0, -1.0]])).hit
    if void.mean() <= VOID:
        return
    below = float(standing.start[2] - low[2])
    reach = f" that reach {below:.1f} m below it" if below > 0.1 else ""
    raise GeometryError(
        f"scene '{scene}'",
        f"the largest level surface inside is {standing.facts.standing_area_m2:.2g} m² of {len(inside) * side**2:.0f} m² "
        f"between walls{reach}: the floor is missing",
        expected=f"something below at least {1 - VOID:.0%} of what lies between walls",
        likely="The model was exported without its floors, as room plans often are; what was found is a bed or a cupboard.",
        next_step="Export the floor as well, or add a level face at the walls' foot.",
    )


def check_not_on_a_roof(standing: Standing, caster: RayCaster, lowest: float, *, scene: str) -> None:
    """A GeometryError where nothing stands around the places and most of the surface lies below them.

    Args:
        standing: Where the survey would stand.
        caster: The surface, metres, z up.
        lowest: Least z of it.
        scene: For the message.

    Raises:
        GeometryError: It is a roof.
    """
    if standing.facts.enclosed_share >= OUTSIDE:
        return
    ground = standing.places.copy()
    ground[:, 2] = lowest - 1
    first = caster.cast(ground, np.array([[0.0, 0.0, 1.0]])).t + lowest - 1
    with np.errstate(invalid="ignore"):
        over = standing.places[:, 2] - first >= HOLLOW
    if over.mean() < ON_A_ROOF:
        return
    around, deep = standing.facts.enclosed_share, float(np.nanmedian(standing.places[:, 2] - first))
    raise GeometryError(
        f"scene '{scene}'",
        f"the survey would stand at z = {standing.start[2]:.2f} m, with something around it in {around:.0%} of the directions "
        f"and {deep:.1f} m of the scene below {over.mean():.0%} of the places: on a roof",
        expected="a floor inside",
        likely="No place inside has room to stand: it is full of floating splats or loose faces, or its floor is missing.",
        next_step="Clear the inside; or, if this is the place that is meant, state a 'start' there.",
    )
