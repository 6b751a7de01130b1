"""Drives one engine through its whole interface and prints what it did as JSON; run in a process of its own."""

import json
import sys
from pathlib import Path

import numpy as np

from lyra_sim.physics.request import GateRequest
from lyra_sim.plugins import find_plugin


def main(request_file: str) -> None:
    request = GateRequest.load(Path(request_file))
    route, probes = request.drive.routes[0], request.drop.probes
    prims = [probes[0].body, route.body, probes[1].body]
    stage = Path(request.drive.stage)  # it lies over that of the probes
    engine = find_plugin("physics", request.engine).load()(stage, bodies=prims, wheel_joints=route.wheel_joints)
    states, dt = [], engine.max_dt

    def run(seconds: float) -> None:
        for _ in range(round(seconds / dt)):
            engine.step(dt)
        poses = engine.poses()
        states.append({"positions": poses.positions.tolist(), "quats_wxyz": poses.quats_wxyz.tolist()})

    run(0.0)
    run(0.1)
    run(1.4)
    engine.set_wheel_velocities(np.array([3.0, 3.0]))
    run(1.0)
    run(1.0)
    engine.set_wheel_velocities(np.array([-2.0, 2.0]))
    run(0.5)
    run(0.5)
    engine.set_wheel_velocities(np.zeros(2))
    run(0.5)
    run(0.5)
    engine.close()
    print(json.dumps({"version": engine.version, "states": states}))


if __name__ == "__main__":
    main(sys.argv[1])
