"""The receipt script as a module, a package to run it on, and an engine made of exact kinematics to run it with."""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lyra_sim.exporters.predictions import write_predictions
from tests.conftest import ROOT
from tests.usd.worlds import World

SCRIPT = ROOT / "tools" / "isaac_receipt.py"
ROBOTS = ROOT / "usd_templates" / "robots"


def load_script() -> ModuleType:
    if "isaac_receipt" not in sys.modules:
        spec = importlib.util.spec_from_file_location("isaac_receipt", SCRIPT)
        sys.modules["isaac_receipt"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["isaac_receipt"]


def write_package(world: World, out: Path) -> Path:
    """A package with predictions, as the author step leaves it."""
    folder = out / "world" / "predictions"
    write_predictions(folder, mesh=world.mesh, splats=world.world.splats, navigation=world.navigation)
    return world.write(out).world


def gate_result(package: Path, *, robot: str, longer: float = 1.0) -> dict[str, Any]:
    """A gate_physx.json that drove every route of the manifest, each ``longer`` times its plan."""
    rows = json.loads((package / "manifest.json").read_text())["routes"]
    routes = [{"name": row["name"], "arrived": True, "driven_length": longer * row["length"]} for row in rows]
    return {"robot": robot, "routes": routes}


class Kinematics:
    """Bodies that land where they are dropped and wheels that never slip: every figure of the receipt is known.

    ``at`` may move the poses of a time step, so that a test makes something fall, slip or stop.
    """

    visual: str | None = "splat"

    def __init__(self, at: Callable[[float, np.ndarray], np.ndarray] | None = None) -> None:
        self.facts = {"name": "kinematics", "version": "1", "physics": "none", "gpu": ""}
        self.at = at or (lambda time, positions: positions)
        self.depth = self.rgb = None
        self.time, self.closed = 0.0, False

    def author(self, path: Path, package: Any, robots: Path) -> Path:
        return path

    def views(self, package: Any, folder: Path, what: str, visual: str) -> np.ndarray | None:
        """What was predicted, enlarged, unless a test put something else there."""
        given = self.depth if what == "depth" else self.rgb
        ours = package.z_depth if what == "depth" else package.rgb
        side = load_script().RENDER_SCALE
        return np.repeat(np.repeat(ours, side, axis=1), side, axis=2) if given is None else given

    def load(self, stage: Path, package: Any) -> None:
        self.probes = np.array([probe.start for probe in package.probes]).reshape(-1, 3)
        self.rest = np.array([[p.x, p.y, p.floor_z + load_script().SHAPES[p.kind][0]] for p in package.probes]).reshape(-1, 3)
        self.robot = package.robot
        routes = package.routes if self.robot else ()
        self.xy = np.array([route.points[0] for route in routes]).reshape(-1, 2)
        self.yaw = np.array([route.yaw for route in routes])
        self.wheels = np.zeros((len(routes), 2))

    def poses(self) -> tuple[np.ndarray, np.ndarray]:
        probes = self.probes if self.time == 0 else self.rest
        robots = np.column_stack([self.xy, np.full(len(self.xy), 0.14)])
        positions = np.concatenate([probes, robots])
        quats = np.tile([1.0, 0, 0, 0], (len(positions), 1))
        quats[len(probes) :, 0], quats[len(probes) :, 3] = np.cos(self.yaw / 2), np.sin(self.yaw / 2)
        return self.at(self.time, positions), quats

    def drive(self, wheels: np.ndarray) -> None:
        self.wheels = wheels * self.robot["wheel_radius"]

    def step(self, dt: float) -> None:
        self.time += dt
        self.yaw = self.yaw + dt * (self.wheels[:, 1] - self.wheels[:, 0]) / self.robot["track"]
        ahead = dt * self.wheels.mean(axis=1)[:, None]
        self.xy = self.xy + ahead * np.column_stack([np.cos(self.yaw), np.sin(self.yaw)])

    def close(self) -> None:
        self.closed = True
