"""``walkthrough.mp4``: the drawn frames as people watch them."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from lyra_sim.data.video import GeneratedFrames
from lyra_sim.errors import EnvironmentNotReady, LyraSimError

ENCODER = "libx264"
ONE_MEMORY = {"MALLOC_PERTURB_": "85", "GLIBC_TUNABLES": "glibc.malloc.perturb=85"}
"""Makes glibc fill memory as it is handed out; elsewhere it is ignored."""
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


def write_walkthrough(frames: GeneratedFrames, path: Path, *, fps: float, licence: str | None = None) -> None:
    """H.264 in 4:2:0, which every browser and player shows; equal frames give equal bytes.

    x264 reads memory it hasn't written, and what lies there in a process that has worked for minutes is chance. So a process
    of its own encodes, whose fresh memory is filled with one value.

    Args:
        frames: In their folder.
        path: Of the file.
        fps: Frames a second.
        licence: Of the weights that drew them; stands in the file as its copyright.

    Raises:
        LyraSimError: The encoder failed; its last line is told.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    about = [
        str(frames.folder),
        str(path),
        repr(float(fps)),
        str(len(frames)),
        str(frames.cameras.width),
        str(frames.cameras.height),
        licence or "",
    ]
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from lyra_sim.generators.walkthrough import main; main()", *about],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), **ONE_MEMORY},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise LyraSimError(
            str(path),
            f"the encoder ended with exit status {done.returncode}",
            likely=(done.stderr.strip().splitlines() or ["It said nothing."])[-1],
            next_step="Run the build again: the frames are kept.",
        )


def main() -> None:
    """Entry point of the encoding process: folder of the frames, file, frames a second, count, width, height, licence."""
    folder, path, fps, count, width, height, licence = sys.argv[1:]
    pictures = [Path(folder) / "rgb" / f"{n:05d}.png" for n in range(int(count))]
    encode(pictures, Path(path), float(fps), int(width), int(height), licence or None)


def encode(pictures: Sequence[Path], path: Path, fps: float, width: int, height: int, licence: str | None = None) -> None:
    """Encode in this process, on one thread.

    Args:
        pictures: Files of the frames, in order.
        path: Of the video.
        fps: Frames a second.
        width, height: Of the video [px].
        licence: Stands in the file as its copyright.
    """
    import av
    from av.video.stream import VideoStream

    rate = Fraction(fps).limit_denominator(1000)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as file:
        if licence is not None:
            file.metadata["copyright"] = licence
        stream = file.add_stream(ENCODER, rate=rate, options={"crf": CONSTANT_QUALITY, "preset": "medium", "threads": "1"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, values in zip(frame.planes, yuv420(np.asarray(Image.open(picture).convert("RGB"))), strict=True):
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
