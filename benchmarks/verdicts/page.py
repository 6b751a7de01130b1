"""The page of the verdict's own test: all of it is computed from the rows."""

import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.twins.statistics import wilson
from benchmarks.verdicts.building import SEED, VIEWS, VOXEL_M
from benchmarks.verdicts.drives import LONGEST_M, SAME_M, START_MARGIN_M
from benchmarks.verdicts.judging import DRAWN, LEAST_SAME, Row
from benchmarks.verdicts.sensors import FAMILIES
from benchmarks.verdicts.statistics import Confusion, gates, roc_area

COMMAND = "python benchmarks/verdict.py --page docs/verdict.md"
RECORDED = ("none", "drift", "drift, no way back", *FAMILIES, "scale", "scale of depth", "tilt")
"""Families of harm that only sensors, cameras and frames do; worlds of the others are wrong somewhere, however few drives
notice. Convention."""
TELLING = 0.7
"""A figure with less area under its curve tells bad worlds from good ones badly. Convention."""


def write_page(path: Path, rows: Sequence[Row], *, planned: int) -> None:
    """docs/verdict.md."""
    judged = [row for row in rows if row.verdict in ("pass", "fail")]
    parts = [
        _head(rows, planned),
        _confusion(judged),
        _families(rows),
        _false(judged, bad=True),
        _false(judged, bad=False),
        _catching(judged),
        _roc(judged),
        _every(rows),
    ]
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def _head(rows: Sequence[Row], planned: int) -> str:
    drives = max((row.drives for row in rows), default=0)
    cores = platform.machine()
    minutes = sum(row.seconds for row in rows) / 60
    left = f" {planned - len(rows)} more are planned and weren't run." if planned > len(rows) else ""
    return f"""# Is the verdict right?

Written by `{COMMAND}`, commit `{_commit()}`, {platform.system()} {cores}, seeds {SEED} (builds) and {DRAWN} (drives), \
{minutes:.0f} minutes of building and judging.

{len(rows)} worlds of three places of boxes, with graded harm to what the sensor says, to the cameras, or to the \
finished world.{left} Each is judged twice.

* **The verdict** is "fit for driving" without physics engines: it passes if no figure about driving fails and all of \
the proof but `physics.engines` is measured. Engines can only add failures, so passes are counted against the verdict \
here that an engine might have failed; good worlds that an engine would fail aren't seen. Worlds are built with voxels \
of {100 * VOXEL_M:g} cm, and hulls are compared with looks from {VIEWS} places in place of 512.
* **The truth** is {drives} drives of a disc of the robot's radius from free floor of the true place, straight on until \
it touches anything in the robot's band, has no floor below, or has gone {LONGEST_M:g} m. The same drives are done among \
the world's hulls. Ends within {100 * SAME_M:g} cm are the same; drives whose true end moves by more when the radius \
changes by {100 * START_MARGIN_M:g} cm were drawn again. Where cameras drift, a drive starts where the camera next to it \
puts its start: what drift bends without tearing it is 20 cm from its plan and drives as the place does (by one frame \
for all its share would be the one in brackets). Of half a walk, only drives in its view that meet no fence round what it \
never saw are asked about. **Bad** is a world with less than {LEAST_SAME:.0%} same ends, or one that plans more than \
one route in twenty that the place doesn't let through. **Wrong in a spot** is a world that \
isn't bad, in which most drives that end near each other end elsewhere: of a large place a lost cabinet turns few drives \
astray, and every one that comes to it. A world is *between* where the 95 % interval (Wilson) of its share holds the \
border.

"alike" worlds ("furniture lost", "doorway …", "hole", "stale world", "all grown", "all shrunk") have their harm in \
hulls, map, mesh and splats at once, so that they agree with themselves; only the capture with its held-out frames is \
true. "hulls …" have it in the hulls and the map alone. A refused input counts neither way."""


def _confusion(rows: Sequence[Row]) -> str:
    lines = [
        "## Result",
        "",
        "| | bad, failed | bad, **passed** | good, passed | good, **failed** | false passes | false fails |",
        "|---|---|---|---|---|---|---|",
    ]
    clear = [row for row in rows if not row.between]
    shown = [row for row in rows if row.family != "scale"]
    for title, some in (
        ("all", rows),
        ("all but a wrong scale that is stated", shown),
        ("as recorded: nothing lost, moved or edited", [row for row in rows if row.family in RECORDED]),
        ("clear of the border", clear),
        ("between", [row for row in rows if row.between]),
    ):
        found = Confusion.of(some)
        passes, fails = _share(*found.false_passes), _share(*found.false_fails)
        counts = f"{found.bad_failed} | {found.bad_passed} | {found.good_passed} | {found.good_failed}"
        lines.append(f"| {title} | {counts} | {passes} | {fails} |")
    spots = Counter(row.verdict for row in rows if row.truth == "wrong in a spot")
    told = f"Worlds that are wrong in a spot count on neither side: {spots['fail']} of them failed, {spots['pass']} passed."
    scale = (
        'A "scale" world is too large in every length: cameras, depth and held-out views alike, as the input states. Nothing '
        "inside a capture can show that; a marker or a length that somebody measured does."
    )
    return "\n".join([*lines, "", scale, "", told])


