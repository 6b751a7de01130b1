"""``lyra-sim verify``: our numbers beside recorded ones."""

from pathlib import Path
from typing import Annotated

import typer

verify_app = typer.Typer(help="Compare our numbers with recorded ones.", no_args_is_help=True, rich_markup_mode=None)


@verify_app.command("memory")
def verify_memory_command(
    vectors: Annotated[Path, typer.Option(metavar="FILE", help="Recorded inputs and outputs, safetensors.")],
) -> None:
    """Spatial memory and network inputs; exit 1 where frames differ or an output is off by more than 0.001."""
    raise typer.Exit(0 if _memory_agrees(vectors) else 1)


@verify_app.command("lyra2")
def verify_lyra2_command(
    vectors: Annotated[Path, typer.Option(metavar="FILE", help="Recorded weights, inputs and outputs, safetensors.")],
) -> None:
    """The network on recorded weights, or memory and inputs, whichever the file holds; exit 1 above tolerance."""
    from lyra_sim_lyra2.verify.verify_network import holds_a_network

    agrees = _network_agrees if holds_a_network(vectors) else _memory_agrees
    raise typer.Exit(0 if agrees(vectors) else 1)


def _memory_agrees(vectors: Path) -> bool:
    from lyra_sim_lyra2.verify.verify_memory import verify_memory

    comparison = verify_memory(vectors)
    for line in comparison.lines():
        typer.echo(line)
    typer.echo("agrees" if comparison.agrees else "differs")
    return comparison.agrees


def _network_agrees(vectors: Path) -> bool:
    from lyra_sim_lyra2.verify.verify_network import TOLERANCE, network_difference

    difference = network_difference(vectors)
    typer.echo(f"{'velocity':<19} {difference:.2e}")
    agrees = difference <= TOLERANCE
    typer.echo("agrees" if agrees else f"differs by more than {TOLERANCE:g}")
    return agrees
