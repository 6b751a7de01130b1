"""A path in centimetres: most of it lies far outside the room."""

import numpy as np

from tests.broken_rooms import write_room
from tests.rooms import look


def make(folder):
    write_room(folder, views=8)
    c2w = np.stack([look(np.array([100 + 2.0 * i, 180.0, 120.0]), 0.0, 0.0) for i in range(81)])
    K = np.tile(np.array([[90.0, 0, 80], [0, 90, 60], [0, 0, 1]]), (81, 1, 1))
    np.savez(folder / "path.npz", w2c=np.linalg.inv(c2w), intrinsics=K, image_height=120, image_width=160)
    scenes = folder / "scenes.yaml"
    scenes.write_text(scenes.read_text(encoding="utf-8") + "    generate: {path: path.npz}\n", encoding="utf-8")
