"""Second step: behaves as the scene's knobs say, so that tests can make it fail, hang, die or cheat."""

import os
import signal
import time
from pathlib import Path

from lyra_sim.errors import GeometryError
from lyra_sim.steps.step import Step

HANG, DIE, FAIL, CHEAT, BUG = 501, 502, 503, 504, 505
"""Values of ``mesh.target_faces`` that make trouble."""


def run(inputs, cfg, *, out: Path):
    (out / "half.txt").write_text("half")
    print("scaling", cfg.name)
    match cfg.mesh.target_faces:
        case 501:
            time.sleep(60)
        case 502:
            os.kill(os.getpid(), signal.SIGKILL)
        case 503:
            raise GeometryError("surface", "it has a hole", expected="none", next_step="Close it.")
        case 504:
            return cfg.collide
        case 505:
            raise ValueError("an unforeseen value")
    (out / "scaled.txt").write_text(f"{inputs['count']} x {cfg.mesh.target_faces}")


def load(folder: Path, inputs):
    return (folder / "scaled.txt").read_text()


STEP = Step(name="scale", version=1, needs=("count",), reads=("mesh",), run=run, load=load)
