"""A captured room to draw from."""

from pathlib import Path

import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.scene.sources import RgbdSource
from lyra_sim.scene.spec import SceneSpec
from tests.scene_parts import captured


@pytest.fixture(scope="session")
def room_capture(tiny_room_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """``tiny_room`` as capture hands it on, in metres; frames of 160 × 120 px."""
    rgbd = RgbdSource(
        frames=tiny_room_files / "rgb", depth=tiny_room_files / "depth_mm", cameras=tiny_room_files / "transforms.json"
    )
    scene = SceneSpec(name="room", rgbd=rgbd, scale="metric", up="z")
    return captured(scene, tmp_path_factory.mktemp("room_capture") / "out")
