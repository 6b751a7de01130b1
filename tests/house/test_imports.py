"""What importing costs, and that the import contract in pyproject.toml holds."""

import ast
import os
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
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
    done = subprocess.run(
        [program, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "packages" / "lyra2")))},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize("folder", ["tools", "benchmarks", "pipelines", "tests"])
def test_no_circles_outside_the_package(folder: str) -> None:
    """The contract looks at the package alone; imports inside functions count here as they do there."""
    files = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in modules(folder)}
    if folder == "tools":  # each runs as a script, and finds the other beside itself
        files = {path.stem: path for path in files.values()}
    assert files
    circle = circle_in({name: imported_by(path) & set(files) for name, path in files.items()})
    assert not circle, " -> ".join(circle)


def imported_by(file: Path) -> set[str]:
    """Names of modules, and of what is taken from them, which may be modules too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("def late():\n    from a import x\n")
    graph = {name: imported_by(tmp_path / f"{name}.py") & {"a", "b"} for name in "ab"}
    assert sorted(set(circle_in(graph))) == ["a", "b"]


def test_import_is_light() -> None:
    """`import lyra_sim` and the command line load none of the heavy packages; steps do when they run."""
    code = f"import sys, lyra_sim, lyra_sim.command.cli; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("contract", "rooms"),
    [
        ("torch", {"generators", "depth", "reconstructors", "rendering"}),
        ("pxr", {"usd", "exporters", "physics"}),
    ],
)
def test_no_room_is_forgotten(contract: str, rooms: set[str]) -> None:
    """The layer contract is exhaustive by itself; these two list the rooms that may not, so a new one has to be added."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (forbidden,) = (entry["source_modules"] for entry in settings if entry["id"] == contract)
    tops = {path.relative_to(ROOT / "lyra_sim").parts[0].removesuffix(".py") for path in modules("lyra_sim")} - {"__init__"}
    assert {name.removeprefix("lyra_sim.") for name in forbidden} == tops - rooms