def _share(count: int, of: int, low: float, high: float) -> str:
    return f"{count} of {of} ({100 * low:.0f} to {100 * high:.0f} %)" if of else "none of none"


def _families(rows: Sequence[Row]) -> str:
    lines = [
        "## By harm",
        "",
        "| harm | worlds | refused | bad | of them passed | good | of them failed | same ends |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for family in dict.fromkeys(row.family for row in rows):
        mine = [row for row in rows if row.family == family]
        found = Confusion.of(mine)
        refused = sum(row.verdict not in ("pass", "fail") for row in mine)
        shares = [row.same for row in mine if row.same is not None]
        ends = f"{min(shares):.0%} to {max(shares):.0%}" if shares else ""
        bad, good = found.bad_passed + found.bad_failed, found.good_passed + found.good_failed
        lines.append(
            f"| {family} | {len(mine)} | {refused} | {bad} | {found.bad_passed} | {good} | {found.good_failed} | {ends} |"
        )
    return "\n".join(lines)


def _false(rows: Sequence[Row], *, bad: bool) -> str:
    verdict = "pass" if bad else "fail"
    mine = [row for row in rows if row.truth == ("bad" if bad else "good") and row.verdict == verdict]
    title = "## Bad worlds that pass" if bad else "## Good worlds that fail"
    if not mine:
        return f"{title}\n\nNone."
    lines = [title, "", "| world | same ends | routes the place lets through | between | what fails |", "|---|---|---|---|---|"]
    return "\n".join(
        [
            *lines,
            *(
                f"| {_named(row)} | {_ends(row)} | {_routes(row)} | {'yes' if row.between else ''} | {', '.join(row.failed)} |"
                for row in mine
            ),
        ]
    )


def _catching(rows: Sequence[Row]) -> str:
    caught = [row for row in rows if row.bad and row.verdict == "fail"]
    by_figure, alone = Counter(name for row in caught for name in row.failed), Counter()
    for row in caught:
        if len(row.failed) == 1:
            alone[row.failed[0]] += 1
    good = Counter(name for row in rows if row.truth == "good" for name in row.failed)
    lines = [
        "## What catches bad worlds",
        "",
        "| figure | bad worlds it fails | those no other figure fails | good worlds it fails |",
        "|---|---|---|---|",
    ]
    for name in sorted({*by_figure, *good}, key=lambda name: (-by_figure[name], name)):
        lines.append(f"| `{name}` | {by_figure[name]} | {alone[name]} | {good[name]} |")
    return "\n".join(lines)


def _roc(rows: Sequence[Row]) -> str:
    areas = sorted(((roc_area(name, rows), name) for name in gates(rows)), reverse=True)
    caught = [row.failed for row in rows if row.bad and row.verdict == "fail"]
    alone = Counter(failed[0] for failed in caught if len(failed) == 1)
    any_bad = Counter(name for failed in caught for name in failed)
    good = Counter(name for row in rows if row.truth == "good" for name in row.failed)

    def told(name: str, area: float) -> str:
        if area >= TELLING:
            return "tells"
        if alone[name]:
            return f"alone in {alone[name]}"
        if any_bad[name] and not good[name]:
            return "fails no good world"
        return "with others" if any_bad[name] else "not put to the test"

    lines = [
        "## What each figure tells",
        "",
        "Area under the curve of bad worlds found over good ones failed, as the figure's limit moves, of all driving figures "
        "that can fail a world: 1 tells them apart, 0.5 is chance. Harms differ, and a figure that sees one of them (a hole in "
        f"the floor) is at chance over all the others: an area below {TELLING:g} alone takes no gate away. What counts beside "
        "it is whether bad worlds pass without the figure, and whether good ones fail by it.",
        "",
        "| figure | area | |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| `{name}` | {area:.2f} | {told(name, area)} |" for area, name in areas)])


def _every(rows: Sequence[Row]) -> str:
    lines = [
        "## Every world",
        "",
        "| world | same ends | routes the place lets through | truth | verdict | what fails, or why it was refused |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (row.family, row.place, row.grade)):
        truth = "" if row.same is None else row.truth + (", between" if row.between else "")
        why = row.why.split("\n")[0].replace("|", "/")[:160] or ", ".join(row.failed)
        lines.append(f"| {_named(row)} | {_ends(row)} | {_routes(row)} | {truth} | {row.verdict} | {why} |")
    return "\n".join(lines)


def _named(row: Row) -> str:
    return f"{row.place}: {row.family}, {row.grade}"


def _ends(row: Row) -> str:
    if row.same is None:
        return ""
    low, high = wilson(round(row.same * row.drives), row.drives)
    plan = "" if row.same_by_plan in (None, row.same) else f" [{100 * row.same_by_plan:.1f} %]"
    return f"{100 * row.same:.1f} % ({100 * low:.0f} to {100 * high:.0f}){plan}"


def _routes(row: Row) -> str:
    return "" if row.routes_free is None else f"{100 * row.routes_free:.0f} %"


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
    )
    return done.stdout.strip() or "unknown"
