"""A resumable step: writes three files, one after another, and is killed before the one that the scene's knob names."""

import os
import signal
from pathlib import Path

from lyra_sim.steps.step import Step

KILLED_BEFORE = 510
"""``mesh.target_faces`` from here on: killed before file 0, 1 or 2 as long as ``die`` lies beside the frames."""


def run(inputs, cfg, *, out: Path):
    for number in range(3):
        file = out / f"{number}.txt"
        if file.is_file():
            print("kept", number)
            continue
        if cfg.mesh.target_faces == KILLED_BEFORE + number and (cfg.rgbd.frames.parent / "die").is_file():
            os.kill(os.getpid(), signal.SIGKILL)
        file.write_text(f"{cfg.seed} {number}")


def load(folder: Path, inputs):
    return [file.read_text() for file in sorted(folder.glob("*.txt"))]


STEP = Step(name="chunks", version=1, needs=(), reads=("rgbd", "mesh"), run=run, load=load, resumable=True)
