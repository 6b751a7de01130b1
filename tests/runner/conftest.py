"""A scene of two text files and four steps that take no time."""

import sys
from pathlib import Path

import pytest

from lyra_sim.scene.spec import SceneSpec

FAKE_STEPS = ("fake_count", "fake_scale", "fake_author", "fake_assess")
PASSING_ON = ("fake_sky", "fake_window", "fake_view")
"""The middle one hands on what the first one holds."""


@pytest.fixture(autouse=True)
def fake_steps(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    for name in (*FAKE_STEPS, *PASSING_ON, "fake_chunks"):
        sys.modules.pop(name, None)


@pytest.fixture
def frames(tmp_path) -> Path:
    folder = tmp_path / "in" / "rgb"
    folder.mkdir(parents=True)
    (folder / "0.txt").write_text("ab")
    (folder / "1.txt").write_text("cde")
    return folder


@pytest.fixture
def make_scene(frames):
    def make(name="room", **sections) -> SceneSpec:
        return SceneSpec(name=name, rgbd={"frames": frames, "depth": frames, "cameras": frames}, **sections)

    return make
