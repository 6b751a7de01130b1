"""What the gate asks of a physics engine. Which engines there are stands in the plug-in table, kind ``physics``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True, kw_only=True)
class Poses:
    """World poses of bodies, in the order they were asked for."""

    positions: Float64[np.ndarray, "n 3"]
    """Body origins (not centres of mass) [m]."""
    quats_wxyz: Float64[np.ndarray, "n 4"]
    """world_from_body, scalar first."""


@runtime_checkable
class Engine(Protocol):
    """One stage in one engine. SI units throughout: metres, radians, seconds; z up.

    Each implementation converts what its engine wants (PhysX takes degrees, Newton radians) and nothing
    outside it ever sees those units. One at a time: engines keep process-wide state.
    """

    version: str
    """Engine and solver with their versions, for the record."""
    max_dt: float
    """Longest step [s] the engine is trusted with."""

    def __init__(self, stage: Path, *, bodies: Sequence[str], wheel_joints: Sequence[str]) -> None:
        """Load ``stage``; ``bodies`` and ``wheel_joints`` are prim paths that fix the order of everything else."""

    def poses(self) -> Poses:
        """Where every body is now."""

    def set_wheel_velocities(self, radians_per_second: Float64[np.ndarray, "j"]) -> None:
        """Velocity targets of the wheel drives, held until set again [rad/s]."""

    def step(self, dt: float) -> None:
        """Advance by ``dt`` [s]."""

    def close(self) -> None:
        """Release the engine; nothing may be called after it."""
