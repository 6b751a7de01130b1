"""A path of 80 cameras: one too few for a chunk after the first frame."""

import numpy as np

from tests.broken_rooms import write_room


def make(folder):
    write_room(folder, views=8)
    c2w = np.tile(np.eye(4), (80, 1, 1))
    c2w[:, :3, 3] = [1.0, 2.0, 1.2]
    K = np.tile(np.array([[90.0, 0, 80], [0, 90, 60], [0, 0, 1]]), (80, 1, 1))
    np.savez(folder / "path.npz", w2c=np.linalg.inv(c2w), intrinsics=K, image_height=120, image_width=160)
    scenes = folder / "scenes.yaml"
    scenes.write_text(scenes.read_text(encoding="utf-8") + "    generate: {path: path.npz}\n", encoding="utf-8")
