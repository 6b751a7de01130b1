"""Camera matrices as pickled objects, which run code when loaded."""

import os

import numpy as np

from tests.broken_rooms import write_room


class Payload:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


def make(folder):
    write_room(folder, cameras="cameras.npz")
    w2c = np.empty(1, dtype=object)
    w2c[0] = Payload()
    np.savez(folder / "cameras.npz", w2c=w2c, intrinsics=np.eye(3)[None], image_height=120, image_width=160)
