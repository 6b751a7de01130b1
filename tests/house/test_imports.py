"""What importing costs, and that the import contract in pyproject.toml holds."""

import subprocess
import sys
from pathlib import Path

from tests.house.files import ROOT

HEAVY = ("torch", "pxr", "open3d", "gsplat", "diffusers", "numba", "trimesh", "coacd", "ovphysx", "newton", "warp", "mujoco")


def test_import_contract_holds() -> None:
    """Layers, torch's rooms and pxr's rooms, as `make lint` checks them."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_import_is_light() -> None:
    """`import lyra_sim` and the command line load none of the heavy packages; steps do when they run."""
    code = f"import sys, lyra_sim, lyra_sim.cli; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
