"""What enters the keys of the real steps besides the scene: templates and the versions of installed engines."""

import shutil
from pathlib import Path

import pytest

from lyra_sim import plugins
from lyra_sim.resources import resource_dir
from lyra_sim.runner import plan
from lyra_sim.steps import assess, author


def keys(scene, out) -> dict[str, str]:
    (made,) = plan([scene], out)
    return {step.step.name: step.key for step in made.steps}


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [name for name in before if before[name] != after[name]]


@pytest.fixture
def templates(tmp_path, monkeypatch) -> Path:
    copy = tmp_path / "templates"
    shutil.copytree(resource_dir("usd_templates"), copy)
    for step in (author, assess):
        monkeypatch.setattr(step, "resource_dir", lambda name: copy)
    return copy


@pytest.mark.parametrize(
    ("template", "steps"),
    [("world.usda", ["author", "assess"]), ("materials.usda", ["author", "assess"]), ("robots/diff_drive.usda", ["assess"])],
)
def test_an_edited_template_reruns_what_uses_it(make_scene, tmp_path, templates, template, steps):
    scene = make_scene()
    before = keys(scene, tmp_path / "out")
    with (templates / template).open("a") as stream:
        stream.write("\n# edited\n")
    assert changed(before, keys(scene, tmp_path / "out")) == steps


def test_templates_count_by_content_not_by_place(make_scene, tmp_path, monkeypatch, templates):
    scene = make_scene()
    before = keys(scene, tmp_path / "out")
    (made,) = plan([scene], tmp_path / "out")
    assert str(tmp_path) not in repr(made.steps[-1].ingredients)
    assert "world.usda" in made.steps[-2].ingredients["sources"] and "robots" in made.steps[-1].ingredients["sources"]
    moved = templates.rename(tmp_path / "elsewhere")
    for step in (author, assess):
        monkeypatch.setattr(step, "resource_dir", lambda name: moved)
    assert keys(scene, tmp_path / "out") == before


@pytest.mark.parametrize(
    ("package", "steps"), [("ovphysx", ["assess"]), ("mujoco", ["assess"]), ("usd-core", ["author", "assess"]), ("numpy", [])]
)
def test_an_upgraded_engine_reruns_what_it_proved(make_scene, tmp_path, monkeypatch, package, steps):
    scene, installed = make_scene(), plugins.version
    before = keys(scene, tmp_path / "out")
    monkeypatch.setattr(plugins, "version", lambda name: "99.0" if name == package else installed(name))
    assert changed(before, keys(scene, tmp_path / "out")) == steps


def test_an_engine_that_is_not_asked_for_changes_nothing(make_scene, tmp_path, monkeypatch):
    scene, installed = make_scene(assess={"engines": ("newton",)}), plugins.version
    before = keys(scene, tmp_path / "out")
    monkeypatch.setattr(plugins, "version", lambda name: "99.0" if name == "ovphysx" else installed(name))
    assert keys(scene, tmp_path / "out") == before
