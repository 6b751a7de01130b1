"""``lyra-sim marker``: a sheet to print, whose marker tells photos their scale."""

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from lyra_sim.errors import SpecError, did_you_mean
from lyra_sim.scene.sources import MarkerDictionary, Markers


def marker_command(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="A .pdf, or a .png of 300 dpi.")],
    size: Annotated[float, typer.Option(help="Edge of the black square [m].")] = Markers().size,
    dictionary: Annotated[str, typer.Option(help="Of OpenCV's names.")] = Markers().dictionary,
    first: Annotated[int, typer.Option("--id", min=0, help="Of the first marker.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=100, help="Markers, a page each, with ids one after the other.")] = 1,
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="Size of the page.")] = "a4",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT where it exists.")] = False,
) -> None:
    """Write markers to print at 100 %; in the scene file `scale: {markers: auto}` finds those of the default size."""
    _write(target, size=size, dictionary=dictionary, ids=range(first, first + count), paper=paper, overwrite=overwrite)


def _write(target: Path, *, size: float, dictionary: str, ids: range, paper: Literal["a4", "letter"], overwrite: bool) -> None:
    from lyra_sim.capture.markers.sheet import page_of, pdf, png

    known: tuple[MarkerDictionary, ...] = get_args(MarkerDictionary)
    chosen = next((name for name in known if name.lower() == dictionary.lower()), None)
    if chosen is None:
        raise SpecError(
            f"--dictionary {dictionary}",
            "no such dictionary",
            expected=", ".join(known),
            next_step=did_you_mean(dictionary, known),
        )
    kind = target.suffix.lower()
    if kind not in (".pdf", ".png") or (kind == ".png" and len(ids) > 1):
        raise SpecError(
            str(target),
            "it can't hold that" if kind == ".png" else "not a kind that is written",
            expected=".pdf, or .png of one page",
        )
    if target.exists() and not overwrite:
        raise SpecError(str(target), "it exists already", next_step="Give another name, or --overwrite.")
    pages = [page_of(marker, size=size, dictionary=chosen, paper=paper) for marker in ids]
    try:
        target.write_bytes(png(pages[0]) if kind == ".png" else pdf(pages))
    except OSError as error:
        raise SpecError(str(target), f"it can't be written ({error.strerror})") from error
    typer.echo(f"{target}: {chosen}, id {ids[0]}{f' to {ids[-1]}' if len(ids) > 1 else ''}, {size:g} m; print it at 100 %")
    typer.echo(f"in the scene file   scale: {{markers: {{size: {size:g}, dictionary: {chosen}}}}}")
