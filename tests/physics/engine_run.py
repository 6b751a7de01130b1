"""Steps one engine on a stage and prints where bodies are as JSON; run in a process of its own: engines keep global state.

``python -m tests.physics.engine_run ENGINE STAGE DT STEPS EVERY BODY...``
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from lyra_sim.plugins import find_plugin
from tests.conftest import ROOT


def positions(engine: str, stage: Path, bodies: list[str], *, dt: float, steps: int, every: int = 1) -> np.ndarray:
    """(records, bodies, 3) [m], the first before any step.

    Raises:
        RuntimeError: The engine's process failed; the message ends as its stderr does.
    """
    command = [sys.executable, "-m", "tests.physics.engine_run", engine, str(stage), str(dt), str(steps), str(every), *bodies]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return np.array(json.loads(done.stdout.strip().splitlines()[-1]))


def main(name: str, stage: str, dt: str, steps: str, every: str, *bodies: str) -> None:
    engine = find_plugin("physics", name).load()(Path(stage), bodies=bodies, wheel_joints=[])
    records = [engine.poses().positions.tolist()]
    for step in range(1, int(steps) + 1):
        engine.step(float(dt))
        if step % int(every) == 0:
            records.append(engine.poses().positions.tolist())
    engine.close()
    print(json.dumps(records))


if __name__ == "__main__":
    main(*sys.argv[1:])
