"""Newton with the MuJoCo C solver on the CPU.

Newton speaks radians and scalar-last quaternions; only the quaternions need converting here.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from lyra_sim.conventions import quats_wxyz_from_xyzw
from lyra_sim.errors import PhysicsError
from lyra_sim.physics.engine import Poses

MOVERS = -2
"""Newton's group of everything that moves: a negative one meets all groups but itself, as the stage's own group does.
Convention."""


class NewtonEngine:
    """See :class:`lyra_sim.physics.engine.Engine`. The first use on a machine compiles kernels for about a minute."""

    max_dt = 1 / 120

    def __init__(self, stage: Path, *, bodies: Sequence[str], wheel_joints: Sequence[str]) -> None:
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        import mujoco
        import warp

        settings: Any = warp.config
        settings.quiet = True
        import newton

        self.version = f"MuJoCo {mujoco.__version__} (newton {newton.__version__})"
        warp.set_device("cpu")
        builder = newton.ModelBuilder()  # z-up, metres
        newton.solvers.SolverMuJoCo.register_custom_attributes(builder)
        builder.add_usd(self._without_groups(stage), load_visual_shapes=False)
        for shape, body in enumerate(builder.shape_body):
            if body >= 0:
                builder.shape_collision_group[shape] = MOVERS
        model: Any = builder.finalize(device="cpu")
        # Elliptic cones with a high impratio: MuJoCo's own remedy for wheels and boxes that creep under friction. A pair with
        # a mesh in it has one contact unless told otherwise: what lies flat on a hull then sinks in and creeps.
        self._solver = newton.solvers.SolverMuJoCo(
            model,
            use_mujoco_cpu=True,
            njmax=20000,
            nconmax=10000,
            cone="elliptic",
            impratio=100.0,
            update_data_interval=0,
            enable_multiccd=True,
        )
        self._now, self._next = model.state(), model.state()
        self._control = model.control()
        newton.eval_fk(model, model.joint_q, model.joint_qd, self._now)
        self._rows = self._find("body", list(builder.body_label), bodies)
        joints = self._find("joint", list(builder.joint_label), wheel_joints)
        self._dofs = model.joint_qd_start.numpy()[joints]

    @staticmethod
    def _without_groups(stage: Path) -> Any:
        """The stage less its collision groups, which Newton would spell out as pairs: half a million for a thousand bodies."""
        from pxr import Usd, UsdPhysics

        opened = Usd.Stage.Open(str(stage))
        opened.SetEditTarget(opened.GetSessionLayer())
        for prim in list(opened.Traverse()):
            if prim.IsA(UsdPhysics.CollisionGroup):
                prim.SetActive(False)
        return opened

    @staticmethod
    def _find(what: str, labels: list[str], wanted: Sequence[str]) -> np.ndarray:
        rows = {label: row for row, label in enumerate(labels)}
        missing = [label for label in wanted if label not in rows]
        if missing:
            raise PhysicsError("Newton", f"{what} {missing[0]} wasn't loaded", expected=f"{len(wanted)}, found {len(labels)}")
        return np.array([rows[label] for label in wanted], np.int64)

    def poses(self) -> Poses:
        state = self._now.body_q.numpy()[self._rows].astype(np.float64)
        return Poses(positions=state[:, :3].copy(), quats_wxyz=quats_wxyz_from_xyzw(state[:, 3:]))

    def set_wheel_velocities(self, radians_per_second: Float64[np.ndarray, "j"]) -> None:
        targets = self._control.joint_target_qd.numpy()
        targets[self._dofs] = radians_per_second
        self._control.joint_target_qd.assign(targets)

    def step(self, dt: float) -> None:
        self._now.clear_forces()
        self._solver.step(self._now, self._next, self._control, None, dt)
        self._now, self._next = self._next, self._now

    def close(self) -> None:
        """Nothing is held outside this process."""
