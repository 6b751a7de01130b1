"""The report's section on given files: what each holds, what was taken of it, what was left out and why."""

from collections.abc import Sequence
from html import escape

from lyra_sim.data.given import ReadingNotes
from lyra_sim.quality.report.page import Section


def reading_section(notes: Sequence[ReadingNotes]) -> Section | None:
    """None where no reader gave an account.

    Args:
        notes: Of every given file.
    """
    if not notes:
        return None
    rows = []
    for one in notes:
        held = ", ".join(f"{one.held[name]} {escape(name)}" for name in sorted(one.held) if one.held[name])
        taken = ", ".join(f"{one.taken[name]} {escape(name)}" for name in sorted(one.taken) if one.taken[name])
        account = f" holds {held or 'nothing'}; taken: {taken or 'nothing'}" if one.held else ""
        rows.append(f"<b>{escape(one.file)}</b> ({escape(one.format)}){account}.")
        said = [*map(str, one.left_out), *one.remarks]
        rows += [f"– {escape(line)}" for line in said] or ["– Nothing was left out."]
    return Section(title="What was read of the given files", text="<br>".join(rows), figures=())
