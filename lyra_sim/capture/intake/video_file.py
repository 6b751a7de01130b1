"""A hostile video file, opened so that it can reach nothing but itself, and its frames as they are meant to be seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import Shaped, UInt8

from lyra_sim.capture.intake.panoramas import Panorama
from lyra_sim.capture.intake.video_colours import ColourTags, srgb_of, tags_of
from lyra_sim.capture.intake.video_containers import container_of
from lyra_sim.errors import InputError

CODECS = "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,mpeg4,mjpeg,prores,ffv1"
"""Decoders that may run: what cameras, phones and browsers write. FFmpeg has hundreds more, many of them old and rarely
tested against malice; sound is never decoded."""
WIDEST_PIXEL = Fraction(4)
"""Pixels may be this many times wider than high, or higher than wide; beyond that the header is damaged."""
TRUNCATED_BY = 0.5
"""A file whose last frame comes this much before its stated end is reported as truncated [s]. Convention."""

EQUIRECTANGULAR, RECTILINEAR = 0, 4
"""FFmpeg's numbers of spherical projections; the others are cube maps, tiles, halves and fisheyes. Convention."""

Threads = Literal["AUTO", "NONE"]


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What one reading of the packets tells, without decoding any; headers only claim."""

    start: float
    """Presentation time of the first frame [s]."""
    seconds: float
    """From there to the end of the last [s]."""
    packet_count: int
    stated_seconds: float | None
    """Length by the header."""

    @property
    def truncated(self) -> bool:
        """True when the header promises clearly more than is there."""
        return self.stated_seconds is not None and self.stated_seconds - self.seconds > max(TRUNCATED_BY, 0.02 * self.seconds)

    @property
    def told(self) -> tuple[str, ...]:
        """That it was cut short, where it was."""
        said = f"ends after {self.seconds:.1f} s of {self.stated_seconds or 0:.1f} s: the file is truncated"
        return (said,) if self.truncated else ()


@dataclass(kw_only=True)
class Damage:
    """Counted while frames are read."""

    packets: int = 0
    """That no decoder understood."""
    frames: int = 0
    """That the decoder itself calls corrupt."""
    other_sizes: set[tuple[int, int]] = field(default_factory=set)
    """Of frames that were left out for them [px]."""

    @property
    def count(self) -> int:
        """Damaged packets and frames."""
        return self.packets + self.frames


@contextmanager
def opened(file: Path, *, max_pixels: int, threads: Threads = "AUTO") -> Iterator[tuple[InputContainer, VideoStream]]:
    """Container and its moving picture; one clear error when there is none that can be read.

    The container is told by content and forced on FFmpeg, so that a playlist or concatenation script renamed to ``.mp4`` is
    never followed; nor are references inside MOV files. Only plain files of this machine can be opened at all.

    Args:
        file: The video.
        max_pixels: Of a frame.
        threads: How the decoder works in parallel. Several frames at once is fastest; what it makes of a damaged stream then
            depends on which thread was first.

    Raises:
        InputError: The content is no container that is read, or has no moving picture that can be decoded.
    """
    _check_is_file(file)
    container = container_of(file)
    if container is None:
        raise InputError(
            str(file),
            "not a video container that is read",
            expected="MP4, MOV, MKV, WebM or AVI by content",
            likely="A playlist or another type of file under a video's name.",
            next_step="Convert it, for instance to MP4.",
        )
    options = {
        "protocol_whitelist": "file",
        "codec_whitelist": CODECS,
        "max_pixels": str(2 * max_pixels),  # decoders pad to whole blocks; our own check below is exact
    }
    if container == "mov":
        options["enable_drefs"] = "0"
    try:
        with av.open(str(file.resolve()), format=container, options=options, metadata_errors="replace") as video:
            stream = _stream(file, video, max_pixels)
            stream.codec_context.thread_type = threads
            yield video, stream
    except av.error.FFmpegError as error:
        raise InputError(
            str(file),
            f"can't be read as video ({error.strerror})",
            expected="a whole video",
            likely="The recording was cut off or only partly copied: an MP4 without its end has no index.",
        ) from error


def read_facts(file: Path, video: InputContainer, stream: VideoStream) -> VideoFacts:
    """First and last time by the packets themselves; leaves the container at its end.

    Raises:
        InputError: There is no frame in it.
    """
    first, last, count = None, 0.0, 0
    base = float(stream.time_base or 0)
    step = _frame_seconds(stream)
    for packet in video.demux(stream):
        if not packet.size or packet.is_discard:
            continue
        stamp = packet.pts if packet.pts is not None else packet.dts
        at = count * step if stamp is None else stamp * base
        first = at if first is None else min(first, at)
        last = max(last, at)
        count += 1
    if first is None:
        raise InputError(str(file), "no frame in it", expected="a video of at least two frames")
    stated = float(stream.duration * base) if stream.duration else video.duration / av.time_base if video.duration else None
    return VideoFacts(start=first, seconds=last - first + step, packet_count=count, stated_seconds=stated)


def decoded(video: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[tuple[float, VideoFrame]]:
    """Sound frames of one size with their presentation time [s], one at a time; what is left out is counted in ``damage``."""
    size, index = None, 0
    step = _frame_seconds(stream)
    for packet in video.demux(stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            damage.packets += 1
            continue
        for frame in frames:
            at = index * step if frame.time is None else frame.time
            index += 1
            size = size or (frame.width, frame.height)
            if frame.is_corrupt:
                damage.frames += 1
            elif (frame.width, frame.height) != size:
                damage.other_sizes.add((frame.width, frame.height))
            else:
                yield at, frame


def upright_rgb(frame: VideoFrame, pixel_aspect: Fraction, tags: ColourTags | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """The frame in sRGB with square pixels, turned as its display matrix says; None: by its own colour tags alone."""
    width = max(1, round(frame.width * pixel_aspect))
    return _turned(srgb_of(frame, tags or tags_of(frame), width=width, height=frame.height), _display_matrix(frame))


def pixel_aspect_of(file: Path, stream: VideoStream) -> Fraction:
    """Width of a pixel over its height; 1 when the file doesn't say.

    Raises:
        InputError: Pixels are stretched beyond ``WIDEST_PIXEL``.
    """
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not 1 / WIDEST_PIXEL <= aspect <= WIDEST_PIXEL:
        raise InputError(str(file), f"pixels {aspect} times as wide as high", expected="about square pixels")
    return aspect


def spherical_of(frame: VideoFrame) -> Panorama:
    """What spherical metadata (Google's, version 1 or 2, as FFmpeg hands it on) says of a frame."""
    side_data: Any = frame.side_data
    try:
        projection = int(np.frombuffer(bytes(side_data[Type.SPHERICAL])[:4], np.int32)[0])
    except (KeyError, IndexError, ValueError):
        return "no"
    return {EQUIRECTANGULAR: "stated", RECTILINEAR: "no"}.get(projection, "part")  # type: ignore[return-value]


def _check_is_file(file: Path) -> None:
    if not file.is_file():
        found = "neither a file nor a link to one" if file.exists() else "missing"
        raise InputError(
            str(file), found, expected="a video file", next_step="Check the path; it is relative to the scene file."
        )
    if not file.stat().st_size:
        raise InputError(str(file), "an empty file", expected="a video")


def moving_pictures(video: InputContainer) -> list[VideoStream]:
    """Streams of it that aren't a picture of its cover."""
    return [stream for stream in video.streams.video if not stream.disposition & stream.disposition.attached_pic]


def _stream(file: Path, video: InputContainer, max_pixels: int) -> VideoStream:
    pictures = moving_pictures(video)
    if not pictures:
        kinds = sorted({stream.type for stream in video.streams})
        raise InputError(
            str(file),
            f"no moving picture in it ({', '.join(kinds) or 'no stream'})",
            expected="a video stream",
            likely="It is a sound recording, or its picture was lost when it was exported.",
            next_step="Give the video as the camera wrote it.",
        )
    stream = pictures[0]
    context = stream.codec_context
    if context is None or context.name not in CODECS.split(","):
        name = "unknown" if context is None else context.name
        raise InputError(str(file), f"codec {name}", expected="H.264, HEVC, VP8, VP9, AV1, MPEG-4, MJPEG, ProRes or FFV1")
    if not context.width or not context.height:
        raise InputError(str(file), "the picture has no size", expected="a whole video", likely="The header is damaged.")
    if context.width * context.height > max_pixels:
        raise InputError(str(file), f"{context.width}x{context.height} pixels", expected=f"at most {max_pixels} pixels a frame")
    return stream


def _frame_seconds(stream: VideoStream) -> float:
    """Time between frames by the header, kept to what a camera does, since headers can say anything [s]."""
    return min(max(1 / float(stream.guessed_rate or 30), 0.001), 1.0)


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c, d of FFmpeg's display matrix: (x, y) goes to (a x + c y, b x + d y), y down."""
    side_data: Any = frame.side_data  # PyAV's stubs and its code disagree about the keys
    try:
        matrix = np.frombuffer(bytes(side_data[Type.DISPLAYMATRIX]), np.int32)
    except KeyError:
        return 1, 0, 0, 1
    if len(matrix) != 9:
        return 1, 0, 0, 1
    return int(matrix[0]), int(matrix[1]), int(matrix[3]), int(matrix[4])


def _turned(pixels: Shaped[np.ndarray, "h w 3"], matrix: tuple[int, int, int, int]) -> Shaped[np.ndarray, "_ _ 3"]:
    """The nearest of the eight turns and mirrorings to ``matrix``; a matrix of zeros turns nothing."""
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels = pixels.swapaxes(0, 1)
        across, down = c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
