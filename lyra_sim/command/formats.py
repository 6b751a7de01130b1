"""``lyra-sim formats``: what is read and written, and who has confirmed it."""

import json
from typing import Annotated

import typer


def formats_command(
    json_: Annotated[bool, typer.Option("--json", help="One JSON list, a row a format.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The tables of docs/formats.md.")] = False,
) -> None:
    """List every format that is read or written, the tools it comes from, and whether their files confirmed the reader."""
    from lyra_sim.inspection.formats import GROUPS, ROWS, as_json, as_markdown, confirmation_of, group_of, written

    if json_:
        typer.echo(json.dumps(as_json(), indent=2))
        return
    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    for group, title in GROUPS.items():
        typer.echo(title.replace("`", "'"))
        for row in ROWS:
            if group_of(row) == group:
                typer.echo(f"  {row.name}: from {row.comes_from}; {confirmation_of(row.key)}")
                if row.written_as:
                    typer.echo(f"    written as {written(row)}")
