"""A room says at its door what is in it, and is small enough to find one's way in."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.files import ROOT, modules

MOST_FILES = 20
"""Python files at one level of the package; more are parted into rooms."""

FOLDERS = sorted({path.parent for path in modules("lyra_sim")})
ROOMS = [folder for folder in FOLDERS if folder != ROOT / "lyra_sim"]


def name_of(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


def listed(door: Path) -> list[str]:
    """Names in the lines of a docstring that begin with them: "- ``walls``, ``wall_kernels``: what they hold"."""
    text = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))) or ""
    entries = re.findall(r"^- ((?:``\w+``(?:, )?)+): \S", text, re.MULTILINE)
    return [name for entry in entries for name in re.findall(r"\w+", entry)]


def test_the_rules_see_the_rooms() -> None:
    """Guards the tests below: no folder, no finding."""
    assert {"lyra_sim/collision", "lyra_sim/collision/clutter", "lyra_sim/usd/rules"} <= {name_of(folder) for folder in ROOMS}


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_a_room_names_what_is_in_it(room: Path) -> None:
    files = {path.stem for path in modules("lyra_sim") if path.parent == room} - {"__init__"}
    rooms = {folder.name for folder in FOLDERS if folder.parent == room}
    names = listed(room / "__init__.py")
    assert sorted(names) == sorted(files | rooms), "the docstring of __init__ names each of them once and nothing else"


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_level_holds_few_files(folder: Path) -> None:
    files = sorted(path.name for path in modules("lyra_sim") if path.parent == folder)
    assert len(files) <= MOST_FILES, f"{len(files)} files: part them into rooms"
