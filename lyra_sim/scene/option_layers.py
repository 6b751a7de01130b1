"""Options of plug-ins while the layers of a scene file are merged: whose they are, and the form they had before."""

import logging
from collections.abc import Mapping
from typing import Any

from lyra_sim.errors import SpecError
from lyra_sim.scene.messages import MORE_PLUGINS
from lyra_sim.scene.plugin_choice import CHOICES, known_names
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.scene.strict_yaml import Document, KeyPath

log = logging.getLogger(__name__)


def without_foreign_options(section: str, weak: Mapping[str, Any], strong: Mapping[str, Any]) -> Mapping[str, Any]:
    """``weak`` without its options where ``strong`` names another plug-in than the one they were written for."""
    named_by = CHOICES[section].named_by
    if "options" not in weak or named_by not in weak or strong.get(named_by, weak[named_by]) == weak[named_by]:
        return weak
    return {key: value for key, value in weak.items() if key != "options"}


def joined(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    """``strong`` over ``weak``, key by key at every depth."""
    result = dict(weak)
    for key, value in strong.items():
        below = result.get(key)
        result[key] = joined(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def rename_old_options(layer: dict[str, Any], at: KeyPath, document: Document, name: str) -> list[str]:
    """A section of a plug-in's own name, the old form (``generate: {backend: mine, mine: {…}}``), becomes ``options``.

    To be dropped with the next release. The layer is changed in place, and a line says what to write.

    Args:
        layer: Part of the scene file.
        at: Where it stands in ``document``.
        document: To tell lines by.
        name: Dotted name of the layer.

    Returns:
        Sections in which the plug-in's own section was renamed.

    Raises:
        SpecError: The plug-in it is for isn't installed, or ``options`` stand there as well.
    """
    renamed = []
    for section, choice in CHOICES.items():
        values = layer.get(section)
        if not isinstance(values, dict):
            continue
        model = SceneSpec.model_fields[section].annotation
        chosen = values.get(choice.named_by)
        for key in [key for key in values if key not in getattr(model, "model_fields", {})]:
            known = known_names(choice.kind)
            if key == chosen and key not in known:
                raise SpecError(
                    document.where((*at, section, choice.named_by)),
                    f"'{name}.{section}.{choice.named_by}' is {key!r}",
                    expected=f"a plug-in of kind {choice.kind}: {', '.join(known)}",
                    next_step=MORE_PLUGINS,
                )
            if key not in known or chosen not in (None, key):
                continue
            where, new = document.where((*at, section, key)), f"{name}.{section}.options"
            if "options" in values:
                raise SpecError(where, f"'{name}.{section}.{key}' and '{new}' are both there", expected="options alone")
            log.warning(
                "%s: write '%s' for '%s.%s.%s'; the old name is read in this release only", where, new, name, section, key
            )
            values["options"] = values.pop(key)
            renamed.append(f"{section}.{key}")
    return renamed
