"""How many small faults the tests notice: seeded mutants of chosen rooms, each met by the tests that reach its line.

    pip install mutmut==2.5.1 coverage pytest-cov
    python tools/mutants.py --rooms geometry alignment collision usd --count 200 --seed 7 --record mutants.json
    python tools/mutants.py --like mutants.json --record after.json      # the same mutants in another state of the code

Everything happens in a copy of the tracked files. Kernels are left out: numba compiles them, so no tracer sees their lines.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

LIMIT_S = 180
"""A mutant whose tests take longer is an endless loop, and counts as killed [s]. Convention."""
MOST_TESTS = 40
"""Tests a mutant has to meet at most, those that reach fewest lines first: they look closest. Convention."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One changed line."""

    room: str
    file: str
    line_number: int
    """Counted from 1."""
    line: str
    """As it stands in the file, stripped."""
    index: int
    """Which change of that line, as mutmut counts them."""
    killed: bool | None = None
    """None: not run, or no test reaches it."""


def main() -> None:
    options = _options()
    root = Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "tree"
        _copy_tracked(root, copy)
        if options.like:
            wanted = [Mutant(**entry) for entry in json.loads(options.like.read_text(encoding="utf-8"))]
            mutants = list(_found_again(copy, wanted))
            print(f"{len(mutants)} of {len(wanted)} recorded mutants have their line in this tree")
        else:
            everything = [mutant for room in options.rooms for mutant in _mutants_of(copy, room)]
            mutants = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
        reached = _reached_lines(copy, sorted({mutant.room for mutant in mutants}))
        judged = []
        for number, mutant in enumerate(mutants, 1):
            judged.append(_judged(copy, mutant, reached))
            print(f"{number}/{len(mutants)} {judged[-1].killed} {mutant.file}:{mutant.line_number} {mutant.line}", flush=True)
            options.record.write_text(json.dumps([asdict(each) for each in judged], indent=1) + "\n", encoding="utf-8")
    for room in sorted({mutant.room for mutant in judged}):
        _tell(room, [mutant for mutant in judged if mutant.room == room])
    _tell("all", judged)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", default=["geometry", "alignment", "collision", "usd"])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--like", type=Path, help="a record of another run, whose mutants are made again")
    parser.add_argument("--record", type=Path, default=Path("mutants.json"))
    return parser.parse_args()


def _copy_tracked(root: Path, copy: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)


def _mutants_of(tree: Path, room: str) -> Iterator[Mutant]:
    """All changes mutmut knows in a room's modules; its text changes and those of annotations say nothing about tests."""
    from mutmut import Context, list_mutations
    from parso import ParserSyntaxError

    for file in sorted((tree / "lyra_sim" / room).rglob("*.py")):
        if file.stem.endswith("_kernels") or file.stem == "__init__":
            continue
        source = file.read_text(encoding="utf-8")
        lines = source.split("\n")
        try:
            changes = list_mutations(Context(source=source, filename=str(file)))
        except ParserSyntaxError:
            print(f"left out, mutmut's parser doesn't know its syntax: {file.relative_to(tree)}", file=sys.stderr)
            continue
        for change in changes:
            line = lines[change.line_number].strip()
            if line.startswith(('"', "@", "from ", "import ", "class ", "def ")) or '"' in line or "'" in line:
                continue
            name = file.relative_to(tree).as_posix()
            yield Mutant(room=room, file=name, line_number=change.line_number + 1, line=line, index=change.index)


def _found_again(tree: Path, wanted: Iterable[Mutant]) -> Iterator[Mutant]:
    """The recorded mutants at the places where their lines stand now, if they stand in one place of the room alone."""
    places: dict[tuple[str, str, int], list[Mutant]] = {}
    wanted = list(wanted)
    for room in sorted({mutant.room for mutant in wanted}):
        for mutant in _mutants_of(tree, room):
            places.setdefault((room, mutant.line, mutant.index), []).append(mutant)
    for mutant in wanted:
        found = places.get((mutant.room, mutant.line, mutant.index), [])
        same_file = [place for place in found if Path(place.file).name == Path(mutant.file).name]
        if len(found) == 1 or len(same_file) == 1:
            yield (same_file if len(same_file) == 1 else found)[0]


def _reached_lines(tree: Path, rooms: list[str]) -> dict[str, dict[int, list[str]]]:
    """Tests by the lines they run, by file."""
    from coverage import CoverageData

    data_file = tree / ".coverage"
    folders = [f"tests/{room}" for room in rooms]
    command = ["--cov=lyra_sim", "--cov-context=test", "--cov-report=", "-q", *folders]
    done = _pytest(tree, command, limit_s=7200)
    if not data_file.exists():
        sys.exit(f"no coverage was recorded:\n{done.stdout[-2000:]}")
    data = CoverageData(basename=str(data_file))
    data.read()
    width: dict[str, int] = {}
    reached: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        contexts = {
            line: [name.removesuffix("|run") for name in names if name.endswith("|run")]
            for line, names in data.contexts_by_lineno(file).items()
        }
        reached[Path(file).relative_to(tree).as_posix()] = contexts
        for names in contexts.values():
            for name in names:
                width[name] = width.get(name, 0) + 1
    for lines in reached.values():
        for names in lines.values():
            names.sort(key=lambda name: (width[name], name))
    return reached


def _judged(tree: Path, mutant: Mutant, reached: dict[str, dict[int, list[str]]]) -> Mutant:
    from mutmut import Context, RelativeMutationID, mutate

    file = tree / mutant.file
    source = file.read_text(encoding="utf-8")
    raw_line = source.split("\n")[mutant.line_number - 1]
    change = RelativeMutationID(line=raw_line, index=mutant.index, line_number=mutant.line_number - 1, filename=str(file))
    mutated, _ = mutate(Context(source=source, filename=str(file), mutation_id=change))
    lines = reached.get(mutant.file, {})
    tests = lines.get(mutant.line_number) or _anywhere(lines)
    if not tests or mutated == source:
        return Mutant(**{**asdict(mutant), "killed": False if mutated != source else None})
    file.write_text(mutated, encoding="utf-8")
    try:
        killed = _pytest(tree, ["-x", "-q", "--no-cov", *tests[:MOST_TESTS]], limit_s=LIMIT_S).returncode != 0
    except subprocess.TimeoutExpired:
        killed = True
    finally:
        file.write_text(source, encoding="utf-8")
    return Mutant(**{**asdict(mutant), "killed": killed})


def _anywhere(lines: dict[int, list[str]]) -> list[str]:
    """Tests that run anything of the file: a constant's line runs once, at import."""
    return list(dict.fromkeys(name for _, names in sorted(lines.items()) for name in names))


def _pytest(tree: Path, arguments: list[str], *, limit_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=limit_s, check=False)


def _tell(name: str, mutants: list[Mutant]) -> None:
    met = [mutant for mutant in mutants if mutant.killed is not None]
    killed = sum(mutant.killed is True for mutant in met)
    print(f"{name}: {killed} of {len(met)} killed ({killed / max(len(met), 1):.1%})")


if __name__ == "__main__":
    main()
