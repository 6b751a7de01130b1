"""Every view looks up: there is no floor to stand on, and none may be made up."""

import numpy as np

from tests.broken_rooms import SCENES
from tests.rooms import camera_path, furnished_room, look


def make(folder):
    from dataclasses import replace

    poses = [look(np.array([1.5 + 0.1 * k, 2.0, 1.2]), 0.3 * k, 1.2) for k in range(10)]
    replace(furnished_room(), cameras=camera_path(poses)).write_rgbd(folder)
    (folder / "scenes.yaml").write_text(SCENES.replace("CAMERAS", "transforms.json"), encoding="utf-8")
