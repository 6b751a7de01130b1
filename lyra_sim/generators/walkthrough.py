"""``walkthrough.mp4``: the drawn frames as people watch them."""

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from lyra_sim.data.video import GeneratedFrames
from lyra_sim.errors import EnvironmentNotReady

ENCODER = "libx264"
CONSTANT_QUALITY = "20"
"""H.264's CRF: no visible loss, about 1 MB for 10 s of 512 px."""


def check_encoder() -> None:
    """Say so before the work starts, not after it.

    Raises:
        EnvironmentNotReady: PyAV isn't installed.
    """
    if importlib.util.find_spec("av") is None:
        raise EnvironmentNotReady(
            "walkthrough.mp4",
            "PyAV is needed to write video and isn't installed",
            likely="It is an extra, because its wheels carry encoders under the GPL.",
            next_step="pip install 'lyra-sim[video]'",
        )
    import av.codec

    try:
        av.codec.Codec(ENCODER, "w")
    except ValueError as error:
        raise EnvironmentNotReady(
            "walkthrough.mp4",
            f"this PyAV has no {ENCODER} encoder",
            likely="It was built against an FFmpeg without it.",
            next_step="Install PyAV's own wheel: pip install --force-reinstall --only-binary=av av",
        ) from error


def write_walkthrough(frames: GeneratedFrames, path: Path, *, fps: float) -> None:
    """H.264 in 4:2:0, which every browser and player shows. One thread, so that equal frames give equal bytes."""
    import av
    from av.video.stream import VideoStream

    path.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(fps).limit_denominator(1000)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as file:
        stream = file.add_stream(ENCODER, rate=rate, options={"crf": CONSTANT_QUALITY, "preset": "medium", "threads": "1"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = frames.cameras.width, frames.cameras.height, "yuv420p"
        for index in range(len(frames)):
            frame = av.VideoFrame(frames.cameras.width, frames.cameras.height, "yuv420p")
            for plane, values in zip(frame.planes, yuv420(frames.rgb(index)), strict=True):
                padded = np.zeros((plane.height, plane.line_size), np.uint8)
                padded[:, : values.shape[1]] = values
                plane.update(padded.tobytes() + bytes(plane.buffer_size - padded.size))
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def yuv420(rgb: UInt8[np.ndarray, "h w 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Limited-range Y, Cb, Cr (ITU-R BT.601) with colour at half the resolution, for even sizes.

    FFmpeg's own conversion reads into the padding of its rows, so that its last columns depend on what lay in memory before.
    """
    height, width, _ = rgb.shape
    r, g, b = np.moveaxis(rgb.astype(np.float32) / 255, 2, 0)
    luma = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    halves = [colour.reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for colour in (r, g, b)]
    blue = 128 - 37.797 * halves[0] - 74.203 * halves[1] + 112 * halves[2]
    red = 128 + 112 * halves[0] - 93.786 * halves[1] - 18.214 * halves[2]
    luma, blue, red = (np.round(values).astype(np.uint8) for values in (luma, blue, red))
    return luma, blue, red
