"""Names of plug-ins in a scene file, checked against what is declared here and by installed packages."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from lyra_sim.errors import PluginError
from lyra_sim.plugins import Kind, all_plugins, find_plugin


def known_name(kind: Kind, name: str) -> str:
    """``name``, if a plug-in of the kind is declared under it; else an error that lists those that are."""
    try:
        find_plugin(kind, name)
    except PluginError as error:
        known = [spec.name for spec in all_plugins() if spec.kind == kind]
        if name in known:
            raise  # another package's declaration is broken
        told = {"known": known, "expected": f"a plug-in of kind {kind}: {', '.join(known)}"}
        raise PydanticCustomError("unknown_plugin", "{expected}", told) from error
    return name


def _engine(name: str) -> str:
    return known_name("physics", name)


EngineName = Annotated[str, AfterValidator(_engine)]
