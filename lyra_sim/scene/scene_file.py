"""From a scene file to scenes: layers merged, unknown keys refused by name and line, every error one clear message.

Layers, weakest first: model defaults, the preset (``configs/<preset>.yaml``), ``defaults``, the scene, ``--set``.
``--set defaults.x=…`` edits the ``defaults`` layer, so a scene that says otherwise still wins;
``--set scenes.NAME.x=…`` edits the scene, and NAME may be a glob.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from lyra_sim.errors import LyraSimError, SpecError, did_you_mean
from lyra_sim.plugins import find_plugin
from lyra_sim.resources import resource_dir
from lyra_sim.scene.messages import spec_error_from
from lyra_sim.scene.option_layers import joined, rename_old_options, without_foreign_options
from lyra_sim.scene.plugin_choice import AUTO, CHOICES, known_names, options_schemas
from lyra_sim.scene.sources import ViewSource, with_named_surface
from lyra_sim.scene.spec import SceneSpec, WrittenScene
from lyra_sim.scene.strict_yaml import Document, KeyPath, parse_yaml, read_yaml

SCHEMA_VERSION = 1
"""Of the scene file. Convention."""
_TOP_KEYS = ("version", "defaults", "scenes")


def load_scenes(path: str | Path, overrides: Sequence[str] = ()) -> tuple[SceneSpec, ...]:
    """Read a scene file.

    Args:
        path: The YAML file. Source paths in it are relative to its folder and come back absolute.
        overrides: ``scenes.NAME.section.key=value`` or ``defaults.section.key=value``; the value is YAML.

    Raises:
        InputError: The file isn't there.
        SpecError: Anything in it, or in an override, is wrong.
    """
    path = Path(path)
    document = read_yaml(path)
    top = _top_level(document)
    layers = _Layers(document, top.get("defaults"), top["scenes"])
    for override in overrides:
        layers.override(override)
    folder = path.absolute().parent
    return tuple(_absolute(layers.scene(index), folder) for index in range(len(layers.scenes)))


def scene_of_layer(layer: dict[str, Any], overrides: Sequence[str] = ()) -> SceneSpec:
    """One scene as if it stood alone in a scene file of the current folder.

    Args:
        layer: Its keys; overrides go into it.
        overrides: ``section.key=value``; the value is YAML.

    Raises:
        SpecError: Anything in it, or in an override, is wrong.
    """
    layers = _Layers(Document(subject="the scene", data={"scenes": [layer]}, lines={}), None, [layer])
    for override in overrides:
        layers.override(override, within="scenes.*.")
    return _absolute(layers.scene(0), Path.cwd())


def json_schema() -> dict[str, Any]:
    """JSON Schema of the scene file, for editors.

    ``defaults`` may hold any part of a scene, so only a scene's ``name`` is required here; what is
    missing after merging is found by :func:`load_scenes`.
    """
    scene = WrittenScene.model_json_schema()
    definitions = scene.pop("$defs")
    for section in CHOICES:
        schemas, theirs = options_schemas(section)
        definitions |= theirs
        model = definitions[type(SceneSpec.model_fields[section].default).__name__]
        model["properties"]["options"] = {"anyOf": [*schemas, {"type": "null"}], "default": None}
    definitions.pop("BaseModel", None)
    for model in definitions.values():
        model.pop("required", None)
    scene["required"] = ["name"]
    scene["properties"]["mesh"] = {"anyOf": [scene["properties"]["mesh"], {"type": "string"}, {"type": "array"}]}
    defaults = {
        **scene,
        "title": "Defaults",
        "required": [],
        "properties": {key: value for key, value in scene["properties"].items() if key != "name"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lyra-sim scene file",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "scenes"],
        "properties": {
            "version": {"const": SCHEMA_VERSION},
            "defaults": defaults,
            "scenes": {"type": "array", "items": scene, "minItems": 1},
        },
        "$defs": definitions,
    }


def source_paths(value: Any, prefix: str = "") -> dict[str, Path]:
    """Every path inside a model or value by its dotted field name (``rgbd.frames``, ``truth.mesh.0``)."""
    if isinstance(value, Path):
        return {prefix: value}
    children: list[tuple[str, Any]] = []
    if isinstance(value, BaseModel):
        children = [(name, getattr(value, name)) for name in type(value).model_fields]
    elif isinstance(value, tuple):
        children = [(str(index), item) for index, item in enumerate(value)]
    found: dict[str, Path] = {}
    for name, child in children:
        name = child.key if isinstance(child, ViewSource) else name  # as the user wrote it
        found |= source_paths(child, f"{prefix}.{name}" if prefix else name)
    return found


def _top_level(document: Document) -> dict[str, Any]:
    top = document.data
    if not isinstance(top, dict):
        raise SpecError(document.subject, "it holds no mapping", expected="version, defaults and scenes at the top level")
    for key in top:
        if key not in _TOP_KEYS:
            raise SpecError(
                document.where((key,)),
                f"unknown key '{key}'",
                expected="version, defaults, scenes",
                next_step=did_you_mean(str(key), _TOP_KEYS),
            )
    if top.get("version") != SCHEMA_VERSION or isinstance(top["version"], bool):
        raise SpecError(
            document.where(("version",)),
            f"version is {top['version']!r}" if "version" in top else "it names no version",
            expected=f"version: {SCHEMA_VERSION}",
        )
    if not isinstance(top.get("scenes"), list) or not top["scenes"]:
        raise SpecError(document.where(("scenes",)), "scenes is empty or missing", expected="a list with one entry per scene")
    return top


class _Layers:
    """The file's layers while overrides are applied to them."""

    def __init__(self, document: Document, defaults: Any, scenes: list[Any]) -> None:
        self.lines = dict(document.lines)
        """Those of the document, and of keys that go by a new name."""
        self.document = document = replace(document, lines=self.lines)
        self.scenes = scenes
        self.origins: dict[KeyPath, str] = {}
        self.defaults = {} if defaults is None else self._checked(defaults, ("defaults",), self.document)
        if "name" in self.defaults:
            raise SpecError(document.where(("defaults", "name")), "defaults holds a name", expected="a name in each scene only")
        self.names: dict[str, int] = {}
        for index, scene in enumerate(scenes):
            self._checked(scene, ("scenes", index), self.document)
            self._name(scene, index)

    def _checked(self, layer: Any, at: KeyPath, document: Document) -> dict[str, Any]:
        if not isinstance(layer, dict):
            raise SpecError(
                document.where(at), f"'{_named(at, document)}' is {_kind(layer)}", expected="a mapping of keys to values"
            )
        self._name_surface(layer, at, document)
        self._name_options(layer, at, document)
        _refuse_unknown(layer, WrittenScene, at, _in(document))
        return layer

    def _name_options(self, layer: dict[str, Any], at: KeyPath, document: Document) -> list[str]:
        """A plug-in's own section is the old form of ``options``; its lines stay known."""
        renamed = rename_old_options(layer, at, document, _named(at, document))
        for section, key in (name.split(".") for name in renamed):
            old = (*at, section, key)
            for path in [path for path in self.lines if path[: len(old)] == old]:
                self.lines[(*at, section, "options", *path[len(old) :])] = self.lines[path]
        return renamed

    def _name_surface(self, layer: dict[str, Any], at: KeyPath, document: Document) -> None:
        """``mesh: house.glb`` is short for ``surface``; layers have to agree on the long form before they merge."""
        try:
            named = with_named_surface(layer)
        except ValueError as error:
            raise SpecError(document.where((*at, "mesh")), str(error)) from error
        if named is not layer:
            layer.clear()
            layer.update(named)

    def _name(self, scene: dict[str, Any], index: int) -> None:
        place = self.document.where(("scenes", index))
        name = scene.get("name")
        if not isinstance(name, str):
            raise SpecError(place, f"scene {index + 1} has no name", expected="name: a word, used as the output folder")
        if name in self.names:
            raise SpecError(place, f"two scenes are named '{name}'", expected="unique names", likely="A block was copied.")
        self.names[name] = index

    def override(self, text: str, *, within: str = "") -> None:
        """Apply one ``--set``; ``within`` stands before its path."""
        subject = f"--set {text}"
        target, equals, value_text = text.partition("=")
        target = within + target
        keys = target.strip().split(".")
        if not equals or len(keys) < 2 or not all(keys):
            expected = "key=value" if within else "scenes.NAME.key=value or defaults.key=value"
            raise SpecError(subject, "not of the form path=value", expected=expected)
        value = parse_yaml(value_text, subject=subject).data
        document = Document(subject=subject, data=None, lines={})
        if keys[0] == "defaults":
            self._set(self.defaults, keys[1:], value, ("defaults",), document)
        elif keys[0] == "scenes":
            chosen = [name for name in self.names if fnmatchcase(name, keys[1])]
            if not chosen:
                raise SpecError(
                    subject,
                    f"no scene is named '{keys[1]}'",
                    expected=", ".join(self.names),
                    next_step=did_you_mean(keys[1], list(self.names)),
                )
            if keys[2:] in ([], ["name"]):
                raise SpecError(subject, "a scene's name or a whole scene can't be set", expected="scenes.NAME.key=value")
            for name in chosen:
                self._set(self.scenes[self.names[name]], keys[2:], value, ("scenes", name), document)
        else:
            raise SpecError(
                subject,
                f"the path starts with '{keys[0]}'",
                expected="scenes.NAME.… or defaults.…",
                next_step=did_you_mean(keys[0], ("scenes", "defaults")),
            )

    def _set(self, layer: dict[str, Any], keys: list[str], value: Any, at: KeyPath, document: Document) -> None:
        patch: Any = value
        for key in reversed(keys):
            patch = {key: patch}
        self._name_surface(patch, at, document)
        if ".".join(keys[:2]) in self._name_options(patch, at, document):
            keys = [keys[0], "options", *keys[2:]]
        _refuse_unknown(patch, WrittenScene, at, _in(document))
        layer.update(_merged(layer, patch, WrittenScene))
        self.origins[(*at, *keys)] = document.subject

    def scene(self, index: int) -> SceneSpec:
        """Merge all layers of one scene and validate the result."""
        scene = self.scenes[index]
        chosen = scene.get("preset", self.defaults.get("preset", SceneSpec.model_fields["preset"].default))
        merged = _merged(_merged(_preset(chosen), self.defaults, WrittenScene), scene, WrittenScene)
        self._refuse_unknown_options(merged, index)
        try:
            return SceneSpec.model_validate(merged)
        except ValidationError as error:
            raise spec_error_from(error, merged, lambda path: self._where(path, index)) from error

    def _refuse_unknown_options(self, merged: Mapping[str, Any], index: int) -> None:
        """Only the merged section tells whose options they are; a name that isn't known is left for validation."""
        for section, choice in CHOICES.items():
            values = merged.get(section)
            options = values.get("options") if isinstance(values, dict) else None
            name = values.get(choice.named_by, _default(section, choice.named_by)) if isinstance(values, dict) else AUTO
            if isinstance(options, dict) and name in known_names(choice.kind):
                model = find_plugin(choice.kind, name).options
                if model is not None:
                    _refuse_unknown(options, model, (section, "options"), lambda path: self._where(path, index))

    def _where(self, path: KeyPath, index: int) -> tuple[str, str]:
        """The override, or the place in the file, that a merged value came from; and the value's dotted name."""
        name = self.scenes[index]["name"]
        for layer, at in ((("scenes", name), ("scenes", index)), (("defaults",), ("defaults",))):
            for length in range(len(path), 0, -1):
                full = (*layer, *path[:length])
                if full in self.origins:
                    return self.origins[full], _dotted(("scenes", name, *path))
                if (*at, *path[:length]) in self.document.lines:
                    return self.document.where((*at, *path[:length])), _dotted(("scenes", name, *path))
        return self.document.where(("scenes", index)), _dotted(("scenes", name, *path))


