"""An MP4 whose recording was cut off: its index, which is written last, is missing."""

import av
import numpy as np


def make(folder):
    file = folder / "walk.mp4"
    rng = np.random.default_rng(0)
    with av.open(file, "w") as video:
        stream = video.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(10):
            pixels = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
            video.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        video.mux(stream.encode())
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])
