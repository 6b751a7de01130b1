"""The report's section on the input: what each file holds, what was taken of it, what was left out and why."""

from collections.abc import Mapping, Sequence
from html import escape

from lyra_sim.data.given import ReadingNotes
from lyra_sim.quality.report.page import Section


def reading_section(notes: Sequence[ReadingNotes], of_views: Sequence[str] = ()) -> Section | None:
    """None where there is nothing to tell.

    Args:
        notes: A reader's account of every file or recording.
        of_views: What there is to tell of photos and depth beside them.
    """
    if not (notes or of_views):
        return None
    accounts = [_account(one) for one in notes]
    if of_views:
        accounts.append(f"<article><h3>Photos and frames</h3>{_list(of_views)}</article>")
    return Section(
        title="What was read, and what was left out", text="", figures=(), body=f'<div class="read">{"".join(accounts)}</div>'
    )


def _account(one: ReadingNotes) -> str:
    """One file: its name, a row for each kind of thing that it holds, and what there is to say."""
    kinds = sorted({name for counts in (one.held, one.taken) for name, count in counts.items() if count})
    rows = "".join(
        f"<tr{' class=less' if name in one.taken and one.taken[name] < one.held.get(name, 0) else ''}><td>{escape(name)}</td>"
        f'<td class="number">{_count(one.held, name)}</td><td class="number">{_count(one.taken, name)}</td></tr>'
        for name in kinds
    )
    head = '<tr><th></th><th class="number">held</th><th class="number">taken</th></tr>'
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
    said = [*map(str, one.left_out), *one.remarks] or ["Nothing was left out."]
    return f"<article><h3>{escape(one.file)} <small>{escape(one.format)}</small></h3>{table}{_list(said)}</article>"


def _count(counts: Mapping[str, int], name: str) -> str:
    """Of a kind; a dash where a reader counts it on the other side alone."""
    return f"{counts[name]:,}" if name in counts else "–"


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