def _preset(name: Any) -> dict[str, Any]:
    """Values of a preset; one that doesn't exist is left for validation to refuse in the user's terms."""
    if name not in get_args(SceneSpec.model_fields["preset"].annotation):
        return {}
    document = read_yaml(resource_dir("configs") / f"{name}.yaml")
    values: dict[str, Any] = document.data
    _refuse_unknown(values, WrittenScene, (), _in(document))
    return values


def _merged(weak: Mapping[str, Any], strong: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """``strong`` over ``weak``; sections merge key by key, anything else (a choice like ``scale``) is replaced whole."""
    result = dict(weak)
    for key, value in strong.items():
        below = result.get(key)
        models = _models_of(model.model_fields[key].annotation) if key in model.model_fields else ()
        if len(models) == 1 and isinstance(value, dict) and isinstance(below, dict):
            if model is WrittenScene and key in CHOICES:
                below = without_foreign_options(key, below, value)
            value = _merged(below, value, models[0])
        elif key == "options" and isinstance(value, dict) and isinstance(below, dict):
            value = joined(below, value)
        result[key] = value
    return result


Where = Callable[[KeyPath], tuple[str, str]]
"""From a key path to its place (file and line, or option) and the dotted name shown to the user."""


def _in(document: Document) -> Where:
    return lambda path: (document.where(path), _named(path, document))


def _default(section: str, key: str) -> Any:
    return getattr(SceneSpec.model_fields[section].default, key)


def _refuse_unknown(value: Mapping[Any, Any], model: type[BaseModel], at: KeyPath, where: Where) -> None:
    """Walk a layer along the models and refuse the first key that none of them has."""
    for key, child in value.items():
        if key not in model.model_fields:
            raise _unknown(str(key), (*at, key), list(model.model_fields), where)
        annotation = model.model_fields[key].annotation
        models = _models_of(annotation)
        if models == (annotation,) and not isinstance(child, dict):
            place, name = where((*at, key))
            raise SpecError(place, f"'{name}' is {_kind(child)}", expected="a mapping of keys to values")
        if not isinstance(child, dict) or not models:
            continue
        if len(models) == 1:
            _refuse_unknown(child, models[0], (*at, key), where)
            continue
        known = [field for candidate in models for field in candidate.model_fields]
        for name in child:
            if name not in known:
                raise _unknown(str(name), (*at, key, name), known, where)


def _unknown(key: str, path: KeyPath, known: list[str], where: Where) -> LyraSimError:
    place, name = where(path)
    return SpecError(
        place,
        f"unknown key '{name}'",
        likely=did_you_mean(key, known) or f"Known keys here: {', '.join(sorted(set(known)))}.",
        next_step="lyra-sim schema lists every key.",
    )


def _models_of(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The models a field may hold: one for a section, several for a choice, none for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(model for option in get_args(annotation) for model in _models_of(option))
    return ()


def _absolute(value: Any, folder: Path) -> Any:
    """The same frozen value with every path made absolute."""
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, tuple):
        return tuple(_absolute(item, folder) for item in value)
    if isinstance(value, BaseModel):
        changed = {name: _absolute(getattr(value, name), folder) for name in type(value).model_fields}
        return value.model_copy(update=changed)
    return value


def _named(path: KeyPath, document: Document) -> str:
    """A dotted path as ``--set`` takes it: the scene by its name where it has one, not by its place in the list."""
    if len(path) > 1 and isinstance(path[1], int):
        scene = document.data["scenes"][path[1]]
        if isinstance(scene, dict) and isinstance(scene.get("name"), str):
            path = (path[0], scene["name"], *path[2:])
    return _dotted(path)


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


def _kind(value: Any) -> str:
    return {type(None): "empty", list: "a list", str: "a text", dict: "a mapping"}.get(type(value), f"{value!r}")
