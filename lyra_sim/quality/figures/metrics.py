"""From figures to judged metrics. Units and limits come from the one table in ``limits``."""

import numpy as np

from lyra_sim.data.report import Metric
from lyra_sim.quality.figures.advice import advice_on
from lyra_sim.quality.figures.limits import limit_of, subject_of


def measured(name: str, value: float | int | bool, *, n: int, note: str = "") -> Metric:
    """A metric judged by its limit.

    A figure that isn't finite is a failed measurement, not a good or bad value: it becomes ``not-measured``.

    Args:
        name: Must be in the table of limits.
        value: The figure, in the table's unit.
        n: Samples behind it.
        note: Put before the limit.
    """
    limit = limit_of(name)
    if n == 0 or not np.isfinite(value):
        return not_measured(name, limit.unit, note or "no samples")
    plain = int(value) if isinstance(value, bool | int | np.integer | np.bool_) else round(float(value), 9)
    words = "; ".join(part for part in (note, limit.describe()) if part)
    verdict = limit.judge(float(value))
    return Metric(
        name=name,
        value=plain,
        unit=limit.unit,
        n=int(n),
        verdict=verdict,
        note=words,
        subject=subject_of(name),
        advice="" if verdict == "pass" else advice_on(name),
    )


def not_measured(name: str, unit: str, why: str) -> Metric:
    """A metric that couldn't be taken; counts as a warning, never as a pass."""
    return Metric(name=name, value=None, unit=unit, n=0, verdict="not-measured", note=why, subject=subject_of(name))
