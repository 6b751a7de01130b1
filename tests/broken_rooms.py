"""A small room on disk for the data faults in ``broken/``: each fault then spoils one thing of it."""

import json
from pathlib import Path

from tests.rooms import furnished_room

SCENES = """version: 1
scenes:
  - name: room
    rgbd: {frames: rgb, depth: depth_mm, cameras: CAMERAS}
    scale: metric
    up: z
"""


def write_room(folder: Path, *, cameras: str = "transforms.json", views: int = 16) -> None:
    """``scenes.yaml`` and a sound capture of 16 views in ``folder``."""
    furnished_room(views=views).write_rgbd(folder)
    (folder / "scenes.yaml").write_text(SCENES.replace("CAMERAS", cameras), encoding="utf-8")


def edit_transforms(folder: Path, change) -> None:
    """Apply ``change(facts)`` to transforms.json in place."""
    path = folder / "transforms.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")
