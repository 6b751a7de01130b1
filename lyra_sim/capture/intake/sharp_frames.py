"""The sharpest frame of every stretch of a video, and none twice when the camera stands still.

Loaded only when there is a video to read: PyAV is an extra.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from jaxtyping import Float32, UInt8
from PIL import Image

from lyra_sim.capture.intake.dolby_vision import check_dolby_vision
from lyra_sim.capture.intake.fisheyes import check_streams, shows_circles
from lyra_sim.capture.intake.panoramas import Panorama, shown_by
from lyra_sim.capture.intake.video_colours import ColourTags, check_tags, doubts_about, tags_of
from lyra_sim.capture.intake.video_file import (
    Damage,
    Threads,
    VideoFacts,
    decoded,
    moving_pictures,
    opened,
    pixel_aspect_of,
    read_facts,
    spherical_of,
    upright_rgb,
)
from lyra_sim.data.posed import Photo, PhotoSet
from lyra_sim.errors import InputError
from lyra_sim.scene.sources import VideoSource
from lyra_sim.scene.spec import CaptureConfig

JUDGED_SIDE = 640
"""Sharpness is judged at this longer side [px]: blur that vanishes at it does no harm to features or depth either, and
sensor noise, which looks sharp, is averaged away. Tuned, unrecorded."""
BLOCK = 8
"""Frames are compared by the means of blocks of this edge in the judged picture [px], in which noise and the codec's grain
cancel out. Tuned, unrecorded."""
STANDING_STILL = 1.0
"""Mean difference between such means below which a frame shows what the photo before shows [grey levels of 255]. Noise of
5 levels makes 0.7; a shift by a hundredth of the width in a furnished room makes several. Tuned, unrecorded."""
JPEG_QUALITY = 95
"""Frames come from a lossy codec: a JPEG of this quality with full colour resolution changes them by less than the codec
did, in about a fifth of the space of a PNG. The working folder of a long video stays small. Convention."""


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """The sharpest frame of a part so far. It refers to the decoder's buffer; pixels are converted once it has won."""

    frame: VideoFrame
    seconds: float
    sharpness: float
    grey: UInt8[np.ndarray, "h w"]


def sharpest_frames(source: VideoSource, *, limits: CaptureConfig, work: Path) -> PhotoSet:
    """At most ``source.frames`` photos of a video, as JPEG in ``work``.

    Time is split into as many equal parts as photos are wanted, and each gives its sharpest frame. Frames are decoded once
    and in order (twice when some are damaged); one candidate is held at a time, whatever the length. ``limits.max_bytes`` is
    about single images and doesn't apply.
    """
    file = source.file
    with opened(file, max_pixels=limits.max_pixels) as (video, stream):
        check_dolby_vision(file)
        check_streams(file, moving_pictures(video), projection=source.projection)
        facts = read_facts(file, video, stream)
    taker, damage = _walk(file, facts, source.frames, limits, work, "AUTO")
    if damage.count:  # in parallel a decoder may patch up a damaged stream differently each time; alone it can't
        taker, damage = _walk(file, facts, source.frames, limits, work, "NONE")
    if len(taker.photos) < 2:
        raise _too_few(file, taker, damage)
    return PhotoSet(photos=tuple(taker.photos), skipped=_left_out(file.name, facts, damage, taker))


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """What a video tells before all of it is decoded."""

    facts: VideoFacts
    width: int
    height: int
    """Of its first sound frame as it is meant to be seen [px]."""
    panorama: Panorama
    """As its metadata says, or a fisheye's circles; whatever else pixels show is judged over all frames."""
    doubts: tuple[str, ...]
    """About its colours, and that it was cut short."""


def first_look(source: VideoSource, *, limits: CaptureConfig) -> FirstLook:
    """Packets without their pictures, and the first sound frame.

    Raises:
        InputError: It is no video that can be read, has no sound frame, or its colours can't be brought to sRGB.
    """
    file = source.file
    with opened(file, max_pixels=limits.max_pixels, threads="NONE") as (video, stream):
        check_dolby_vision(file)
        check_streams(file, moving_pictures(video), projection=source.projection)
        facts = read_facts(file, video, stream)
    with opened(file, max_pixels=limits.max_pixels, threads="NONE") as (video, stream):
        aspect, container, damage = pixel_aspect_of(file, stream), tags_of(stream.codec_context), Damage()
        for _, frame in decoded(video, stream, damage):
            own = tags_of(frame)
            tags = own.filled_from(container)
            check_tags(tags, file)
            picture = Image.fromarray(upright_rgb(frame, aspect, tags))
            width, height = picture.size
            doubts = (*facts.told, *doubts_about(tags, own, container))
            stated = spherical_of(frame)
            panorama: Panorama = "fisheye" if stated == "no" and shows_circles(picture) else stated
            return FirstLook(facts=facts, width=width, height=height, panorama=panorama, doubts=doubts)
    raise InputError(str(file), f"no sound frame, {damage.count} damaged", expected="a video of at least two frames")


