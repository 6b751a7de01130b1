"""Pydantic's findings as one sentence in the user's terms, with suggestions for misspelt words."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from lyra_sim.errors import SpecError, did_you_mean
from lyra_sim.scene.strict_yaml import KeyPath

MORE_PLUGINS = "lyra-sim plugins lists what is installed, docs/plugins.md the packages known to bring more."


def spec_error_from(error: ValidationError, data: Any, where: Callable[[KeyPath], tuple[str, str]]) -> SpecError:
    """Translate the first finding.

    A value that fits none of several types gives pydantic one finding per type; they are told as one here. Of findings at
    several depths the deepest is told: a misspelt key says more than that the whole fits none of its types.

    Args:
        error: What pydantic found.
        data: The merged values it was given.
        where: From a key path to the place (file and line, or option) and the dotted name shown to the user.
    """
    findings = [(_existing(finding["loc"], data), finding) for finding in error.errors(include_url=False)]
    path, first = max(findings, key=lambda pair: len(pair[0]))
    place, name = where(path)
    same = [finding for at, finding in findings if at == path]
    same = [finding for finding in same if finding["type"] != "extra_forbidden"]  # a type that was tried and isn't meant
    if not same:
        return SpecError(place, f"unknown key '{name}'", next_step="lyra-sim schema lists every key.")
    if same[0]["type"] == "missing":
        return SpecError(place, f"'{name}.{same[0]['loc'][-1]}' is missing", next_step="lyra-sim schema describes every key.")
    expected = " or ".join(dict.fromkeys(_expectation(finding) for finding in same))
    words = [word for finding in same for word in _words(finding)]
    hint = did_you_mean(first["input"], words) if isinstance(first["input"], str) else None
    found = f"'{name}' is {_shown(first['input'])}"
    return SpecError(place, found, expected=expected, likely=hint, next_step=MORE_PLUGINS if _of_plugins(first) else None)


def _existing(loc: tuple[str | int, ...], data: Any) -> KeyPath:
    """The part of pydantic's location that the user wrote; it also names types it tried."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _expectation(finding: Any) -> str:
    """What was expected, without pydantic's preamble and class names."""
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "literal_error":
        return str(context["expected"])
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "a mapping of keys to values"
    if kind == "string_pattern_mismatch":
        return f"text that matches {context['pattern']}"
    if kind == "path_type":
        return "a path"
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return f"a mapping with {finding['loc'][-1]}"
    if _of_plugins(finding):
        return str(context["expected"])
    message = str(finding["msg"]).removeprefix("Input should be ").removeprefix("Input is not ")
    return message.split(", unable to parse")[0][:1].lower() + message.split(", unable to parse")[0][1:]


def _of_plugins(finding: Any) -> bool:
    """Whether a plug-in is named that isn't there."""
    return bool(finding["type"] == "unknown_plugin")


def _words(finding: Any) -> list[str]:
    """The words a literal allows, or the names of plug-ins, for a suggestion."""
    if _of_plugins(finding):
        return list(finding["ctx"]["known"])
    expected = str(finding.get("ctx", {}).get("expected", ""))
    return expected.split("'")[1::2] if finding["type"] == "literal_error" else []


def _shown(value: Any) -> str:
    text = "empty" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
