"""Type checkers see through @step: what a step is handed has to be what the steps before it return."""

import subprocess
import sys

import pytest

from tests.house.files import ROOT

CALL = """
from pathlib import Path
from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.world import MetricWorld, Reconstruction
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.align import align

def call(views: Capture, posed: PosedDepth, reconstruction: Reconstruction, scene: SceneSpec) -> MetricWorld:
    return align({arguments}, scale=scene.scale, capture=scene.capture, align=scene.align, name=scene.name, out=Path("o"))
"""
CALLS = {
    "right": "posed, reconstruction",
    "capture": "views, reconstruction",
    "reconstruction": "reconstruction, reconstruction",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says of each call. One run for all, over the package's own cache where ``make lint`` left one."""
    folder = tmp_path_factory.mktemp("calls")
    for name, arguments in CALLS.items():
        (folder / f"{name}_call.py").write_text(CALL.format(arguments=arguments), encoding="utf-8")
    options = ["--follow-imports=silent", "--no-error-summary", "--cache-dir", str(ROOT / ".mypy_cache")]
    files = [str(folder / f"{name}_call.py") for name in CALLS]
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *options, *files]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    return {name: "\n".join(line for line in lines if f"{name}_call.py" in line) for name in CALLS}


def test_a_right_call_is_accepted(told: dict[str, str]) -> None:
    assert told["right"] == ""


@pytest.mark.parametrize(("name", "given"), [("capture", "Capture"), ("reconstruction", "Reconstruction")])
def test_what_another_step_returned_is_refused(told: dict[str, str], name: str, given: str) -> None:
    """A capture has no depth yet, and a reconstruction is no views at all: neither may be aligned."""
    assert f'Argument 1 to "__call__" of "Step" has incompatible type "{given}"; expected "PosedDepth"' in told[name]
