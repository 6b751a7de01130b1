"""Time in an engine: steps are taken by control periods and counted."""

import numpy as np

from lyra_sim.physics.engine import Engine, Poses

CONTROL_HZ = 30
"""Rate at which robots are steered and bodies recorded. Convention."""


class Clock:
    """Steps an engine by control periods."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.substeps = int(np.ceil(1.0 / (CONTROL_HZ * engine.max_dt) - 1e-9))
        self.dt = 1.0 / (CONTROL_HZ * self.substeps)
        """Of one step [s]."""
        self.step_count = 0

    def tick(self) -> Poses:
        """One control period."""
        for _ in range(self.substeps):
            self.engine.step(self.dt)
        self.step_count += self.substeps
        return self.engine.poses()
