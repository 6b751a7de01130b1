"""An MP4 with a second of silence and no picture."""

import av
import numpy as np


def make(folder):
    with av.open(folder / "walk.mp4", "w") as video:
        stream = video.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        video.mux(stream.encode(silence))
        video.mux(stream.encode())
