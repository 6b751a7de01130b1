"""Second step: behaves as the scene's knobs say, so that tests can make it fail, hang or die."""

import os
import signal
import time
from pathlib import Path

from fake_count import Count

from lyra_sim.errors import GeometryError
from lyra_sim.scene.spec import MeshConfig
from lyra_sim.steps.step import step
from tests.runner.fake_results import Told

HANG, DIE, FAIL, BUG = 501, 502, 503, 505
"""Values of ``mesh.target_faces`` that make trouble."""


class Scaled(Told):
    FILE = "scaled.txt"


@step(version=1)
def scale(count: Count, *, mesh: MeshConfig, name: str, out: Path) -> Scaled:
    (out / "half.txt").write_text("half")
    print("scaling", name)
    match mesh.target_faces:
        case 501:
            time.sleep(60)
        case 502:
            os.kill(os.getpid(), signal.SIGKILL)
        case 503:
            raise GeometryError("surface", "it has a hole", expected="none", next_step="Close it.")
        case 505:
            raise ValueError("an unforeseen value")
    (out / Scaled.FILE).write_text(f"{count} x {mesh.target_faces}")
    return Scaled.load(out)
