"""Options of plug-ins: checked by their own model with line and suggestion, layered, keyed, read in their old form."""

import logging
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from lyra_sim import plan, plugins
from lyra_sim.errors import PluginError, SpecError
from lyra_sim.plugins import PluginSpec
from lyra_sim.runner.worker import Job
from lyra_sim.scene.scene_file import json_schema, load_scenes, source_paths
from lyra_sim.scene.sources import Model


class Inner(Model):
    strength: float = 1.0
    kind: str = "soft"


class Mine(Model):
    prior: Path
    grid: int = Field(default=8, ge=2)
    how: Literal["near", "far"] = "near"
    inner: Inner = Inner()


class Open(BaseModel):
    grid: int = 8


MINE = PluginSpec(kind="reconstructor", name="mine", target="their_package:f", version="1", options=Mine)
DRAWS = PluginSpec(kind="generator", name="draws", target="their_package:g", version="1", options=Inner)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_third_party", lambda: (MINE, DRAWS))


def written(folder: Path, reconstruct: str, *, defaults: str = "", more: str = "") -> Path:
    path = folder / "scenes.yaml"
    head = f"version: 1\ndefaults:\n{defaults}" if defaults else "version: 1\n"
    room = "scenes:\n  - name: room\n    rgbd: {frames: f, depth: d, cameras: c.json}\n"
    path.write_text(f"{head}{room}{more}    reconstruct:\n{reconstruct}")
    return path


GOOD = "      backend: mine\n      options:\n        prior: p.bin\n        inner: {strength: 2}\n"


