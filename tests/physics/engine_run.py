"""Steps engines on stages and prints where bodies are as JSON; run in a process of its own: engines keep global state.

``python -m tests.physics.engine_run`` reads ``[ENGINE, STAGE, DT, STEPS, EVERY, BODIES]`` a line. PhysX gets a process for each
stage. Newton keeps nothing from one model to the next, and loading it takes seven seconds of a core: it gets one for all.
"""

import json
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path

import numpy as np

from lyra_sim.plugins import find_plugin
from tests.conftest import ROOT

WAY, FAILURE = "way of bodies: ", "engine failed: "
"""How an answer begins."""


def positions(engine: str, stage: Path, bodies: list[str], *, dt: float, steps: int, every: int = 1) -> np.ndarray:
    """(records, bodies, 3) [m], the first before any step.

    Raises:
        RuntimeError: The engine failed, with its traceback.
    """
    process = newton() if engine == "newton" else started()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps([engine, str(stage), dt, steps, every, bodies]) + "\n")
    process.stdin.flush()
    told = next((line for line in process.stdout if line.startswith((WAY, FAILURE))), None)  # engines print, too
    if engine != "newton" or told is None:
        process.communicate()
    if told is None:
        newton.cache_clear()
        raise RuntimeError(f"{engine}: its process ended with {process.returncode}")
    if told.startswith(FAILURE):
        raise RuntimeError(json.loads(told.removeprefix(FAILURE)))
    return np.array(json.loads(told.removeprefix(WAY)))


def started() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.physics.engine_run"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@cache
def newton() -> subprocess.Popen[str]:
    """Ends when this process does: its input ends then."""
    return started()


def ran(name: str, stage: str, dt: float, steps: int, every: int, bodies: list[str]) -> list[list[list[float]]]:
    engine = find_plugin("physics", name).load()(Path(stage), bodies=bodies, wheel_joints=[])
    records = [engine.poses().positions.tolist()]
    for step in range(1, steps + 1):
        engine.step(dt)
        if step % every == 0:
            records.append(engine.poses().positions.tolist())
    engine.close()
    return records


def main() -> None:
    for line in sys.stdin:
        try:
            told = WAY + json.dumps(ran(*json.loads(line)))
        except Exception:  # noqa: BLE001 - whatever an engine raises is the answer
            told = FAILURE + json.dumps(traceback.format_exc())
        print(told, flush=True)


if __name__ == "__main__":
    main()
