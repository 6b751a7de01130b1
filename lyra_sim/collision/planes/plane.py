"""A floor, ceiling or wall as a plane, with the measured samples that lie on it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.colliders import PlaneFacts

SAMPLE_AREA = 0.0025
"""Area one surface sample stands for [m^2]: a 5 cm square. Convention."""
INLIER_DISTANCE = 0.03
"""A sample this near to a plane belongs to it [m]. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """``normal . x = offset``, the normal pointing out of the matter into the room."""

    kind: Literal["floor", "ceiling", "wall"]
    normal: Float64[np.ndarray, "3"]
    """Unit vector. Horizontal for walls; within a degree or two of vertical for floors and ceilings."""
    offset: float
    """[m]"""
    points: Float64[np.ndarray, "n 3"]
    """Measured surface samples that lie on it [m]."""
    role: Literal["level", "ramp", "step"] = "level"
    """What a floor is: a level one stands on, or a way between two. Walls and ceilings keep the default."""

    @property
    def area(self) -> float:
        """Seen area [m^2]."""
        return len(self.points) * SAMPLE_AREA

    @property
    def height(self) -> float:
        """Median z of its samples [m]."""
        return float(np.median(self.points[:, 2]))

    def distance(self, points: np.ndarray) -> Float64[np.ndarray, "n"]:
        """Signed distance [m]; positive in the room."""
        return np.asarray(points, np.float64) @ self.normal - self.offset

    def facts(self) -> PlaneFacts:
        residual = float(np.sqrt(np.mean(self.distance(self.points) ** 2)))
        x, y, z = (round(float(value), 6) for value in self.normal)
        return PlaneFacts(
            kind=self.kind,
            role=None if self.role == "level" else self.role,
            normal=(x, y, z),
            offset=round(self.offset, 5),
            area=round(self.area, 3),
            rms=round(residual, 5),
        )
