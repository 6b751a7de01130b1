"""``lyra-sim inspect``: what a path is, what a build would make of it, and the scene file that builds it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lyra_sim.inspection.findings import Inspection

_VERDICTS = {
    "read": "would be read",
    "needs": "would be read once the scene states what no file says",
    "refused": "would be refused",
}


def inspect_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file or folder of any kind.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the scene, as in a scene file (up=z); repeatable."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Decode every photo of a set, not 48 of them.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object, whose form has a version.")] = False,
) -> None:
    """Say what PATH is and what a build would make of it, by the build's own readers; nothing is built.

    Exit code 0: it would be read; else that of the error a build would end with.
    """
    from lyra_sim.inspection.looking import inspect_path

    found = inspect_path(path, overrides=set_ or (), whole=all_)
    if json_:
        typer.echo(found.model_dump_json(indent=2))
    else:
        for line in lines_of(found):
            typer.echo(line)
    raise typer.Exit(found.exit_code)


def lines_of(found: "Inspection") -> list[str]:
    """What a person reads."""
    from lyra_sim.inspection.formats import confirmation_of

    lines = [f"{found.path}: {found.what}", *(f"  or     {other}" for other in found.also)]
    lines += [f"reader   {name}: {confirmation_of(name)}" for name in found.formats]
    for reading in found.readings:
        held = ", ".join(f"{count} {what}" for what, count in sorted(reading.held.items()))
        taken = ", ".join(f"{count} {what}" for what, count in sorted(reading.taken.items()))
        lines.append(f"read     {reading.file} ({reading.format})" + (f" holds {held}; taken: {taken}" if held else ""))
        lines += [f"  note   {one}" for one in reading.notes.left_out]
        lines += [f"  note   {remark}" for remark in reading.remarks]
    lines += [f"  {name}: {value}" for name, value in found.facts.items()]
    if found.frame is not None:
        frame = found.frame
        lines += [f"up       {frame.up}", f"scale    {frame.scale}: {frame.metres_per_unit:.4g} m per unit"]
        lines[-1] += f" ± {frame.sigma_relative:.2g}" if frame.sigma_relative else ""
    lines += [f"doubt    {doubt.about}: {doubt.outcome}; {_indented(doubt.said)}" for doubt in found.doubts]
    lines += [f"told     {line}" for line in found.told]
    lines += [f"open     {line}" for line in found.unchecked]
    lines += [f"state    {ask.key}: guessed {ask.guess}; {ask.why}" for ask in found.asks]
    if found.refusal is not None:
        lines.append(f"refused  {_indented(found.refusal.text)}")
    lines.append(f"verdict  {_VERDICTS[found.verdict]}")
    if found.scene_file is not None:
        said = "the scene file that builds it" if found.refusal is None else "a scene file to go on from"
        lines += ["", f"# {said}; paths are relative to the folder you are in", *found.scene_file.splitlines()]
    return lines


def _indented(text: str) -> str:
    return text.replace("\n", "\n         ")
