"""PhysX, the engine of Isaac Sim, on the CPU through the ``ovphysx`` wheel.

ovphysx speaks degrees (per second) for angular joints, as UsdPhysics does; this file converts.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from lyra_sim.conventions import quats_wxyz_from_xyzw
from lyra_sim.errors import PhysicsError
from lyra_sim.physics.engine import Poses

ORDINAL = 1
"""ovstage versions its contents; the stage is written once, as version 1. Convention."""


class PhysxEngine:
    """See :class:`lyra_sim.physics.engine.Engine`."""

    max_dt = 1 / 120

    def __init__(self, stage: Path, *, bodies: Sequence[str], wheel_joints: Sequence[str]) -> None:
        warnings.filterwarnings("ignore", message="ovphysx is in CPU-only mode", category=RuntimeWarning)
        import ovphysx
        import ovstage
        from ovphysx.samples.python_samples.schema_support import physx_schema_paths
        from ovphysx.types import SimObjectType

        self.version = f"PhysX (ovphysx {ovphysx.__version__})"
        self._types = SimObjectType
        ovphysx.PhysX.set_cpu_mode(True)  # process-wide, before the first instance
        # One thread: islands are then solved in one order, and the other core is left to the other engine.
        self._physx = ovphysx.PhysX(config=ovphysx.PhysXConfig(num_threads=0))
        ovstage.population.register_usd_schemas([*map(str, physx_schema_paths()), str(ovphysx.newton_schema_root())])
        self._stage = ovstage.Stage("gate")
        ovstage.population.open_usd(self._stage, str(stage), ordinal=ORDINAL, domains=ovstage.PopulationDomain.ALL)
        self._stage.advance_write_floor(ordinal=ORDINAL).wait()
        self._physx.wait_task(self._physx.attach_ovstage(self._stage, read_ordinal=ORDINAL))
        self._paths = ovstage.PathDictionary(self._stage)
        # Rows come in the engine's order, so every row is placed by the interned handle of its prim path.
        self._body_rows = {self._paths.intern_path(body): row for row, body in enumerate(bodies)}
        self._joint_rows = {self._paths.intern_path(joint): row for row, joint in enumerate(wheel_joints)}
        self.poses()  # complains here and now when a body wasn't loaded

    def poses(self) -> Poses:
        """See :class:`lyra_sim.physics.engine.Engine`.

        Raises:
            PhysicsError: A body has no pose.
        """
        columns = {
            "position": np.full((len(self._body_rows), 3), np.nan),
            "orientation": np.full((len(self._body_rows), 4), np.nan),
        }
        for kind in (self._types.RIGID_BODY, self._types.ARTICULATION_LINK):
            # A selection, unlike a plain query, never leaves sleeping bodies out.
            with self._physx.read_sync(kind, list(columns), prim_paths=list(self._body_rows)) as result:
                for group in result.groups:
                    if group.tensors:
                        values = group.tensors[0].numpy()
                        column = columns["position" if values.shape[1] == 3 else "orientation"]
                        column[[self._body_rows[path] for path in self._paths.get_paths(group.prim_list)]] = values
        absent = np.isnan(columns["position"]).any(axis=1) | np.isnan(columns["orientation"]).any(axis=1)
        if absent.any():
            raise PhysicsError("PhysX", f"{absent.sum()} bodies have no pose", expected=f"{len(absent)} bodies")
        return Poses(positions=columns["position"], quats_wxyz=quats_wxyz_from_xyzw(columns["orientation"]))

    def set_wheel_velocities(self, radians_per_second: Float64[np.ndarray, "j"]) -> None:
        """See :class:`lyra_sim.physics.engine.Engine`.

        Raises:
            PhysicsError: A joint wasn't written.
        """
        degrees = np.rad2deg(radians_per_second)
        written = 0
        with self._physx.write_sync(
            self._types.ARTICULATION_JOINT, ["jointVelocityTarget"], prim_paths=list(self._joint_rows)
        ) as session:
            for group in session.groups:
                paths = self._paths.get_paths(group.prim_list)  # a joint may have many axes: one tensor for each joint
                for path, tensor in zip(paths, group.tensors, strict=True):
                    tensor.assign(np.full(tuple(tensor.shape), degrees[self._joint_rows[path]], np.float32))
                session.commit_sync(group)
                written += len(paths)
        if written != len(degrees):
            raise PhysicsError("PhysX", f"{written} wheel joints were written", expected=f"{len(degrees)}")

    def step(self, dt: float) -> None:
        self._physx.step_sync(dt)

    def close(self) -> None:
        self._physx.wait_task(self._physx.detach_ovstage())
        self._physx.destroy()
        self._stage.destroy()
