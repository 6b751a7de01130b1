"""A resumable step: writes three files, one after another, and is killed before the one that the scene's knob names."""

import os
import signal
from pathlib import Path

from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import MeshConfig
from lyra_sim.steps.step import step
from tests.runner.fake_results import Told

KILLED_BEFORE = 510
"""``mesh.target_faces`` from here on: killed before file 0, 1 or 2 as long as ``die`` lies beside the frames."""


class Chunks(Told):
    FILE = "2.txt"


@step(version=1, resumable=True)
def chunks(*, rgbd: RgbdSource | None, mesh: MeshConfig, seed: int, out: Path) -> Chunks:
    for number in range(3):
        file = out / f"{number}.txt"
        if file.is_file():
            print("kept", number)
            continue
        if mesh.target_faces == KILLED_BEFORE + number and (rgbd.frames.parent / "die").is_file():
            os.kill(os.getpid(), signal.SIGKILL)
        file.write_text(f"{seed} {number}")
    return Chunks.load(out)
