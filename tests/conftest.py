"""Fixtures shared by all rooms of the suite."""

import os
from pathlib import Path

import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from tests.rooms import Room, furnished_room

ROOT = Path(__file__).parents[1]
DATA_VARIABLE = "LYRA_SIM_SHARED_DATA"
SHARED = Path(os.environ.get(DATA_VARIABLE) or ROOT.parent / "shared")
"""Holds ``data/`` and ``reference/``: inputs too large, or not ours, for the repository (CONTRIBUTING.md, "Tests")."""

FIRST = (
    "tests/examples/test_examples.py",
    "tests/test_broken.py",
    "tests/inspection/",
    "tests/collision/test_flat.py",
    "tests/line/",
    "tests/physics/test_gate.py",
)
"""Files of half a minute or more, in the order they begin in where the suite is spread over processes: none is left at the end
alone, and the first build has compiled the kernels of engines and of the line (a minute of a core) before the next one asks."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: next((at for at, file in enumerate(FIRST) if item.nodeid.startswith(file)), len(FIRST)))


def reference_file(*parts: str) -> Path:
    """A file of recorded numbers, there or not."""
    return SHARED.joinpath("reference", *parts)


@pytest.fixture(scope="session")
def tiny_room() -> Room:
    """The end-to-end oracle: exact cameras, z-depth, occupancy and distances of a furnished two-room flat."""
    return furnished_room()


@pytest.fixture(scope="session")
def tiny_room_files(tiny_room: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same room as an RGB-D folder on disk: rgb/, depth_mm/, transforms.json."""
    return tiny_room.write_rgbd(tmp_path_factory.mktemp("tiny_room") / "capture")


@pytest.fixture(scope="session")
def room_capture(tiny_room_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """``tiny_room`` as capture hands it on, in metres; frames of 160 × 120 px."""
    from tests.scene_parts import captured

    rgbd = RgbdSource(
        frames=tiny_room_files / "rgb", depth=tiny_room_files / "depth_mm", cameras=tiny_room_files / "transforms.json"
    )
    scene = SceneSpec(name="room", rgbd=rgbd, scale="metric", up="z")
    return captured(scene, tmp_path_factory.mktemp("room_capture") / "out")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data outside the repository; tests that need it are skipped where it isn't."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no data: {DATA_VARIABLE} names no folder with data/ in it")
    return SHARED / "data"
