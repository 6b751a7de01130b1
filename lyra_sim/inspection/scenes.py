"""The scene that builds what was inspected, as the scene file's own layers make it, and as text to copy."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lyra_sim.inspection.findings import Asked
from lyra_sim.scene.scene_file import SCHEMA_VERSION, scene_of_layer
from lyra_sim.scene.sources import BARE_PATH, SOURCES
from lyra_sim.scene.spec import SceneSpec

WIDTH = 120
"""Columns of a line of the text before YAML would wrap it. Convention."""


def scene_layer(path: Path, source: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], SceneSpec]:
    """The keys of a scene with what the user sets beside them, and the scene that they make.

    Args:
        path: Names the scene.
        source: The key of a source with its fields.
        overrides: ``key=value`` as in ``build --set``, without ``scenes.NAME.``.

    Raises:
        SpecError: An override is wrong.
    """
    layer = {"name": scene_name(path), **source}
    scene = scene_of_layer(layer, overrides)
    return layer, scene


def scene_name(path: Path) -> str:
    """A name as scene files want it, after the file or folder."""
    stem = path.absolute().name.partition(".")[0] or "scene"
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:64]
    return name if re.match(r"[A-Za-z]", name) else f"scene_{name}"[:64].rstrip("_-")


def with_guesses(layer: dict[str, Any], asks: Sequence[Asked]) -> dict[str, Any]:
    """A scene that states what nothing in the input says."""
    return layer | {ask.key: ask.guess for ask in asks}


def scene_file_text(layer: dict[str, Any], asks: Sequence[Asked]) -> str:
    """A whole scene file with this scene; what was guessed has a comment."""
    why = {ask.key: ask.why for ask in asks}
    lines = [f"version: {SCHEMA_VERSION}", "scenes:"]
    for number, (key, value) in enumerate(with_guesses(layer, asks).items()):
        shown = yaml.safe_dump(_short(key, value), sort_keys=False, width=WIDTH, allow_unicode=True).splitlines()
        shown[0] += f"   # {why[key]}" if key in why else ""
        lines += [("  - " if number == 0 and at == 0 else "    ") + line for at, line in enumerate(shown)]
    return "\n".join(lines) + "\n"


def _short(key: str, value: Any) -> dict[str, Any]:
    """A source that is nothing but a path is written as one; a given surface goes by ``mesh`` then."""
    if key in SOURCES and isinstance(value, dict) and list(value) == [BARE_PATH.get(key)]:
        (path,) = value.values()
        path = path[0] if isinstance(path, list) and len(path) == 1 else path
        return {"mesh" if key == "surface" else key: path}
    return {key: value}
