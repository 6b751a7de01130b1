"""docs/broken_worlds.md, written from the faults: ``python -m tests.broken_worlds.page`` writes it."""

from collections.abc import Iterable

from tests.broken_worlds.build_faults import BUILD_FAULTS, INPUT_FAULTS
from tests.broken_worlds.package_faults import PACKAGE_FAULTS, PHYSICS_FAULTS
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "broken_worlds.md"

HEAD = """# Broken worlds

Worlds that were broken on purpose, each in one place, and the gate that has to name the fault. All start from one small
furnished flat that passes everything (`tests/broken_worlds/good.py`). Written from `tests/broken_worlds/*_faults.py` by
`python -m tests.broken_worlds.page`; a test compares the two, and others make every fault and see that it is named.
"""

PACKAGES = """
## Packages that validation refuses

An edit of the package's files. `lyra-sim validate` ends with an error of this rule
([nav_environment.md](nav_environment.md)); other rules may rightly fire too.
"""

BUILDS = """
## Builds whose figures say so

A change of what a step made. The figure ([metrics.md](metrics.md)) is beyond its limit: the world fails, or warns where one
such place may be tolerable.
"""

INPUTS = """
## Inputs that are doubted

Something false that nothing can prove to be so: the figure warns.
"""

PHYSICS = """
## Packages that physics refuses

Validation of a file can't promise that a floor holds. These are simulated in PhysX and in Newton; `*` stands for either, and
both have to find the fault.
"""


def text() -> str:
    """The whole page."""
    return "".join(
        [
            HEAD,
            PACKAGES,
            *_table("rule", ((f.name, f.what, f.rule, f.message) for f in PACKAGE_FAULTS)),
            BUILDS,
            *_table("figure", ((f.name, f.what, f"`{f.metric}` {f.verdict}s", f.message) for f in BUILD_FAULTS)),
            INPUTS,
            *_table("figure", ((f.name, f.what, f"`{f.metric}`", f.message) for f in INPUT_FAULTS)),
            PHYSICS,
            *_table("figure", ((f.name, f.what, f"`{f.metric}`", f.message) for f in PHYSICS_FAULTS)),
        ]
    )


def _table(gate: str, rows: Iterable[tuple[str, str, str, str]]) -> list[str]:
    lines = [f"\n| world | fault | {gate} | it says |\n", "|---|---|---|---|\n"]
    return lines + [
        f"| {name} | {what} | {by} | {f'… {says} …' if says else 'the number'} |\n" for name, what, by, says in rows
    ]


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