def sharpness(grey: UInt8[np.ndarray, "h w"]) -> float:
    """Mean squared grey-level gradient by central differences (Tenenbaum's measure; Krotkov 1988, who found it the most
    reliable of its kind). Only comparable between pictures of nearly the same scene."""
    levels = grey.astype(np.float32)
    across, down = levels[1:-1, 2:] - levels[1:-1, :-2], levels[2:, 1:-1] - levels[:-2, 1:-1]
    return float(np.vdot(across, across) + np.vdot(down, down)) / max(1, across.size)


def block_means(grey: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "rows columns"]:
    """Means of whole blocks of ``BLOCK`` pixels; what is left at the right and lower edge is not compared."""
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    blocks = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _walk(
    file: Path, facts: VideoFacts, frames: int, limits: CaptureConfig, work: Path, threads: Threads
) -> tuple["_Taker", Damage]:
    """One pass over all frames."""
    wanted = min(frames, limits.max_views)
    damage, judge = Damage(), _Judge()
    part, best = 0, None
    with opened(file, max_pixels=limits.max_pixels, threads=threads) as (video, stream):
        taker = _Taker(work, file, pixel_aspect_of(file, stream), tags_of(stream.codec_context))
        for at, frame in decoded(video, stream, damage):
            seconds = max(0.0, at - facts.start)
            now = max(part, min(int(seconds / facts.seconds * wanted), wanted - 1))
            if now > part:
                taker.take(best, part)
                part, best = now, None
            grey = judge.grey(frame)
            sharp = sharpness(grey)
            if best is None or sharp > best.sharpness:
                best = _Candidate(frame=frame, seconds=seconds, sharpness=sharp, grey=grey)
        taker.take(best, part)
    return taker, damage


class _Judge:
    """Frames as small grey pictures; keeps FFmpeg's scaler between frames."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def grey(self, frame: VideoFrame) -> UInt8[np.ndarray, "h w"]:
        shrink = min(1.0, JUDGED_SIDE / max(frame.width, frame.height))
        width, height = max(BLOCK, round(frame.width * shrink)), max(BLOCK, round(frame.height * shrink))
        small = self._scaler.reformat(frame, width=width, height=height, format="gray", interpolation="AREA")
        return small.to_ndarray()


class _Taker:
    """Writes the winners, but none that repeats the photo before it."""

    def __init__(self, work: Path, video: Path, pixel_aspect: Fraction, container: ColourTags) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work = work
        self.video = video
        self.pixel_aspect = pixel_aspect
        self.container = container
        self.doubts: dict[str, None] = {}
        self.photos: list[Photo] = []
        self.still: list[float] = []
        self._before: np.ndarray | None = None

    def take(self, best: _Candidate | None, part: int) -> None:
        if best is None:  # every frame of the part was damaged, or time jumps over it
            return
        means = block_means(best.grey)
        if self._before is not None and np.abs(means - self._before).mean() < STANDING_STILL:
            self.still.append(best.seconds)
            return
        self._before = means
        stream = tags_of(best.frame)
        tags = stream.filled_from(self.container)
        check_tags(tags, self.video)
        self.doubts |= dict.fromkeys(doubts_about(tags, stream, self.container))
        picture = Image.fromarray(upright_rgb(best.frame, self.pixel_aspect, tags))
        panorama = spherical_of(best.frame)
        if panorama == "no":
            panorama = shown_by(picture)
        name = f"frame_{part:04d}"
        file = self.work / f"{name}.jpg"
        file.unlink(missing_ok=True)  # never write through a link somebody left there
        picture.save(file, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
        width, height = picture.size
        self.photos.append(Photo(name=name, file=file, width=width, height=height, seconds=best.seconds, panorama=panorama))


def _left_out(name: str, facts: VideoFacts, damage: Damage, taker: _Taker) -> tuple[tuple[str, str], ...]:
    reasons = list(facts.told)
    if damage.count:
        reasons.append(f"{damage.count} damaged frames of {facts.packet_count}")
    if damage.other_sizes:
        sizes = ", ".join(f"{width}x{height}" for width, height in sorted(damage.other_sizes))
        reasons.append(f"frames of another size ({sizes})")
    if taker.still:
        reasons.append(f"{len(taker.still)} frames on which the camera stands still, the first at {taker.still[0]:.1f} s")
    return tuple((name, reason) for reason in (*reasons, *taker.doubts))


def _too_few(file: Path, taker: _Taker, damage: Damage) -> InputError:
    if taker.still:
        return InputError(
            str(file),
            "the camera stands still all the time",
            expected="a walk",
            next_step="Film while walking, or give one frame of it as photos: to have the room guessed from it.",
        )
    return InputError(
        str(file),
        f"{len(taker.photos)} sound frames, {damage.count} damaged",
        expected="at least two",
        likely="The file is damaged or only partly copied.",
    )
