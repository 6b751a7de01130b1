"""Commands of installed packages: listed, run, and never in the way of ours."""

from importlib.metadata import EntryPoint

import pytest
import typer

from lyra_sim.command import installed
from tests.command_line import lyra_sim

app = typer.Typer(help="Scales of things.")


@app.command("weigh")
def weigh(thing: str) -> None:
    """Weigh one thing."""
    typer.echo(f"{thing}: heavy")


@app.command("compare")
def compare() -> None:
    """Compare things."""
    raise typer.Exit(1)


def alone(number: int = 1) -> None:
    """One function."""
    typer.echo(f"number {number}")


@pytest.fixture
def add(monkeypatch):
    def declared(**targets: str) -> None:
        points = [EntryPoint(name, target, installed.ENTRY_POINT_GROUP) for name, target in targets.items()]
        monkeypatch.setattr(installed, "entry_points", lambda group: points if group == installed.ENTRY_POINT_GROUP else [])

    return declared


def test_an_app_and_a_function_become_commands(add, capsys):
    add(scales=f"{__name__}:app", alone=f"{__name__}:alone")
    code, printed = lyra_sim(["--help"], capsys)
    assert code == 0 and "Scales of things." in printed and "One function." in printed and "build" in printed
    assert lyra_sim(["scales", "weigh", "lead"], capsys) == (0, "lead: heavy\n")
    assert lyra_sim(["scales", "compare"], capsys)[0] == 1
    assert lyra_sim(["alone", "--number", "4"], capsys) == (0, "number 4\n")
    code, printed = lyra_sim(["scales", "weight"], capsys)
    assert code == 2 and "weight" in printed


def test_ours_cannot_be_shadowed_and_are_run_without_loading_others(add, capsys):
    add(schema="no_such_module_here:app")
    code, printed = lyra_sim(["schema"], capsys)
    assert code == 0 and "voxel_size" in printed


def test_one_that_cannot_be_loaded_is_a_clear_error(add, capsys):
    add(gone="no_such_module_here:app")
    code, printed = lyra_sim(["gone"], capsys)
    assert code == 1 and "PluginError: command 'gone': no_such_module_here:app can't be loaded" in printed
    assert "Traceback" not in printed and "uninstall the package that declares it" in printed
    assert lyra_sim(["plugins"], capsys)[0] == 0


def test_without_any_an_unknown_command_stays_unknown(add, capsys):
    add()
    assert lyra_sim(["scales"], capsys)[0] == 2
