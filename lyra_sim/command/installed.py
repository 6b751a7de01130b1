"""Commands that installed packages add to the command line, loaded when they are called or listed.

A package names a typer app, or a function, in its own metadata::

    [project.entry-points."lyra_sim.commands"]
    weights = "my_package.commands:app"
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from lyra_sim.errors import PluginError

ENTRY_POINT_GROUP = "lyra_sim.commands"


class WithInstalled(TyperGroup):
    """The built-in commands, then those of installed packages by name; a built-in one can't be shadowed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order that help shows them."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in _installed() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, None where there is none.

        Raises:
            PluginError: Its package can't be loaded.
        """
        own = super().get_command(ctx, cmd_name)
        point = _installed().get(cmd_name) if own is None else None
        return own if point is None else _loaded(point)


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)}


def _loaded(point: EntryPoint) -> Any:
    try:
        found = point.load()
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(point.name)(found)
            found = alone
        command = typer.main.get_command(found)
    except Exception as error:
        raise PluginError(
            f"command '{point.name}'",
            f"{point.value} can't be loaded ({type(error).__name__}: {error})",
            next_step="Repair or uninstall the package that declares it.",
        ) from error
    command.name = point.name
    return command
