"""The table of formats names every reader there is, and claims no tool that no test holds a reader against."""

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from lyra_sim.capture.cameras import camera_readers, trajectory_readers
from lyra_sim.capture.intake import photo_file
from lyra_sim.capture.intake.video_containers import CONTAINERS
from lyra_sim.capture.rgbd_layouts.depth_files import SUFFIXES as DEPTH_SUFFIXES
from lyra_sim.capture.rgbd_layouts.known import LAYOUTS
from lyra_sim.capture.survey.mesh_files import MESH_SUFFIXES, USD_SUFFIXES
from lyra_sim.inspection.findings import Asked, Doubt, Frame, Inspection, LeftOut, Reading, Refusal
from lyra_sim.inspection.formats import CONFIRMED, GROUPS, ROWS, Confirmation, Format, as_markdown, group_of
from lyra_sim.scene.sources import SOURCES
from lyra_sim.splat_files.raw_splats import Kind
from lyra_sim.splat_files.writing import SUFFIXES as WRITTEN
from tests.house.files import ROOT

PACKAGES = {"Open3D": "open3d-cpu", "OpenEXR": "openexr", "PyAV": "av", "Pillow": "pillow"}
"""What pip calls a tool, where that is another name."""


def rows(group: str) -> list[Format]:
    return [row for row in ROWS if group_of(row) == group]


def names(group: str) -> list[str]:
    return sorted({row.key.partition(".")[2].partition(",")[0] for row in rows(group)})


def readers_in(module) -> set[str]:
    """Functions ``read_...`` of a module of readers, which its dispatch picks from."""
    path = f"{module.__name__.removeprefix('lyra_sim.')}."
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    return {path + node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("read_")}


def test_every_reader_has_a_row() -> None:
    assert names("rgbd") == sorted(LAYOUTS)
    assert names("splats") == sorted(get_args(Kind))
    assert names("photos") == sorted({kind for _, _, kind in photo_file._KINDS})
    assert names("video") == sorted(CONTAINERS)
    assert names("depth") == sorted(
        {suffix.strip(".").replace("tiff", "tif") for suffix in DEPTH_SUFFIXES} - {"tif"} | {"tiff"}
    )
    cameras = {row.reader for row in rows("cameras")}
    assert cameras == readers_in(camera_readers) | readers_in(trajectory_readers)
    meshes = " ".join(row.name for row in rows("mesh")).lower()
    assert all(suffix.strip(".") in meshes for suffix in (*MESH_SUFFIXES, *USD_SUFFIXES))


def test_every_source_of_a_scene_has_a_group() -> None:
    assert set(GROUPS) == {group_of(row) for row in ROWS}
    titles = " ".join(GROUPS.values())
    assert not [source for source in SOURCES if f"`{source}`" not in titles]


def test_what_is_written_is_what_convert_writes() -> None:
    claimed = {suffix: row.key.removeprefix("splats.") for row in ROWS for suffix in row.written_as}
    assert claimed == dict(WRITTEN)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_a_row_names_a_reader_that_is_there(row: Format) -> None:
    module, _, name = row.reader.rpartition(".")
    assert callable(getattr(import_module(f"lyra_sim.{module}"), name))
    assert len([other for other in ROWS if other.key == row.key]) == 1


@pytest.mark.parametrize("claim", CONFIRMED, ids=lambda claim: f"{claim.key}-{claim.tool}")
def test_a_claim_names_a_test_of_that_tools_files(claim: Confirmation) -> None:
    assert claim.key in {row.key for row in ROWS}
    file, _, name = claim.test.partition("::")
    tool, _, version = claim.tool.rpartition(" ")
    marks = marks_of(file)[name]
    assert f"written_by('{tool}')" in marks
    assert claim.way == "reads ours" or "nightly" not in marks, "who claims a file has to read it whenever tests run"
    record = (ROOT / claim.recorded_in).read_text(encoding="utf-8")
    if claim.recorded_in == "constraints.txt":
        assert f"\n{PACKAGES.get(tool, tool)}=={version}\n" in record, "another version is installed now"
    else:
        assert version in record


def test_every_test_of_anothers_files_is_claimed() -> None:
    claimed = {(claim.test, claim.tool.rpartition(" ")[0]) for claim in CONFIRMED}
    found = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        file = path.relative_to(ROOT).as_posix()
        for name, marks in marks_of(file).items():
            found |= {(f"{file}::{name}", tool) for tool in re.findall(r"written_by\('([^']+)'\)", " ".join(marks))}
    assert found == claimed


def marks_of(file: str) -> dict[str, list[str]]:
    """Marks of the tests of a file, as they are written."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {
        node.name: [ast.unparse(one).removeprefix("pytest.mark.") for one in node.decorator_list]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def test_the_page_is_the_table() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert page.endswith(as_markdown()), "make it anew: its last lines are those of lyra-sim formats --markdown"


def test_the_page_of_inspect_has_every_key_of_its_json() -> None:
    page = (ROOT / "docs" / "inspect.md").read_text(encoding="utf-8").partition("## `--json`")[2]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(Inspection.model_fields)
    inner = [Reading, LeftOut, Frame, Doubt, Asked, Refusal]
    assert not [field for model in inner for field in model.model_fields if f"`{field}`" not in page]


def test_the_page_of_scene_files_has_every_layout() -> None:
    page = (ROOT / "docs" / "scene_file.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", page, re.MULTILINE) == list(LAYOUTS)
