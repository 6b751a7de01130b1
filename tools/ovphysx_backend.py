"""PhysX without Isaac Sim as a backend of ``isaac_receipt.py``: proves the receipt's own logic on real worlds.

    python tools/ovphysx_backend.py WORLD_FOLDER --out receipt.json

Arguments are those of ``isaac_receipt.py``. A receipt made with it names it, and lyra-sim doesn't take it for one of Isaac Sim.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from isaac_receipt import Package, main, wheel_joints

from lyra_sim.physics.engine import Engine
from lyra_sim.physics.physx_engine import PhysxEngine

_AUTHOR = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from isaac_receipt import author_physics, read_package
author_physics(Path(sys.argv[2]), read_package(Path(sys.argv[3])), Path(sys.argv[4]))
"""


class OvPhysx:
    """See ``isaac_receipt.Backend``."""

    visual = None

    def __init__(self, *, headless: bool) -> None:
        """There is no window to show, so ``headless`` changes nothing."""
        self.facts = {"name": "ovphysx", "version": "", "physics": "physx", "gpu": ""}
        self._engine: Engine | None = None

    def author(self, path: Path, package: Package, robots: Path) -> Path:
        """In another process: ovphysx brings a USD of its own, which doesn't go together with usd-core's."""
        command = [sys.executable, "-c", _AUTHOR, str(Path(__file__).parent), str(path), str(package.folder), str(robots)]
        subprocess.run(command, check=True)
        return path

    def views(self, package: Package, folder: Path, what: str, visual: str) -> None:
        return None

    def load(self, stage: Path, package: Package) -> None:
        routes = package.routes if package.robot else ()
        bodies = [probe.path for probe in package.probes] + [f"{route.robot}/chassis" for route in routes]
        wheels = wheel_joints(package.robot) if routes else []
        joints = [f"{route.robot}/joints/{joint}" for route in routes for joint, _ in wheels]
        self._sides = [side for _, side in wheels]
        self._engine = PhysxEngine(stage, bodies=bodies, wheel_joints=joints)
        self.facts["version"] = self._engine.version

    def poses(self) -> tuple[np.ndarray, np.ndarray]:
        poses = self._engine.poses()
        return poses.positions, poses.quats_wxyz

    def drive(self, wheels: np.ndarray) -> None:
        self._engine.set_wheel_velocities(wheels[:, self._sides].ravel())

    def step(self, dt: float) -> None:
        self._engine.step(dt)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


if __name__ == "__main__":
    sys.exit(main(engine=OvPhysx))
