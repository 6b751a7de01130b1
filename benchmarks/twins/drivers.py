"""Controllers of different skill for the twin test, and the loop that drives them all at once in one engine."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lyra_sim.physics.controller import Limits, PurePursuit
from lyra_sim.physics.robots import DiffDrive

if TYPE_CHECKING:
    from lyra_sim.physics.clock import Clock

CONTROL_HZ = 30
"""As the gate steers."""
ARRIVED = 0.25
"""A robot has arrived this near to its goal [m]."""
FELL, TIPPED = 0.1, 0.7
"""One that ends this far below its start has fallen [m]; one whose up axis ever had a smaller cosine has tipped over."""
STUCK_SECONDS = 3.0
LONGEST_SECONDS = 45.0
"""Of driving; what hasn't arrived by then hasn't arrived."""
SETTLE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Driver:
    """How a controller drives."""

    limits: Limits
    straight_for_goal: bool = False
    """It knows the goal and not the way."""
    blind: float = 0.0
    """Above 0 it goes by its wheels alone, each of which turns more or less than told, by this share (standard deviation)."""


DRIVERS = {
    "careful": Driver(limits=Limits(speed=0.5)),
    "fast": Driver(
        limits=Limits(speed=1.0, acceleration=1.5, lookahead=0.6, sharp_corner=np.pi, turn_in_place=np.deg2rad(80.0))
    ),
    "blind": Driver(limits=Limits(speed=0.5), blind=0.03),
    "greedy": Driver(limits=Limits(speed=0.6), straight_for_goal=True),
}
"""Best first: one that follows its route closely, one that cuts corners, one that drifts off, one that goes for the goal."""


class Pilot:
    """One driver on all routes."""

    def __init__(self, driver: Driver, routes: list[np.ndarray], *, robot: DiffDrive, seed: int) -> None:
        given = [route[[0, -1]] for route in routes] if driver.straight_for_goal else routes
        self.pursuit = PurePursuit(given, robot=robot, limits=driver.limits, dt=1.0 / CONTROL_HZ)
        self._robot, self._blind = robot, driver.blind > 0
        self._gain = 1.0 + driver.blind * np.random.default_rng(seed).standard_normal((len(routes), 2))
        self._believed: np.ndarray | None = None

    def wheels(self, xy: np.ndarray, yaw: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Left and right wheel speeds [rad/s]."""
        if not self._blind:
            return self.pursuit.wheel_velocities(xy, yaw, held)
        if self._believed is None:
            self._believed = np.column_stack([xy, yaw])
        told = self.pursuit.wheel_velocities(self._believed[:, :2], self._believed[:, 2], held)
        left, right = (told * self._robot.wheel_radius / CONTROL_HZ).T
        turn, way = (right - left) / self._robot.track, (left + right) / 2
        heading = self._believed[:, 2] + turn / 2
        self._believed = self._believed + np.column_stack([way * np.cos(heading), way * np.sin(heading), turn])
        return told * self._gain


def drive_all(
    clock: "Clock", routes: list[np.ndarray], drivers: dict[str, Driver], *, robot: DiffDrive, seed: int
) -> dict[str, list[dict[str, object]]]:
    """Outcomes by driver and route; the engine's robots stand in that order, all routes of the first driver first."""
    start = clock.engine.poses()
    poses = start
    for _ in range(round(SETTLE_SECONDS * CONTROL_HZ)):
        poses = clock.tick()
    pilots = [Pilot(driver, routes, robot=robot, seed=seed) for driver in drivers.values()]
    n, many = len(routes), len(routes) * len(pilots)
    goals = np.tile(np.stack([route[-1] for route in routes]), (len(pilots), 1))
    held, held_for = np.zeros(many, bool), np.zeros(many)
    mark, idle, least_up = np.zeros(many), np.zeros(many), np.ones(many)
    for _ in range(round(LONGEST_SECONDS * CONTROL_HZ)):
        xy, yaw = poses.positions[:, :2], _yaws(poses.quats_wxyz)
        rows = [slice(k * n, (k + 1) * n) for k in range(len(pilots))]
        wheels = [pilot.wheels(xy[row], yaw[row], held[row]) for pilot, row in zip(pilots, rows, strict=True)]
        clock.engine.set_wheel_velocities(np.concatenate(wheels).ravel())
        poses = clock.tick()
        progress = np.concatenate([pilot.pursuit.progress for pilot in pilots])
        done = np.concatenate([pilot.pursuit.done for pilot in pilots])
        moved = progress > mark + 0.02
        mark, idle = np.where(moved, progress, mark), np.where(moved, 0.0, idle + 1.0 / CONTROL_HZ)
        held |= done | (idle > STUCK_SECONDS)
        held_for += held / CONTROL_HZ
        least_up = np.minimum(least_up, _ups(poses.quats_wxyz))
        if (held_for > 0.6).all():
            break
    end = poses.positions
    error = np.linalg.norm(end[:, :2] - goals, axis=1)
    upright = (end[:, 2] > start.positions[:, 2] - FELL) & (least_up > TIPPED)
    return {
        name: [
            {
                "arrived": bool(error[row] <= ARRIVED and upright[row]),
                "upright": bool(upright[row]),
                "error": round(float(error[row]), 3),
                "end": [round(float(value), 3) for value in end[row, :2]],
            }
            for row in range(k * n, (k + 1) * n)
        ]
        for k, name in enumerate(drivers)
    }


def _yaws(quats_wxyz: np.ndarray) -> np.ndarray:
    w, x, y, z = quats_wxyz.T
    return np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def _ups(quats_wxyz: np.ndarray) -> np.ndarray:
    _, x, y, _ = quats_wxyz.T
    return 1 - 2 * (x * x + y * y)


def main(request_file: Path, result_file: Path) -> None:
    """One world, in a process of its own: engines keep process-wide state."""
    from lyra_sim.physics import clock as gate
    from lyra_sim.physics.physx_engine import PhysxEngine

    if gate.CONTROL_HZ != CONTROL_HZ:
        raise SystemExit(f"twin: the gate steers at {gate.CONTROL_HZ} Hz now; the drivers here at {CONTROL_HZ}")
    request = json.loads(request_file.read_text(encoding="utf-8"))
    engine = PhysxEngine(Path(request["stage"]), bodies=request["bodies"], wheel_joints=request["wheel_joints"])
    routes = [np.array(route, np.float64) for route in request["routes"]]
    drivers = {name: DRIVERS[name] for name in request["drivers"]}
    robot = DiffDrive(**{key: tuple(value) if isinstance(value, list) else value for key, value in request["robot"].items()})
    outcomes = drive_all(gate.Clock(engine), routes, drivers, robot=robot, seed=request["seed"])
    engine.close()
    result_file.write_text(json.dumps(outcomes), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
