"""Frames of a video beside depth, as they are stored: the lens belongs to the sensor, whichever way up it was held."""

from collections.abc import Collection
from pathlib import Path

from PIL import Image

from lyra_sim.capture.intake.video import require_pyav
from lyra_sim.errors import InputError

QUALITY = 95
"""Of the JPEG files that frames are kept as. Convention."""


def size_of_video(file: Path, *, max_pixels: int) -> tuple[int, int]:
    """Width and height of its frames as stored [px].

    Raises:
        InputError: It is no video that can be read.
    """
    require_pyav(file)
    from lyra_sim.capture.intake.video_file import opened

    with opened(file, max_pixels=max_pixels, threads="NONE") as (_, stream):
        return stream.codec_context.width, stream.codec_context.height


def keep_frames(file: Path, wanted: Collection[int], out: Path, *, max_pixels: int) -> dict[int, Path]:
    """Write those frames to ``out``, named after their place in the video, six digits; those that are there, by place.

    Raises:
        InputError: It is no video that can be read, its colours can't be brought to sRGB, or a frame is damaged: which frame is
            which can't be told then.
    """
    require_pyav(file)
    from lyra_sim.capture.intake.dolby_vision import check_dolby_vision
    from lyra_sim.capture.intake.video_colours import check_tags, srgb_of, tags_of
    from lyra_sim.capture.intake.video_file import Damage, decoded, opened

    check_dolby_vision(file)
    out.mkdir(parents=True)
    kept: dict[int, Path] = {}
    damage = Damage()
    last = max(wanted, default=-1)
    with opened(file, max_pixels=max_pixels, threads="NONE") as (video, stream):
        container = tags_of(stream.codec_context)
        for index, (_, frame) in enumerate(decoded(video, stream, damage)):
            if damage.count or index > last:
                break
            if index in wanted:
                kept[index] = out / f"{index:06d}.jpg"
                tags = tags_of(frame).filled_from(container)
                check_tags(tags, file)
                rgb = srgb_of(frame, tags, width=frame.width, height=frame.height)
                Image.fromarray(rgb).save(kept[index], quality=QUALITY, subsampling=0)
    if damage.count:
        raise InputError(
            str(file),
            f"{damage.count} damaged frames",
            expected="a whole video: depth belongs to frames by their number",
            next_step="Export the recording again.",
        )
    return kept
