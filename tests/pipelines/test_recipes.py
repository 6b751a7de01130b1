"""The flat recipes stay readable and in step with the steps they call."""

import importlib.util
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from lyra_sim.data.report import Metric, Report
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps import STEP_MODULES

REPORT = Report(scene="room", metrics=(Metric(name="fake", value=1, unit="1", n=1, verdict="warn"),))
PIPELINES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.py"))


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("recipe", PIPELINES[0].with_name(name))
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    return recipe


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_a_recipe_is_at_most_100_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 100


def test_the_recipe_gives_every_step_exactly_what_it_needs_in_order(tmp_path, monkeypatch):
    """Same calls as the real recipe; each step only notes what it was handed."""
    called: list[str] = []
    for module in map(import_module, STEP_MODULES):

        def run(inputs, cfg, *, out, step=module.STEP):
            assert set(inputs) == set(step.needs), f"{step.name} needs {step.needs}"
            assert all(inputs[name] == f"output of {name}" for name in inputs)
            called.append(step.name)

        def load(folder, inputs, name=module.STEP.name):
            assert folder.is_dir()
            return REPORT if name == "assess" else f"output of {name}"

        monkeypatch.setattr(module, "STEP", replace(module.STEP, run=run, load=load))
    recipe = loaded("photos_to_stage.py")
    scene = SceneSpec(name="room", rgbd={"frames": "rgb", "depth": "depth", "cameras": "cameras.json"})
    assert recipe.build_stage(scene, tmp_path / "out") is REPORT
    assert [f"lyra_sim.steps.{name}" for name in called] == list(STEP_MODULES)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        ([], 2, "SpecError: arguments: 0 given (expected SCENES.yaml SCENE OUT)."),
        (["scenes.yaml", "attic", "new"], 2, "SpecError: scenes.yaml: no scene is named 'attic' (expected room, hall)."),
        (["scenes.yaml", "room", "."], 2, "SpecError: .: it exists already (expected a new folder)."),
        (["none.yaml", "room", "new"], 3, "InputError: none.yaml: "),
    ],
)
def test_a_mistake_is_one_message_and_an_exit_code(tmp_path, monkeypatch, capsys, arguments, exit_code, message):
    scenes = [f"  - {{name: {name}, rgbd: {{frames: gone, depth: gone, cameras: gone.json}}}}" for name in ("room", "hall")]
    (tmp_path / "scenes.yaml").write_text("\n".join(["version: 1", "scenes:", *scenes]))
    monkeypatch.chdir(tmp_path)
    assert loaded("photos_to_stage.py").main(arguments) == exit_code
    assert capsys.readouterr().err.startswith(message)
