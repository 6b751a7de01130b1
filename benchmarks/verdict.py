"""Is the verdict "fit for driving" right? Worlds of true places with graded harm, judged by their figures and by true drives.

    python benchmarks/verdict.py [--out out_verdict] [--only FAMILY] [--place NAME] [--page docs/verdict.md]

Every world that was judged is kept as a small file in ``--out``, so that an interrupted run goes on where it was.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lyra_sim.errors import LyraSimError

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, only its own folder is there
from benchmarks.verdicts.cases import Case, Site, as_built, cases
from benchmarks.verdicts.judging import Row, Truth, by_present_limits, judged
from benchmarks.verdicts.places import places


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out_verdict"))
    parser.add_argument("--only", action="append", help="a family of harm; may be said again")
    parser.add_argument("--place", help="one place")
    parser.add_argument("--page", type=Path, help="write the table there, of all worlds that are judged by now")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    run(
        [
            case
            for case in cases()
            if (chosen.only is None or case.family in chosen.only) and chosen.place in (None, case.place)
        ],
        chosen.out,
    )
    if chosen.page is not None:
        from benchmarks.verdicts.page import write_page

        kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(chosen.out.glob("*.json"))]
        rows = [by_present_limits(Row(**row)) for row in kept]
        write_page(chosen.page, rows, planned=len(cases()))
    return 0


def run(wanted: Sequence[Case], out: Path) -> None:
    """Judge what isn't judged yet."""
    sites = {place.name: Site(place, out / "work" / place.name) for place in places()}
    truths: dict[str, Truth] = {}
    for case in wanted:
        file = out / f"{case.name}.json"
        if file.is_file():
            continue
        site, started = sites[case.place], time.perf_counter()
        if case.place not in truths:
            truths[case.place] = Truth.of(site.place)
            shutil.rmtree(site.folder, ignore_errors=True)
        truth = truths[case.place] if case.truth is as_built else Truth.of(case.truth(site.place))
        row = _judged(case, site, truth)
        row = replace(row, seconds=round(time.perf_counter() - started, 1))
        file.write_text(json.dumps(row.to_json(), indent=1), encoding="utf-8")
        print(f"{case.name}: {row.verdict}, {row.same}, routes {row.routes_free}, {row.seconds} s, {row.failed}", flush=True)
        for folder in site.folder.iterdir() if site.folder.is_dir() else ():
            if folder.name not in ("clean", "before"):
                shutil.rmtree(folder)


def _judged(case: Case, site: Site, truth: Truth) -> Row:
    try:
        return judged(case, case.make(site), truth, site.place)
    except LyraSimError as error:
        return Row(
            name=case.name,
            place=case.place,
            family=case.family,
            grade=case.grade,
            verdict="refused",
            why=f"{type(error).__name__}: {error}",
        )


if __name__ == "__main__":
    raise SystemExit(main())
