"""The keys of the example scenes as they were recorded: a change that moves code rebuilds nobody's world.

A key that changes on purpose (a raised version, a key of the scene file) is recorded anew in the same commit::

    python -m tests.runner.test_golden_keys
"""

import json
from pathlib import Path
from unittest import mock

from lyra_sim import load_scenes, plan, plugins
from tests.house.files import ROOT

RECORD = Path(__file__).with_name("golden_keys.json")
PINNED = "pinned"
"""Stands for the version of every installed engine, so that the table is about our code and not about the machine."""


def example_keys(out: Path) -> dict[str, dict[str, str]]:
    """Key of every step of every example scene, by scene and step; ``out`` is an empty folder."""
    with mock.patch.object(plugins, "version", lambda package: PINNED):
        planned = plan(load_scenes(ROOT / "examples" / "scenes.yaml"), out)
    return {scene.scene: {step.step.name: step.key for step in scene.steps} for scene in planned}


def test_keys_of_the_examples_are_the_recorded_ones(tmp_path: Path) -> None:
    assert example_keys(tmp_path / "out") == json.loads(RECORD.read_text(encoding="utf-8"))


if __name__ == "__main__":
    RECORD.write_text(json.dumps(example_keys(Path("there_is_no_such_folder")), indent=2) + "\n", encoding="utf-8")
