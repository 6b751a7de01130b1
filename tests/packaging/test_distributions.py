"""What is handed to others is complete, holds nothing else, and runs away from the checkout."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.house.files import ROOT, repository_files


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel and an sdist, built as a release would be; the wheel is built from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out


@pytest.fixture(scope="module")
def wheel_names(distributions: Path) -> set[str]:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the wheel alone is installed in; what it depends on comes from the environment."""
    (wheel,) = distributions.glob("*.whl")
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target


def run_installed(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "NO_COLOR": "1", "COLUMNS": "160"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def tracked(*folders: str) -> set[str]:
    names = (path.relative_to(ROOT).as_posix() for path in repository_files())
    return {name for name in names if name.split("/")[0] in folders}


def test_wheel_holds_the_package_and_its_data(wheel_names: set[str]) -> None:
    data = {f"lyra_sim/{name}" for name in tracked("configs", "usd_templates")}
    assert "lyra_sim/configs/preview.yaml" in data and "lyra_sim/usd_templates/world.usda" in data
    assert tracked("lyra_sim") | data <= wheel_names


def test_wheel_holds_nothing_else(wheel_names: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel_names} == {"lyra_sim"}
    assert not [name for name in wheel_names if "/tests/" in name or name.endswith((".pyc", ".nbi", ".nbc"))]


def test_sdist_holds_the_repository(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = tracked("lyra_sim", "configs", "usd_templates", "tests", "examples", "docs")
    assert wanted | {"LICENSE", "NOTICE", "README.md", "Makefile", "constraints.txt", "pyproject.toml", "conftest.py"} <= names


def test_wheel_names_its_licence_and_entry_point(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        texts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert "lyra-sim = lyra_sim.command.cli:main" in texts["entry_points.txt"]
    assert "Apache License" in texts["LICENSE"] and "ovphysx" in texts["NOTICE"]


def test_code_and_data_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Guards the tests below: they would say nothing about the wheel if the checkout were imported."""
    code = (
        "import json, lyra_sim; from lyra_sim.resources import resource_dir as d; "
        "print(json.dumps([lyra_sim.__file__, str(d('configs')), str(d('usd_templates'))]))"
    )
    done = run_installed(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    for found in json.loads(done.stdout):
        assert Path(found).is_relative_to(installed), found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["plugins"], "fuse"), (["schema"], "voxel_size"), (["doctor"], "torch")],
    ids=["plugins", "schema", "doctor"],
)
def test_commands_run_from_the_wheel(installed: Path, tmp_path: Path, arguments: list[str], says: str) -> None:
    done = run_installed(installed, tmp_path, "-m", "lyra_sim.command.cli", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert says in done.stdout


def test_presets_are_found_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """A dry run merges a preset and plans every step without the checkout."""
    done = run_installed(
        installed,
        tmp_path,
        "-m",
        "lyra_sim.command.cli",
        "build",
        str(ROOT / "examples" / "scenes.yaml"),
        "--dry-run",
        "--out",
        "out",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "small_house" in done.stdout and "assess" in done.stdout
