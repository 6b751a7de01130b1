"""Four photos, one cut in half and one a HEIC under a JPEG's name; the scene asks to refuse those."""

import io

import numpy as np
from PIL import Image


def make(folder):
    photos = folder / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)).save(stream, "JPEG")
        data = stream.getvalue()
        if number == 2:
            data = data[: len(data) // 2]
        if number == 3:
            data = b"\0\0\0\x18ftypheic" + data
        (photos / f"{number:04d}.jpg").write_bytes(data)
