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
"""ovstage versions its contents; the stage is written once, as version 1."""


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
        self._names: dict[object, list[str]] = {}
        self._bodies, self._joints = list(bodies), list(wheel_joints)
        # A selection covers sleeping bodies too; the rows still come in the engine's order.
        self._body_handles = [self._paths.intern_path(body) for body in self._bodies]
        self._joint_handles = [self._paths.intern_path(joint) for joint in self._joints]
        known = self._read_bodies("position")
        missing = [body for body in self._bodies if body not in known]
        if missing:
            raise PhysicsError("PhysX", f"body {missing[0]} wasn't loaded", expected=f"{len(self._bodies)} bodies")

    def _group_names(self, prim_list: object) -> list[str]:
        if prim_list not in self._names:
            self._names[prim_list] = [str(name) for name in self._paths.get_path_strings(prim_list)]
        return self._names[prim_list]

    def _read_bodies(self, attribute: str) -> dict[str, np.ndarray]:
        rows: dict[str, np.ndarray] = {}
        for kind in (self._types.RIGID_BODY, self._types.ARTICULATION_LINK):
            with self._physx.read_sync(kind, [attribute], prim_paths=self._body_handles) as result:
                for group in result.groups:
                    for tensor in group.tensors:
                        rows.update(zip(self._group_names(group.prim_list), tensor.numpy().copy(), strict=True))
        return rows

    def poses(self) -> Poses:
        positions, orientations = self._read_bodies("position"), self._read_bodies("orientation")
        return Poses(
            positions=np.array([positions[body] for body in self._bodies], np.float64).reshape(-1, 3),
            quats_wxyz=quats_wxyz_from_xyzw(np.array([orientations[body] for body in self._bodies], np.float64).reshape(-1, 4)),
        )

    def set_wheel_velocities(self, radians_per_second: Float64[np.ndarray, "j"]) -> None:
        degrees = dict(zip(self._joints, np.rad2deg(radians_per_second), strict=True))
        written = set()
        with self._physx.write_sync(
            self._types.ARTICULATION_JOINT, ["jointVelocityTarget"], prim_paths=self._joint_handles
        ) as session:
            for group in session.groups:
                names = self._group_names(group.prim_list)  # a joint may have many axes: one tensor for each joint
                for name, tensor in zip(names, group.tensors, strict=True):
                    tensor.assign(np.full(tuple(tensor.shape), degrees[name], np.float32))
                session.commit_sync(group)
                written.update(names)
        if written != degrees.keys():
            raise PhysicsError("PhysX", f"{len(written)} wheel joints were written", expected=f"{len(degrees)}")

    def step(self, dt: float) -> None:
        self._physx.step_sync(dt)

    def close(self) -> None:
        self._names.clear()
        self._physx.wait_task(self._physx.detach_ovstage())
        self._physx.destroy()
        self._stage.destroy()
