"""Plug-ins in a scene file: names checked against what is declared, options against the plug-in's own model."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, SerializeAsAny
from pydantic_core import PydanticCustomError

from lyra_sim.errors import PluginError
from lyra_sim.plugins import Kind, all_plugins, find_plugin

AUTO = "auto"
"""Stands for whichever plug-in fits; it takes no options."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A section that names a plug-in."""

    kind: Kind
    named_by: str
    """Its key that holds the name."""


CHOICES = {
    "depth": Choice(kind="depth", named_by="backend"),
    "generate": Choice(kind="generator", named_by="backend"),
    "reconstruct": Choice(kind="reconstructor", named_by="backend"),
    "author": Choice(kind="exporter", named_by="exporter"),
}
"""By section."""


def known_names(kind: Kind) -> list[str]:
    """Of all declared plug-ins of a kind."""
    return [spec.name for spec in all_plugins() if spec.kind == kind]


def known_name(kind: Kind, name: str) -> str:
    """``name``, if a plug-in of the kind is declared under it; else an error that lists those that are."""
    try:
        find_plugin(kind, name)
    except PluginError as error:
        known = known_names(kind)
        told = {"known": known, "expected": f"a plug-in of kind {kind}: {', '.join(known)}"}
        raise PydanticCustomError("unknown_plugin", "{expected}", told) from error
    return name


def validated_options(section: str, name: str | None, value: Any) -> BaseModel | None:
    """The value as the chosen plug-in's own model; None where the plug-in takes no options.

    Args:
        section: Of the scene file.
        name: Of the plug-in; None where it was refused.
        value: What stands under ``options``.
    """
    if name is None:
        return None
    kind = CHOICES[section].kind
    model = None if name == AUTO else find_plugin(kind, name).options
    if model is None:
        if value is None or value == {}:
            return None
        raise PydanticCustomError("no_options", "{expected}", {"expected": f"nothing: {kind} '{name}' takes no options"})
    return value if isinstance(value, model) else model.model_validate({} if value is None else value)


def _name_of(section: str) -> AfterValidator:
    return AfterValidator(lambda name: name if name == AUTO else known_name(CHOICES[section].kind, name))


EngineName = Annotated[str, AfterValidator(lambda name: known_name("physics", name))]
DepthName = Annotated[str, _name_of("depth")]
GeneratorName = Annotated[str, AfterValidator(lambda name: known_name("generator", name))]
ReconstructorName = Annotated[str, AfterValidator(lambda name: known_name("reconstructor", name))]
ExporterName = Annotated[str, AfterValidator(lambda name: known_name("exporter", name))]
Options = SerializeAsAny[BaseModel] | None
"""What the chosen plug-in needs to know beyond the section, by its own model; its declaration names it."""


def options_schemas(section: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON Schemas of what may stand under a section's ``options``, one a plug-in, and their definitions."""
    schemas: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for spec in all_plugins():
        if spec.kind == CHOICES[section].kind and spec.options is not None:
            prefix = f"{spec.kind}.{spec.name}."
            schema = spec.options.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
            definitions |= {prefix + name: model for name, model in schema.pop("$defs", {}).items()}
            schemas.append({**schema, "title": f"{spec.kind} {spec.name}"})
    return schemas, definitions
