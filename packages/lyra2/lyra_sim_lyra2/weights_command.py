"""``lyra-sim weights``: makes weights folders out of published files, or out of random numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from lyra_sim_lyra2.weights.convert import Written

weights_app = typer.Typer(help="Weights of the lyra2 generator.", no_args_is_help=True, rich_markup_mode=None)


Target = Annotated[Path, typer.Argument(metavar="DST", help="The folder to make; must not exist.")]
ShardGb = Annotated[float, typer.Option("--shard-gb", min=0.001, help="Largest size of a file [GB].")]
Dtype = Annotated[Literal["bf16", "fp16", "fp32"], typer.Option("--dtype", help="Of stored numbers; the VAE's stay.")]


@weights_app.command("convert")
def convert_command(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The published folder, or the network's weights alone.")],
    target: Target,
    dtype: Dtype = "bf16",
    shard_gb: ShardGb = 4.0,
    accept_license: Annotated[
        list[str] | None, typer.Option("--accept-license", metavar="NAME", help="A licence you accept: lyra2; repeatable.")
    ] = None,
    heads: Annotated[int | None, typer.Option(min=1, help="Heads of attention, where the source doesn't say.")] = None,
) -> None:
    """Read published weights once and write a folder that `generator: lyra2` takes."""
    from lyra_sim_lyra2.weights.convert import DTYPES, convert

    _tell(
        convert(
            source,
            target,
            dtype=DTYPES[dtype],
            shard_gb=shard_gb,
            accepted=accept_license or (),
            heads=heads,
            say=typer.echo,
        )
    )


@weights_app.command("random")
def random_command(
    target: Target,
    size: Annotated[Literal["tiny", "full"], typer.Option(help="tiny for tests, full for timing (48 GB).")] = "tiny",
    seed: Annotated[int, typer.Option(min=0, help="Of all numbers.")] = 0,
    dtype: Dtype = "bf16",
    shard_gb: ShardGb = 4.0,
    part: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this part; repeatable.")] = None,
) -> None:
    """Write a folder of random weights, with which the whole pipeline runs and draws nothing of meaning."""
    from lyra_sim_lyra2.weights.convert import DTYPES
    from lyra_sim_lyra2.weights.random_folder import PARTS, write_random

    _tell(
        write_random(
            target,
            size=size,
            seed=seed,
            dtype=DTYPES[dtype],
            shard_gb=shard_gb,
            parts=part or PARTS,
            say=typer.echo,
        )
    )


def _tell(written: "Written") -> None:
    from lyra_sim_lyra2.weights.licences import licence_of

    licence = licence_of(written.licence)
    typer.echo(f"licence: {licence.name}" + (f"\n  {licence.terms}" if licence.terms else ""))
    for note in written.notes:
        typer.echo(note)
    typer.echo(f"{written.folder}: {', '.join(written.parts)}")
