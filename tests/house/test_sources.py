"""The house rules that a reader of any single file can't see: sizes, names, what may be in the repository at all."""

import re
from pathlib import Path

import pytest

from tests.house.files import ROOT, modules, repository_files

MB = 1024 * 1024
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".txt",
    ".usda",
    ".cfg",
    ".ini",
    ".sh",
    ".html",
    ".css",
    ".j2",
    "",
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "tools"}

# Written in pieces so that this file passes its own test.
MACHINE_PATHS = re.compile(
    "|".join((r"(?<![\w.-])/" + r"work/", "/" + "home/[a-z]", "/" + "Users/[A-Za-z]", "/" + r"root/", "[A-Z]:" + r"\\Users"))
)
REGISTRIES = re.compile(
    "|".join(
        (
            r"pypi\." + "org",
            r"files\.python" + "hosted",
            r"pypi\." + "nvidia",
            r"registry\." + "npmjs",
            "--extra-" + "index-url",
            "--find-" + "links",
            "file" + "://",
        )
    )
)


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_files() -> list[Path]:
    return [path for path in repository_files() if path.suffix in TEXT_SUFFIXES]


def test_the_rules_see_the_repository() -> None:
    """Guards the tests below: an empty listing would pass them all."""
    found = {relative(path) for path in repository_files()}
    assert {"pyproject.toml", "lyra_sim/scene/spec.py", "examples/scenes.yaml", "tests/house/test_sources.py"} <= found


@pytest.mark.parametrize(("folder", "budget"), [("lyra_sim", 400), ("packages", 400), ("pipelines", 100)])
def test_modules_stay_short(folder: str, budget: int) -> None:
    too_long = {relative(path): lines(path) for path in modules(folder) if lines(path) > budget}
    assert not too_long, f"more than {budget} lines: split by what the parts hold"


def test_names_say_what_is_inside() -> None:
    python = [*modules("lyra_sim"), *modules("packages"), *modules("pipelines"), *modules("tests")]
    vague = [
        relative(path)
        for path in python
        if VAGUE_NAMES & {part.lower() for part in path.relative_to(ROOT).with_suffix("").parts}
    ]
    assert not vague


def test_every_module_says_what_it_is() -> None:
    ours = [*modules("lyra_sim"), *modules("packages")]
    silent = [relative(path) for path in ours if not path.read_text(encoding="utf-8").lstrip().startswith('"""')]
    assert not silent, "no module docstring"


def test_srgb_is_converted_in_conventions_alone() -> None:
    """Its constants anywhere else are a second copy of the curve."""
    curve = re.compile(r"0\.04045|0\.0031308|12\.92|1\.055")
    package = [*modules("lyra_sim"), *modules("benchmarks"), *modules("pipelines")]
    assert [relative(path) for path in package if curve.search(path.read_text(encoding="utf-8"))] == ["lyra_sim/conventions.py"]


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRIES], ids=["machine_paths", "registries"])
def test_nothing_names_one_machine_or_index(pattern: re.Pattern[str]) -> None:
    hits = [
        f"{relative(path)}:{number}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not hits


def test_repository_stays_small() -> None:
    sizes = {relative(path): path.stat().st_size for path in repository_files()}
    examples = sum(size for name, size in sizes.items() if name.startswith("examples/"))
    assert not {name: size for name, size in sizes.items() if size > 2 * MB and not name.startswith("examples/")}
    assert examples <= 12 * MB
    assert sum(sizes.values()) < 48 * MB


def test_example_data_keeps_its_licence() -> None:
    """Every data folder under examples/ says where it comes from and carries the licence text it came with."""
    for folder in sorted(
        {
            path.relative_to(ROOT).parts[1]
            for path in repository_files()
            if len(path.relative_to(ROOT).parts) > 2 and relative(path).startswith("examples/")
        }
    ):
        readme = (ROOT / "examples" / folder / "README.md").read_text(encoding="utf-8")
        assert all(word in readme for word in ("**Origin:**", "**Licence:**", "**Changes.**")), folder
        assert list((ROOT / "examples" / folder).glob("LICENSE*")), folder
