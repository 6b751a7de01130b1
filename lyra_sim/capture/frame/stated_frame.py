"""Which way up given geometry stands, and how long its unit is: stated by the user or by its format, never guessed.

Virtual cameras are put where a person's eyes would be, so their height over the floor tells nothing.
"""

import numpy as np

from lyra_sim.capture.frame.stated import Stated
from lyra_sim.data.capture import UpAxis
from lyra_sim.data.scale import METRIC_SIGMA, ScaleEstimate, ScaleEvidence, combine
from lyra_sim.errors import SpecError
from lyra_sim.geometry.rigid import Similarity, rotation_between
from lyra_sim.scene.sources import MetricScale

AXES: dict[str, tuple[float, float, float]] = {
    "x": (1, 0, 0),
    "y": (0, 1, 0),
    "z": (0, 0, 1),
    "-x": (-1, 0, 0),
    "-y": (0, -1, 0),
    "-z": (0, 0, -1),
}


def given_frame(
    stated: Stated, *, metres_per_unit: float | None, up: UpAxis | None, source: str
) -> tuple[Similarity, ScaleEstimate, str]:
    """``world_from_capture``, the scale behind it and where up comes from.

    Args:
        stated: What the scene file says of ``scale`` and ``up``; it wins.
        metres_per_unit: What the format says; None: nothing.
        up: The same of the up axis.
        source: What the two rest on.

    Raises:
        SpecError: Neither says it.
    """
    scale = _scale(stated, metres_per_unit, source)
    axis = stated.up if stated.up != "auto" else up
    if axis is None:
        raise SpecError(
            stated.subject("up"),
            f"nothing says which axis of the {source} points up",
            expected="up: x, y, z, -x, -y or -z",
            likely="Only GLB and USD say it themselves. 3DGS trainers mostly keep COLMAP's frame, where up is about -y.",
        )
    said = f"declared {axis}" if stated.up != "auto" else f"{axis}, as the {source} says"
    rotation = rotation_between(np.array(AXES[axis], np.float64), np.array([0.0, 0.0, 1.0]))
    return Similarity(scale=scale.metres_per_unit, rotation=rotation, translation=np.zeros(3)), scale, said


def axes_of_file(world_from_capture: Similarity) -> dict[str, str]:
    """What the file calls each axis of the world, by name."""
    names = {}
    for name, axis in AXES.items():
        in_file = world_from_capture.rotation.T @ np.array(axis, np.float64)
        names[name] = max(AXES, key=lambda other: float(in_file @ AXES[other]))
    return names


def _scale(stated: Stated, metres_per_unit: float | None, source: str) -> ScaleEstimate:
    evidence = []
    for piece in stated.scales:
        if not isinstance(piece, MetricScale):
            raise SpecError(
                stated.subject("scale"),
                "a camera height, markers or a distance between pixels, but the views are virtual",
                expected="metric, or metres_per_unit",
            )
        value = piece.metres_per_unit
        said = f"declared {value:g} m per unit"
        evidence.append(ScaleEvidence(metres_per_unit=value, sigma_relative=piece.sigma_relative, source=said))
    if stated.scale == "metric":
        evidence.append(ScaleEvidence(metres_per_unit=1.0, sigma_relative=METRIC_SIGMA, source="declared metric"))
    if stated.scale == "auto" and metres_per_unit is not None:
        evidence.append(ScaleEvidence(metres_per_unit=metres_per_unit, sigma_relative=0.0, source=f"unit of the {source}"))
    if not evidence:
        raise SpecError(
            stated.subject("scale"),
            f"nothing says how long a unit of the {source} is",
            expected="scale: metric, or {metres_per_unit: …}",
            likely="Only GLB and USD say it themselves.",
        )
    return combine(evidence, subject=stated.subject("scale"))
