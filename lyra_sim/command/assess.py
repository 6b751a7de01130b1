"""``lyra-sim assess``: a published package measured anew."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lyra_sim.errors import SpecError

if TYPE_CHECKING:
    from lyra_sim.quality.published import Assessed

ENGINES = ("physx", "newton")
"""That the gate runs in unless told otherwise. Convention."""


def assess_command(
    world: Annotated[Path, typer.Argument(metavar="WORLD", help="out/<scene>/world, out/<scene>, or world.usda in it.")],
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CAPTURE|TRUTH",
            help="What to hold it against: out/<scene>/steps/01_capture with its held-out views, or a true surface (glTF, OBJ, "
            "PLY, USD; repeatable). Without it nobody can say that it is fit for driving.",
        ),
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A physics engine; repeatable. physx and newton by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write metrics.json and gate_<engine>.json there; nowhere by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what metrics.json would hold, and nothing else.")] = False,
) -> None:
    """Measure a published package anew, whatever its metrics.json says; exit 1 when it fails."""
    from lyra_sim.quality.published import assess_package

    _check_out(world, out)
    with tempfile.TemporaryDirectory(prefix="lyra-assess-") as scratch:
        found = assess_package(world, against=against or (), engines=engine or ENGINES, out=out or Path(scratch))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        found.report.save(out)
    if as_json:
        typer.echo(json.dumps(found.report.to_json(), indent=1, sort_keys=True))
    else:
        _print(found, out)
    raise typer.Exit(1 if found.report.verdict == "fail" else 0)


def _check_out(world: Path, out: Path | None) -> None:
    from lyra_sim.usd.published.place import find_package

    if out is not None and out.resolve().is_relative_to(find_package(world).folder.resolve()):
        raise SpecError(f"--out {out}", "it lies in the package, which it would change", next_step="Name a folder beside it.")


def _print(found: "Assessed", out: Path | None) -> None:
    from lyra_sim.command.summary import print_report
    from lyra_sim.data.report import METRICS

    if found.since:
        typer.echo(found.since)
    files = [("world", found.place.stage)] + ([("figures", out / METRICS)] if out is not None else [])
    print_report(Console(soft_wrap=True), found.report, files)
