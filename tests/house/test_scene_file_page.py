"""docs/scene_file.md names every key of the scene file with its true default, and nothing that doesn't exist."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lyra_sim.scene.scene_file import load_scenes
from lyra_sim.scene.spec import WrittenScene
from tests.house.files import ROOT

PAGE = (ROOT / "docs" / "scene_file.md").read_text(encoding="utf-8")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf key with its default as YAML; a key that is a model in one of its forms is also a leaf in the others."""
    for name, field in model.model_fields.items():
        inner = [part for part in models_in(field.annotation) if part.model_fields]
        for part in inner:
            yield from keys(part, f"{prefix}{name}.")
        if not inner or isinstance(field.default, str):
            yield prefix + name, "required" if field.default is PydanticUndefined else as_yaml(field.default)


def as_yaml(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, PurePath) else value
    return yaml.safe_dump(plain, default_flow_style=True).removesuffix("\n").removesuffix("\n...")


def rows(page: str = PAGE, *, columns: int = 3) -> list[tuple[str, ...]]:
    found = re.findall(r"^\| `([a-z0-9_.]+)` \|(.+)\|$", page, re.MULTILINE)
    split = [(key, *(cell.strip() for cell in rest.split(" | "))) for key, rest in found]
    return [row for row in split if len(row) == columns]


def test_every_key_is_there_with_its_default() -> None:
    documented = {(key, default.strip("`")) for key, cell, _ in rows() for default in cell.split(", `")}
    assert documented == set(keys(WrittenScene))


def test_every_key_is_explained() -> None:
    assert not [key for key, _, meaning in rows() if len(meaning) < 10]


def test_presets_are_as_the_page_says() -> None:
    """Every key that some preset sets has a row; where a preset is silent, the row shows the model's default."""
    table = {key: values for key, *values in rows(columns=4)}
    defaults = dict(keys(WrittenScene))
    presets = {name: flat_preset(name) for name in ("preview", "standard", "production")}
    assert set().union(*presets.values()) == set(table)
    for column, (name, preset) in enumerate(presets.items()):
        shown = {key: yaml.safe_load(values[column]) for key, values in table.items()}
        assert shown == {key: preset.get(key, yaml.safe_load(defaults[key])) for key in table}, name


def flat_preset(name: str) -> dict[str, Any]:
    stored = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": value for section, values in stored.items() for key, value in values.items()}


def test_the_example_on_the_page_is_a_valid_scene_file(tmp_path) -> None:
    (tmp_path / "scenes.yaml").write_text(PAGE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    (scene,) = load_scenes(tmp_path / "scenes.yaml", ["scenes.small_house.mesh.voxel_size=0.06", "scenes.*.seed=3"])
    assert (scene.name, scene.mesh.voxel_size, scene.seed) == ("small_house", 0.06, 3)
