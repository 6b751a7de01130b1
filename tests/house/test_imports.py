"""What importing costs, and that the import contract in pyproject.toml holds."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.files import ROOT, modules

HEAVY = (
    "torch", "pxr", "open3d", "gsplat", "diffusers", "numba", "trimesh", "coacd", "pycolmap",
    "av", "ovphysx", "newton", "warp", "mujoco",
)  # fmt: skip


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


@pytest.mark.parametrize(
    ("contract", "rooms"),
    [
        ("torch", {"generators", "world_model", "depth", "reconstructors", "rendering", "synthetic"}),
        ("pxr", {"usd", "exporters", "physics"}),
    ],
)
def test_no_room_is_forgotten(contract: str, rooms: set[str]) -> None:
    """The layer contract is exhaustive by itself; these two list the rooms that may not, so a new one has to be added."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (forbidden,) = (entry["source_modules"] for entry in settings if entry["id"] == contract)
    tops = {path.relative_to(ROOT / "lyra_sim").parts[0].removesuffix(".py") for path in modules("lyra_sim")} - {"__init__"}
    assert {name.removeprefix("lyra_sim.") for name in forbidden} == tops - rooms
