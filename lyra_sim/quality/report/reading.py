"""The report's section on the input: what each file holds, what was taken of it, what was left out and why."""

from collections.abc import Sequence
from html import escape

from lyra_sim.data.given import ReadingNotes
from lyra_sim.quality.report.page import Section


def reading_section(notes: Sequence[ReadingNotes], of_views: Sequence[str] = ()) -> Section | None:
    """None where there is nothing to tell.

    Args:
        notes: Of every given file.
        of_views: What there is to tell of photos and depth.
    """
    if not (notes or of_views):
        return None
    rows = []
    for one in notes:
        held = ", ".join(f"{one.held[name]} {escape(name)}" for name in sorted(one.held) if one.held[name])
        taken = ", ".join(f"{one.taken[name]} {escape(name)}" for name in sorted(one.taken) if one.taken[name])
        account = f" holds {held or 'nothing'}; taken: {taken or 'nothing'}" if one.held else ""
        rows.append(f"<b>{escape(one.file)}</b> ({escape(one.format)}){account}.")
        said = [*map(str, one.left_out), *one.remarks]
        rows += [f"– {escape(line)}" for line in said] or ["– Nothing was left out."]
    rows += [f"– {escape(line)}" for line in of_views]
    return Section(title="What was read, and what was left out", text="<br>".join(rows), figures=())
