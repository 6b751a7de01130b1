"""What rooms and people are usually like, as weak evidence of the scale: it helps where nobody said anything, and doubts.

Doors aren't among it. A clear height of 2.0 to 2.1 m is the narrowest custom there is, but the door heads that surface samples
show can't be told from window heads, shelves and cupboard tops without knowing the scale first.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, hypot, log

from lyra_sim.data.scale import ScaleEstimate, ScaleEvidence

CEILING, CEILING_SIGMA = 2.5, 0.15
"""Dwellings and offices have ceilings of 2.3 to 3 m; halls don't, which is why this never outvotes anything [m, relative].
Convention."""
HELD, HELD_SIGMA = 1.5, 0.15
"""People film at breast to eye height, robots don't [m, relative]. Convention."""
VAGUE_SIGMA = 0.1
"""Stated evidence less sure than this is helped by a custom that it doesn't contradict. Convention."""
DISAGREE = 3.0
"""A custom contradicts a scale that lies further from it than this many combined standard deviations. Convention."""
CONFIRM = 2.0
"""A ceiling confirms an assumed camera height when both customs agree to within this many combined standard deviations.
Convention."""


def customs(*, ceiling_height: float | None, camera_height: float | None) -> tuple[ScaleEvidence, ...]:
    """What custom says of the unit these heights above the floor are in [frame units]; nothing without a ceiling.

    Under the sky cameras stand on tripods, masts and cars, so their height alone tells too little. Virtual
    cameras (None) stand where we put them, in whatever unit was stated: they tell nothing.
    """
    if ceiling_height is None or (camera_height is not None and camera_height <= 0):
        return ()
    ceiling = _custom(CEILING / ceiling_height, CEILING_SIGMA, f"usual ceiling {CEILING:g} m")
    if camera_height is None:
        return (ceiling,)
    return ceiling, _custom(HELD / camera_height, HELD_SIGMA, f"usual camera height {HELD:g} m")


def weigh_customs(scale: ScaleEstimate, found: Sequence[ScaleEvidence]) -> ScaleEstimate:
    """The scale with customs beside it: recorded always, weighed only where what stands is assumed or vague.

    An assumed camera height and a usual ceiling that confirm each other are better than either. Where they don't, it may be a
    hall filmed by a person or a home filmed by a robot, and nobody can tell: the assumption stays as vague as it was. A
    ceiling helps stated evidence that is vague, unless the two contradict each other.
    """
    if not found:
        return scale
    ceiling = found[0]
    stated = scale.evidence
    if scale.assumed:
        guess = _custom(scale.metres_per_unit, scale.sigma_relative, scale.source)
        helps = ceiling.sigmas_off(scale.metres_per_unit, HELD_SIGMA) <= CONFIRM
        stated, found = (replace(guess, used=True),), found[:1]  # the usual camera height is what was assumed
    else:
        helps = (
            scale.sigma_relative > VAGUE_SIGMA and ceiling.sigmas_off(scale.metres_per_unit, scale.sigma_relative) <= DISAGREE
        )
    if not helps:
        return replace(scale, evidence=(*stated, *found))
    weights = scale.sigma_relative**-2, ceiling.sigma_relative**-2
    shift = weights[1] / sum(weights) * log(ceiling.metres_per_unit / scale.metres_per_unit)
    return replace(
        scale,
        metres_per_unit=scale.metres_per_unit * exp(shift),
        sigma_relative=scale.sigma_relative * ceiling.sigma_relative / hypot(scale.sigma_relative, ceiling.sigma_relative),
        source=f"{scale.source} + {ceiling.source}",
        evidence=(*stated, replace(ceiling, used=True), *found[1:]),
    )


def _custom(metres_per_unit: float, sigma_relative: float, source: str) -> ScaleEvidence:
    return ScaleEvidence(metres_per_unit=metres_per_unit, sigma_relative=sigma_relative, source=source, used=False, custom=True)
