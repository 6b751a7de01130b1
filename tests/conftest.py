"""Fixtures shared by all rooms of the suite."""

import os
from pathlib import Path

import pytest

from tests.rooms import Room, furnished_room

ROOT = Path(__file__).parents[1]
DATA_VARIABLE = "LYRA_SIM_SHARED_DATA"
SHARED = Path(os.environ.get(DATA_VARIABLE) or ROOT.parent / "shared")
"""Holds ``data/`` and ``reference/``: inputs too large, or not ours, for the repository (CONTRIBUTING.md, "Tests")."""


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
def shared_data() -> Path:
    """Real data outside the repository; tests that need it are skipped where it isn't."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no data: {DATA_VARIABLE} names no folder with data/ in it")
    return SHARED / "data"
