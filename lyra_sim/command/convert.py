"""``lyra-sim convert``: a file of splats of one kind into another, with all that is lost on the way said."""

from pathlib import Path
from typing import Annotated

import typer

from lyra_sim.errors import SpecError


def convert_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="PLY, compressed PLY, SPZ, SOG or .splat; told by content.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help=".ply, .compressed.ply, .spz, .sog, .splat, or meta.json in a folder.")
    ],
    sh_degree: Annotated[
        int, typer.Option("--sh-degree", min=0, max=3, help="Harmonics above this are dropped; fewer stay as they are.")
    ] = 3,
    spz_version: Annotated[int, typer.Option("--spz-version", min=2, max=4, help="Few readers know 4; 2 loses rotations.")] = 3,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT where it exists.")] = False,
) -> None:
    """Convert Gaussian splats between file formats, in the frame they have."""
    _convert(source, target, sh_degree=sh_degree, spz_version=spz_version, overwrite=overwrite)


def _convert(source: Path, target: Path, *, sh_degree: int, spz_version: int, overwrite: bool) -> None:
    from dataclasses import replace

    from lyra_sim.splat_files.reading import read_splats
    from lyra_sim.splat_files.writing import kind_of_name, write_splats

    kind = kind_of_name(target)
    if target.exists() and not overwrite:
        raise SpecError(str(target), "it exists already", next_step="Give another name, or --overwrite.")
    reading = read_splats(source)
    splats, kept = reading.splats, (sh_degree + 1) ** 2
    if splats.sh_degree > sh_degree:
        splats = replace(splats, sh_coeffs=splats.sh_coeffs[:, :kept])
    lost = write_splats(splats, target, antialiased=reading.antialiased, spz_version=spz_version)
    typer.echo(f"read     {reading.notes.format}: {len(reading.splats)} splats, harmonics of degree {reading.splats.sh_degree}")
    for line in (*map(str, reading.notes.left_out), *reading.notes.remarks):
        typer.echo(f"  note   {line}")
    typer.echo(f"written  {kind}: {target} ({_bytes_of(target) / 1e6:.3g} MB)")
    for line in lost:
        typer.echo(f"  lost   {line}")


def _bytes_of(target: Path) -> int:
    if target.name != "meta.json":
        return target.stat().st_size
    from lyra_sim.splat_files.sog import files_of

    return sum(path.stat().st_size for path in (target, *files_of(target)))
