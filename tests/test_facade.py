"""The façade: its names exist, and importing it, or planning with it, loads nothing heavy."""

import json
import subprocess
import sys

import pytest

import lyra_sim

HEAVY = {"torch", "pxr", "open3d", "numba", "trimesh", "coacd", "scipy", "skimage", "ovphysx", "newton", "warp"}


@pytest.mark.parametrize("name", lyra_sim.__all__)
def test_every_name_is_there_and_from_its_home(name):
    value = getattr(lyra_sim, name)
    if name != "__version__":
        assert value.__name__ == name and value.__module__.startswith(lyra_sim._HOMES[name])


def test_names_and_homes_agree():
    assert set(lyra_sim.__all__) == {*lyra_sim._HOMES, "__version__"} and dir(lyra_sim) == sorted(lyra_sim.__all__)
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        lyra_sim.biuld  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import lyra_sim",
        "from lyra_sim import SceneSpec, load_scenes, build, plan",
        "import lyra_sim.command.cli, lyra_sim.command.doctor, lyra_sim.command.summary",
        "from lyra_sim.runner import step_table; step_table()",
        "from lyra_sim.plugins import all_plugins; all_plugins()",
        "from lyra_sim.scene.scene_file import json_schema; json_schema()",
    ],
)
def test_nothing_heavy_is_imported(code):
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout.splitlines()[-1]))