def test_they_are_the_models_with_paths_beside_the_file(tmp_path: Path) -> None:
    (room,) = load_scenes(written(tmp_path, GOOD), ["scenes.room.reconstruct.options.inner.kind=hard"])
    assert room.reconstruct.options == Mine(prior=tmp_path / "p.bin", inner=Inner(strength=2, kind="hard"))
    assert source_paths(room)["reconstruct.options.prior"] == tmp_path / "p.bin"
    job = Job(modules=(), step="reconstruct", scene=room, folders={}, out=tmp_path)
    assert Job.from_json(job.to_json()).scene == room, "they travel to the step's process"


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("prior:", "prier:", 8, "unknown key 'scenes.room.reconstruct.options.prier'.\n  Did you mean 'prior'?"),
        ("strength", "strenth", 9, "options.inner.strenth'.\n  Did you mean 'strength'?"),
        ("prior: p.bin", "grid: 4", 7, "'scenes.room.reconstruct.options.prior' is missing"),
        ("prior: p.bin", "{prior: p, grid: 1}", None, "not plain YAML"),
        ("        prior: p.bin\n", "        prior: p.bin\n        grid: 1\n", 9, "options.grid' is 1 (expected greater than"),
        ("        prior: p.bin\n", "        prior: p.bin\n        how: nearr\n", 9, "Did you mean 'near'?"),
        ("backend: mine", "backend: mime", 6, "'scenes.room.reconstruct.backend' is 'mime' (expected a plug-in of kind"),
        ("backend: mine", "backend: fuse", 7, "nothing: reconstructor 'fuse' takes no options"),
    ],
)
def test_mistakes_are_told_as_everywhere_else(tmp_path: Path, old: str, new: str, line: int | None, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_scenes(written(tmp_path, GOOD.replace(old, new)))
    assert told in str(caught.value), caught.value
    assert line is None or str(caught.value).startswith(f"scenes.yaml:{line}: "), caught.value


def test_a_name_without_the_options_it_needs_says_which(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'scenes\.room\.reconstruct\.options\.prior' is missing"):
        load_scenes(written(tmp_path, "      backend: mine\n"))


def test_they_merge_key_by_key_and_go_with_another_name(tmp_path: Path) -> None:
    below = "  reconstruct: {backend: mine, options: {prior: below.bin, grid: 4, inner: {strength: 3}}}\n"
    (room,) = load_scenes(written(tmp_path, "      options: {grid: 5, inner: {kind: hard}}\n", defaults=below))
    assert room.reconstruct.options == Mine(prior=tmp_path / "below.bin", grid=5, inner=Inner(strength=3, kind="hard"))
    (room,) = load_scenes(written(tmp_path, "      backend: fuse\n", defaults=below))
    assert room.reconstruct.options is None and room.reconstruct.backend == "fuse"


def test_files_and_values_enter_the_steps_key(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    for name in ("f", "d"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(b"0")

    def key(content: bytes, strength: float) -> str:
        (tmp_path / "p.bin").write_bytes(content)
        scenes = load_scenes(written(tmp_path, GOOD.replace("2}", f"{strength}}}")))
        (made,) = plan(scenes, tmp_path / "out")
        return next(step.key for step in made.steps if step.step.name == "reconstruct")

    assert key(b"a", 2) == key(b"a", 2) and len({key(b"a", 2), key(b"b", 2), key(b"a", 3)}) == 3


@pytest.mark.parametrize("how", ["scene", "defaults", "set"])
def test_a_section_of_the_plug_ins_name_is_read_with_a_line_that_says_what_to_write(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    old, overrides = "      backend: mine\n      mine:\n        prior: p.bin\n", []
    path = written(tmp_path, old)
    if how == "defaults":
        path = written(tmp_path, "      backend: mine\n", defaults="  reconstruct: {mine: {prior: p.bin}}\n")
    elif how == "set":
        path, overrides = written(tmp_path, "      backend: mine\n"), ["scenes.room.reconstruct.mine.prior=p.bin"]
    with caplog.at_level(logging.WARNING):
        (room,) = load_scenes(path, overrides)
    assert room.reconstruct.options == Mine(prior=tmp_path / "p.bin")
    (said,) = [record.getMessage() for record in caplog.records]
    layer = "defaults" if how == "defaults" else "scenes.room"
    assert f"write '{layer}.reconstruct.options' for '{layer}.reconstruct.mine'" in said
    assert said.startswith({"scene": "scenes.yaml:7: ", "defaults": "scenes.yaml:3: ", "set": "--set scenes.room"}[how])


def test_mistakes_in_the_old_form_keep_their_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"scenes\.yaml:8: unknown key 'scenes\.room\.reconstruct\.options\.prier'"):
        load_scenes(written(tmp_path, "      backend: mine\n      mine:\n        prier: p.bin\n"))
    with pytest.raises(SpecError, match=r"scenes\.yaml:7: .*are both there"):
        load_scenes(written(tmp_path, "      backend: mine\n      mine: {prior: p}\n      options: {prior: p}\n"))
    with pytest.raises(SpecError, match=r"unknown key 'scenes\.room\.reconstruct\.mine'"):
        load_scenes(written(tmp_path, "      backend: fuse\n      mine: {prior: p}\n"))


def test_what_is_not_installed_is_said_before_its_section_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_scenes(written(tmp_path, "      backend: fuse\n", more="    generate: {backend: absent, absent: {weights: w}}\n"))
    assert "'scenes.room.generate.backend' is 'absent' (expected a plug-in of kind generator: reproject, draws)" in str(
        caught.value
    )
    assert "docs/plugins.md" in str(caught.value)


def test_the_schema_lists_them() -> None:
    schema = json_schema()
    (mine, none) = schema["$defs"]["ReconstructConfig"]["properties"]["options"]["anyOf"]
    assert set(mine["properties"]) == {"prior", "grid", "how", "inner"} and none == {"type": "null"}
    inner = mine["properties"]["inner"].get("$ref") or mine["properties"]["inner"]["allOf"][0]["$ref"]
    assert schema["$defs"][inner.removeprefix("#/$defs/")]["properties"].keys() == {"strength", "kind"}


def test_a_declaration_with_options_nobody_could_reach_or_check_is_refused() -> None:
    with pytest.raises(PluginError, match="it declares options"):
        PluginSpec(kind="physics", name="mine", target="m:f", version="1", options=Mine)
    with pytest.raises(PluginError, match=r"(?s)open to unknown keys.*scene\.sources\.Model"):
        PluginSpec(kind="depth", name="mine", target="m:f", version="1", options=Open)
