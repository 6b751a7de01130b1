"""A camera on a tripod: the same view six times, each with noise of its own."""

import numpy as np
from PIL import Image

from tests.photo_rooms import photo_room


def make(folder):
    (folder / "photos").mkdir()
    view = photo_room(every=12).photos[0].astype(float)
    for number in range(6):
        noisy = view + np.random.default_rng(number).normal(0, 2, view.shape)
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / "photos" / f"{number:04d}.jpg")
