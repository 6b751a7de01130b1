"""A scene has one source, of a kind that code can match on; files and messages go on calling it by the key of its kind."""

import json
from typing import get_args

import pytest
from pydantic import ValidationError

from lyra_sim.errors import SpecError
from lyra_sim.runner.planning import field_values
from lyra_sim.scene.scene_file import load_scenes, source_paths
from lyra_sim.scene.sources import SOURCES, RgbdSource, Source
from lyra_sim.scene.spec import SceneSpec

WRITTEN = {
    "rgbd": {"frames": "rgb", "depth": "depth", "cameras": "t.json"},
    "photos": {"images": "photos"},
    "video": {"file": "walk.mp4"},
    "colmap": {"model": "sparse", "images": "photos"},
    "transforms": {"file": "t.json"},
    "surface": {"files": ["a.glb", "b.glb"]},
    "splats": {"file": "a.ply"},
}


def made(kind: str) -> SceneSpec:
    return SceneSpec.model_validate({"name": "room", kind: WRITTEN[kind]})


def test_every_kind_is_here() -> None:
    assert tuple(WRITTEN) == SOURCES and len(get_args(Source)) == len(SOURCES)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_scene_is_stored_as_it_is_written(kind: str) -> None:
    """What a worker process is sent: several kinds have a ``file``, so the kind has to travel along."""
    scene = made(kind)
    assert scene.source.key == kind
    stored = json.loads(json.dumps(scene.model_dump(mode="json")))
    assert kind in stored and "source" not in stored and SceneSpec.model_validate(stored) == scene
    assert SceneSpec(name="room", source=scene.source) == scene
    assert set(source_paths(scene)) == {f"{kind}.{field}" for field in source_paths(scene.source)}


def test_a_key_names_the_source_by_its_kind_and_knows_kinds_apart() -> None:
    values = {kind: field_values(made(kind), ("source",)) for kind in SOURCES}
    assert all(set(value) == {"name", kind} for kind, value in values.items())


def test_a_source_without_its_kind_is_refused(tmp_path) -> None:
    with pytest.raises(ValidationError, match="source"):
        SceneSpec.model_validate({"name": "room", "source": {"file": "a.ply"}})
    with pytest.raises(ValidationError, match="photos"):
        SceneSpec.model_validate({"name": "room", "source": RgbdSource.model_validate(WRITTEN["rgbd"]), "photos": "p"})
    file = tmp_path / "scenes.yaml"
    file.write_text("version: 1\nscenes:\n  - name: a\n    source: {file: a.ply}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"scenes\.yaml:4: unknown key 'scenes\.a\.source'"):
        load_scenes(file)


def test_a_key_inside_the_source_is_set_and_told_by_its_written_name(tmp_path) -> None:
    file = tmp_path / "scenes.yaml"
    file.write_text("version: 1\nscenes:\n  - name: a\n    splats: {file: a.ply, views: 20}\n", encoding="utf-8")
    (scene,) = load_scenes(file, ["scenes.a.splats.views=30"])
    assert scene.source.views == 30
    with pytest.raises(SpecError, match=r"'scenes\.a\.splats\.views' is 2"):
        load_scenes(file, ["scenes.a.splats.views=2"])
