"""The HTML of a report: one file, nothing fetched, readable in light and dark. Equal content gives equal bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lyra_sim.data.report import Metric, Report, Verdict
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.report.style import STYLE

_WORDS: dict[Verdict, str] = {"pass": "pass", "warn": "warn", "fail": "fail", "not-measured": "not measured"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with a caption."""

    html: str
    """An ``<img>`` or ``<svg>`` element; see :func:`image`."""
    caption: str
    """May hold markup."""
    wide: bool = False
    """Spans the page."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled group of figures."""

    title: str
    text: str
    figures: tuple[Figure, ...]
    body: str = ""
    """Markup between the text and the figures."""


def image(uri: str, *, alt: str, pixelated: bool = False) -> str:
    """An inline picture; ``pixelated`` keeps hard edges when enlarged."""
    kind = ' class="pixels"' if pixelated else ""
    return f'<img{kind} src="{uri}" alt="{escape(alt)}">'


def swatches(entries: Sequence[tuple[str, tuple[int, int, int]]]) -> str:
    """A colour legend as caption markup."""
    return " ".join(f'<span class="key"><i style="background:rgb{rgb}"></i>{escape(name)}</span>' for name, rgb in entries)


def page(report: Report, *, headline: Sequence[str], sections: Sequence[Section], provenance: Sequence[tuple[str, str]]) -> str:
    """The whole document.

    Args:
        report: All metrics, in the order they are listed.
        headline: Names of metrics shown large on top; those that weren't emitted are left out.
        sections: Pictures.
        provenance: Rows of name and value at the end.
    """
    title = f"{escape(report.scene)} · lyra-sim report"
    by_name = {metric.name: metric for metric in report.metrics}
    cards = "".join(_card(by_name[name]) for name in headline if name in by_name)
    body = [
        f'<header><div><p class="over">lyra-sim world report</p><h1>{escape(report.scene)}</h1>{_tally(report)}</div>',
        f"{_verdicts(report)}</header>",
        f'<div class="cards">{cards}</div>',
        _troubles(report),
        *(_section(section) for section in sections),
        _table(report),
        _provenance(provenance),
    ]
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n' + "\n".join(body) + "\n</main></body></html>\n"
    )


def _verdicts(report: Report) -> str:
    """The two lines that are never mixed: whether a robot can drive in it, and how much was seen and how it looks."""
    fitness: Verdict = "not-measured" if report.fit_for_driving == "not-assessed" else report.fit_for_driving
    words = report.fit_for_driving.replace("-", " ")
    look: Verdict = {"good": "pass", "fair": "warn", "poor": "fail", "none": "not-measured"}[report.looks]  # type: ignore[assignment]
    return (
        f'<dl class="verdicts"><dt>Fit for driving</dt><dd><span class="badge {fitness} large">{words}</span></dd>'
        f'<dt>Seen, and looks</dt><dd><span class="badge {look}">{report.looks}</span></dd></dl>'
    )


def badge(verdict: Verdict) -> str:
    """A coloured verdict word."""
    return f'<span class="badge {verdict}">{_WORDS[verdict]}</span>'


def value_text(metric: Metric) -> str:
    """The value as people read it, with its unit."""
    if metric.value is None:
        return "–"
    if metric.unit == "flag":
        return "yes" if metric.value else "no"
    return quantity(metric.value, metric.unit)


def quantity(value: float | int, unit: str) -> str:
    """A number with its unit, at most four figures, in millimetres and percent where those read better."""
    if unit == "share":
        return f"{100 * value:.2f} %".replace(".00 %", " %")
    if unit == "m" and abs(value) < 1:
        return f"{1000 * value:.1f} mm".replace(".0 mm", " mm")
    number = f"{int(value):,}" if value == int(value) else f"{value:.4g}"
    return number if unit == "1" else f"{number} {_unit(unit)}"


def note_text(metric: Metric) -> str:
    """The note with its limit written like the value, so that the two can be compared: ``≥ 95 %`` beside ``87 %``."""
    limit = limit_of(metric.name)
    plain = limit.describe()
    if metric.value is None or limit.unit == "flag" or not metric.note.endswith(plain):
        return metric.note
    return metric.note.removesuffix(plain) + limit.describe(lambda bound: quantity(bound, limit.unit))


def _unit(unit: str) -> str:
    return unit.replace("^2", "²").replace("^3", "³")


def _tally(report: Report) -> str:
    counts = {verdict: sum(metric.verdict == verdict for metric in report.metrics) for verdict in _WORDS}
    words = ", ".join(f"{count} {_WORDS[verdict]}" for verdict, count in counts.items() if count)
    return f"<p>{len(report.metrics)} figures: {words}</p>"


def _card(metric: Metric) -> str:
    label = metric.name.replace("_", " ").replace(".", " · ")
    return f'<div class="card {metric.verdict}"><b>{escape(value_text(metric))}</b><span>{escape(label)}</span></div>'


def _troubles(report: Report) -> str:
    """What isn't a pass, before anything else."""
    order: dict[Verdict, int] = {"fail": 0, "not-measured": 1, "warn": 2, "pass": 3}
    rows = sorted((m for m in report.metrics if m.verdict != "pass"), key=lambda m: order[m.verdict])
    if not rows:
        return ""
    items = "".join(
        f"<li>{badge(m.verdict)} <code>{escape(m.name)}</code> {escape(value_text(m))} "
        f"<small>{escape(note_text(m))}</small>{f'<p>{escape(m.advice)}</p>' if m.advice else ''}</li>"
        for m in rows
    )
    return f'<section class="troubles"><h2>Not passed</h2><ul>{items}</ul></section>'


def _section(section: Section) -> str:
    figures = "".join(
        f"<figure{' class=wide' if figure.wide else ''}>{figure.html}<figcaption>{figure.caption}</figcaption></figure>"
        for figure in section.figures
    )
    text = f"<p>{section.text}</p>" if section.text else ""
    below = f'<div class="figures">{figures}</div>' if figures else ""
    return f"<section><h2>{escape(section.title)}</h2>{text}{section.body}{below}</section>"


def _table(report: Report) -> str:
    rows, group = [], ""
    for metric in report.metrics:
        first = metric.name.split(".")[0]
        if first != group:
            group = first
            rows.append(f'<tr class="group"><th colspan="5">{escape(group)}</th></tr>')
        rows.append(
            f"<tr><td><code>{escape(metric.name)}</code></td><td>{badge(metric.verdict)}</td>"
            f'<td class="number">{escape(value_text(metric))}</td><td class="number">{metric.n:,}</td>'
            f"<td>{escape(note_text(metric))}</td></tr>"
        )
    numbers = '<th class="number">value</th><th class="number">n</th>'
    head = f"<tr><th>figure</th><th>verdict</th>{numbers}<th>limit and remarks</th></tr>"
    return (
        f'<section><h2>All figures</h2><table class="all"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></section>'
    )


def _provenance(rows: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f'<section class="provenance"><h2>Provenance</h2><dl>{items}</dl></section>'
