"""Fixtures shared by all rooms of the suite."""

from pathlib import Path

import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from tests.rooms import Room, furnished_room

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


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
        pytest.skip("the shared data folder isn't beside this checkout")
    return SHARED / "data"
