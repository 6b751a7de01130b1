"""What is handed to others is complete, holds nothing else, and runs away from the checkout."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lyra_sim import __version__
from tests.house.files import ROOT, repository_files


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel and an sdist, built as a release would be; the wheel is built from the sdist."""
    return built(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def lyra2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the package of the generator lyra2."""
    return built(ROOT / "packages" / "lyra2", tmp_path_factory.mktemp("dist_lyra2"))


def built(project: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(project)]
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
    return into(tmp_path_factory.mktemp("site"), distributions)


@pytest.fixture(scope="module")
def both_installed(distributions: Path, lyra2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the wheel is installed in together with the one of lyra2."""
    return into(tmp_path_factory.mktemp("site_of_both"), distributions, lyra2)


def into(target: Path, *folders: Path) -> Path:
    wheels = [str(wheel) for folder in folders for wheel in folder.glob("*.whl")]
    assert len(wheels) == len(folders)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), *wheels]
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
    wanted = tracked("lyra_sim", "configs", "usd_templates", "packages", "tests", "examples", "docs")
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


def test_the_wheel_of_lyra2_holds_the_package_its_licence_and_its_doors(lyra2: Path) -> None:
    (wheel,) = lyra2.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        texts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    wanted = {name.removeprefix("packages/lyra2/") for name in tracked("packages") if "/lyra_sim_lyra2/" in name}
    assert wanted and names == wanted
    assert "Apache License" in texts["LICENSE"] and f"Requires-Dist: lyra-sim=={__version__}\n" in texts["METADATA"]
    for line in ("generator.lyra2 = ", "frame_depth.transformers = ", "verify = ", "weights = "):
        assert f"\n{line}lyra_sim_lyra2." in texts["entry_points.txt"], line


def test_what_lyra2_adds_is_found_from_the_wheels(both_installed: Path, tmp_path: Path) -> None:
    """Its code comes from its wheel; listing it needs no network, and its commands run."""
    where = run_installed(both_installed, tmp_path, "-c", "import lyra_sim_lyra2 as p; print(p.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(both_installed), where.stderr
    listed = run_installed(both_installed, tmp_path, "-m", "lyra_sim.command.cli", "plugins")
    rows = [line.split()[:2] for line in listed.stdout.splitlines()]
    assert ["generator", "lyra2"] in rows and ["frame_depth", "transformers"] in rows, listed.stderr
    command = ("-m", "lyra_sim.command.cli", "weights", "random", "w", "--part", "tokenizer")
    done = run_installed(both_installed, tmp_path, *command)
    assert done.returncode == 0 and (tmp_path / "w" / "lyra_sim_weights.json").is_file(), done.stdout + done.stderr


def test_the_core_alone_works_and_says_where_plug_ins_are_listed(installed: Path, tmp_path: Path) -> None:
    """The environment of the tests has the plug-in installed, so its entry points are taken out by hand."""
    hidden = (
        "import sys, importlib.metadata as m; sys.path.insert(0, sys.argv.pop(1)); found = m.entry_points\n"
        "m.entry_points = lambda **k: [p for p in found(**k) if not p.value.startswith('lyra_sim_lyra2')]\n"
        "from lyra_sim.command.cli import main; main(sys.argv[1:])"
    )
    alone = run_installed(installed, tmp_path, "-c", hidden, str(installed), "plugins")
    assert alone.returncode == 0 and "lyra2" not in alone.stdout and "reproject" in alone.stdout, alone.stderr
    gone = run_installed(installed, tmp_path, "-c", hidden, str(installed), "weights", "random", "w")
    assert gone.returncode == 2 and "weights" in gone.stderr
