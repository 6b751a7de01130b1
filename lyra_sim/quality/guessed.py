"""Worlds that were guessed from one picture: what a robot does in them follows from the guess, and says nothing of the place.

Tables are painted on such a floor, and a robot drives through them on every route. So nothing about where it gets is a figure:
it is left unmeasured, with the reason, and the world isn't assessed for driving. What the package is in itself (closed, valid,
hulls where its mesh is) is measured as ever, and may fail.
"""

from collections.abc import Iterable
from fnmatch import fnmatch

from lyra_sim.data.report import Metric
from lyra_sim.quality.figures.metrics import not_measured

WHY = "not assessed: guessed from one photo, and nothing tells what stands there"
"""Note of every figure that such a world doesn't get. Convention."""
GETTING_THERE = (
    "navigation.*",
    "physics.robot_*",
    "physics.agreement",
    "physics.*.routes_driven",
    "physics.*.length_error",
    "physics.*.cross_track",
    "physics.*.upright",
)
"""Figures about where a robot gets. Convention."""
OF_THE_PACKAGE = "navigation.map_physics_disagreement"
"""… but not this one: a map that engines contradict is wrong, whatever it is a map of. Convention."""


def without_navigation(metrics: Iterable[Metric]) -> list[Metric]:
    """The same figures, those about where a robot gets not measured."""
    return [
        not_measured(metric.name, metric.unit, WHY)
        if metric.name != OF_THE_PACKAGE and any(fnmatch(metric.name, pattern) for pattern in GETTING_THERE)
        else metric
        for metric in metrics
    ]
