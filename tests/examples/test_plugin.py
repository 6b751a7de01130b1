"""The example of a plug-in: declared as an installed package would be, it is listed, checked, and builds a tiny world.

It isn't installed, which would take a network: the metadata that pip would write is made from its pyproject.toml.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.splats import Splats
from tests.house.files import ROOT

EXAMPLE = ROOT / "examples" / "plugin"
SCENES = """version: 1
defaults: {seed: 7}
scenes:
  - name: tiny_room
    rgbd: {frames: FILES/rgb, depth: FILES/depth_mm, cameras: FILES/transforms.json}
    scale: metric
    up: z
    mesh: {voxel_size: 0.06}
    reconstruct: {backend: dots, splat_spacing: 0.05, options: {every: 5, tint: [0.0, 1.0, 1.0]}}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a process that sees the package as if it were installed."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path_factory.mktemp("site")
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    path = [str(site), str(EXAMPLE), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "NO_COLOR": "1"}


def lyra_sim(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lyra_sim.command.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def scene(tiny_room_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("scene") / "dots.yaml"
    file.write_text(SCENES.replace("FILES", str(tiny_room_files)), encoding="utf-8")
    return file


def test_it_is_listed_with_its_options_and_loads_late(environment: dict[str, str]) -> None:
    assert "reconstructor  dots" in lyra_sim(environment, "plugins").stdout
    assert '"tint"' in lyra_sim(environment, "schema").stdout
    code = "import sys; from lyra_sim.plugins import find_plugin as f; f('reconstructor', 'dots'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "lyra_sim_dots.declaration" in loaded and not loaded & {"numpy", "torch", "lyra_sim_dots.reconstruct"}


def test_a_misspelt_option_is_told_with_its_line(environment: dict[str, str], scene: Path) -> None:
    wrong = scene.with_name("wrong.yaml")
    wrong.write_text(scene.read_text(encoding="utf-8").replace("every:", "evry:"), encoding="utf-8")
    done = lyra_sim(environment, "build", str(wrong), "--dry-run")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "wrong.yaml:9: unknown key 'scenes.tiny_room.reconstruct.options.evry'.\n  Did you mean 'every'?" in done.stderr


def test_it_builds_a_world(environment: dict[str, str], scene: Path, tmp_path: Path) -> None:
    """Up to the USD package: physics has nothing to do with splats."""
    done = lyra_sim(environment, "build", str(scene), "--out", str(tmp_path), "--until", "author")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "tiny_room" / "world" / "world.usda").is_file()
    (folder,) = (tmp_path / "tiny_room" / "steps").glob("*_reconstruct")
    splats = Splats.load_ply(folder / "splats.ply")
    assert len(splats) > 1000 and (folder / "surface.ply").is_file()
    red, green, blue = (splats.sh_coeffs[:, 0, channel] for channel in range(3))
    assert np.ptp(red) < 1e-6 and np.ptp(green) > 0.1 and np.ptp(blue) > 0.1, "the tint takes all red away"
    again = lyra_sim(environment, "build", str(scene), "--out", str(tmp_path), "--until", "author", "--dry-run")
    assert "Nothing to do: everything is current." in again.stdout, again.stdout
    coarse = ("--set", "scenes.tiny_room.reconstruct.options.every=6")
    changed = lyra_sim(environment, "build", str(scene), "--out", str(tmp_path), "--until", "author", "--dry-run", *coarse)
    assert "param changed: reconstruct.options.every (5 → 6)" in changed.stdout
