"""One engine in a process of its own: ``python -m lyra_sim.physics.worker request.json result.json``.

Two experiments run one after the other, each in a fresh simulation of the same world. An engine that crashes, hangs or keeps
global state can harm nothing but its own verdict.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from lyra_sim.errors import LyraSimError
from lyra_sim.physics.clock import Clock
from lyra_sim.physics.drive import drive_routes
from lyra_sim.physics.drop import Dropped, drop_everything
from lyra_sim.physics.engine import Engine
from lyra_sim.physics.request import GateRequest
from lyra_sim.physics.result import GateResult, RouteResult
from lyra_sim.plugins import find_plugin


def simulate(open_engine: Callable[..., Engine], request: GateRequest) -> GateResult:
    """Run the whole request; ``open_engine`` is an engine's class.

    What falls is gone before anything drives: it would cost every step of the drive, which is far longer.
    """
    drop, drive, version, steps, dt = request.drop, request.drive, "", 0, 0.0
    dropped = Dropped(probes=(), shots=(), cells=())
    routes: tuple[RouteResult, ...] = ()
    if drop.bodies:
        engine = open_engine(Path(drop.stage), bodies=drop.bodies, wheel_joints=[])
        clock = Clock(engine)
        dropped = drop_everything(clock, drop)
        steps, dt, version = clock.step_count, clock.dt, engine.version
        engine.close()
    if drive.routes:
        joints = [joint for route in drive.routes for joint in route.wheel_joints]
        engine = open_engine(Path(drive.stage), bodies=[route.body for route in drive.routes], wheel_joints=joints)
        clock = Clock(engine)
        routes = drive_routes(clock, drive)
        steps, dt, version = steps + clock.step_count, clock.dt, engine.version
        engine.close()
    return GateResult(
        engine=request.engine,
        engine_version=version,
        hull_count=request.hull_count,
        robot=drive.robot.template,
        step_count=steps,
        dt=dt,
        probes=dropped.probes,
        routes=routes,
        shots=dropped.shots,
        cells=dropped.cells,
    )


def main(request_file: Path, result_file: Path) -> None:
    """Simulate the request and write the result; the file appears only when everything went well."""
    request = GateRequest.load(request_file)
    engine_class = find_plugin("physics", request.engine).load()
    result = simulate(engine_class, request)
    result.save(result_file)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except LyraSimError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
