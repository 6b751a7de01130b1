"""Six photos of one blank wall: nothing in them but the sensor's noise and a little shading."""

import numpy as np
from PIL import Image


def make(folder):
    (folder / "photos").mkdir()
    rng = np.random.default_rng(0)
    shading = np.linspace(-10, 10, 320)[None, :, None]
    for number in range(6):
        wall = np.clip(190 + shading + rng.normal(0, 2, (240, 320, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(wall).save(folder / "photos" / f"{number:04d}.jpg", quality=92)
