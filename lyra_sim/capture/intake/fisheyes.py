"""Raw files of 360° cameras told by their content: round pictures of fisheye lenses, or a stream for each lens.

Neither a pinhole nor an equirectangular picture stands for them. Their corners are black and their circles touch the borders at
a point each, so that what tells a panorama by its borders and poles takes a pair of circles for one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from PIL import Image

from lyra_sim.errors import InputError

JUDGED_HEIGHT = 128
"""Of a circle, about: the pixels of a picture are averaged down to it [px]. Convention."""
DARK = 24
"""A pixel around a circle is at most so bright in its brightest channel [levels of 255]: black of a codec is 16. Convention."""
DARK_AROUND = 0.97
"""Share of such pixels well outside of the circle. Tuned, unrecorded."""
LIT_WITHIN = 0.6
"""Share of others inside: a fisheye sees lamps and windows somewhere, and grey between. Tuned, unrecorded."""
OUTSIDE, INSIDE = 1.12, 0.95
"""Where outside begins and inside ends, in radii: some circles are cut by the picture's border. Tuned, unrecorded."""
ROUND = 0.1
"""Width and height of what isn't dark differ by this fraction at most. Tuned, unrecorded."""
LEAST_FILLED = 0.7
"""A circle is so large at least in its part of the picture: below, it is a lamp in the dark. Tuned, unrecorded."""
LINE = 0.02
"""Share of a row or column that isn't dark before it counts. Tuned, unrecorded."""
TRAILER = b"8db42d694ccc418790edff439fe026bf"
"""Last bytes of what Insta360's cameras write: wide-angle video, too, so it counts with a picture as wide as high only.
Convention."""
NEXT_STEP = (
    "Stitch it in the camera's own app (Insta360 Studio, GoPro Player, RICOH THETA, …), exported as equirectangular 360°, "
    "and set {key}.projection: equirectangular"
)


def shows_circles(image: Image.Image) -> bool:
    """Whether a picture is a fisheye's round one on black, or two of them side by side or one above the other."""
    width, height = image.size
    across = width / height
    if across < 0.4 or across > 2.5:
        return False
    shrink = JUDGED_HEIGHT / (min(width, height) if 0.7 < across < 1.45 else max(width, height) / 2)
    size = max(8, round(width * shrink)), max(8, round(height * shrink))
    lit = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX)).max(axis=2) > DARK
    rows, columns = lit.shape
    pairs: tuple[np.ndarray, ...] = ()
    if across > 1.45:
        pairs = lit[:, : columns // 2], lit[:, columns // 2 :]
    elif across < 0.7:
        pairs = lit[: rows // 2], lit[rows // 2 :]
    return _is_circle(lit) or (bool(pairs) and all(_is_circle(half) for half in pairs))


def _is_circle(lit: Bool[np.ndarray, "h w"]) -> bool:
    """One filled circle and nothing beside it."""
    rows, columns = (np.flatnonzero(lit.mean(axis=axis) > LINE) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return False
    (top, bottom), (left, right) = (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)
    high, wide = bottom - top, right - left
    if abs(wide / high - 1) > ROUND or min(high, wide) < LEAST_FILLED * min(lit.shape):
        return False
    v, u = np.indices(lit.shape) + 0.5
    radii = np.hypot((u - (left + right) / 2) / (wide / 2), (v - (top + bottom) / 2) / (high / 2))
    around, within = lit[radii > OUTSIDE], lit[radii < INSIDE]
    return bool(len(around) and 1 - around.mean() >= DARK_AROUND and within.mean() >= LIT_WITHIN)


def check_streams(file: Path, streams: Sequence[Any], *, projection: str) -> None:
    """Refuse a video that films through two lenses at once, or is a camera's own file of one of them.

    Args:
        file: The video.
        streams: Its moving pictures, as PyAV has them.
        projection: As the scene states it; ``pinhole`` takes the first stream as it is.

    Raises:
        InputError: It is one, whatever its name ends in.
    """
    if projection == "pinhole":
        return
    sizes = [(stream.codec_context.name, stream.codec_context.width, stream.codec_context.height) for stream in streams]
    width, height = sizes[0][1:]
    if len(sizes) > 1 and sizes[1] == sizes[0]:
        found = f"{sum(size == sizes[0] for size in sizes)} streams of {width}x{height} pixels each, one of every lens"
    elif width == height and _ends_with_trailer(file):
        found = f"one lens's round picture of {width}x{height} pixels, as Insta360's cameras write it"
    else:
        return
    raise InputError(
        str(file),
        found,
        expected="a video through one lens, or stitched to an equirectangular panorama",
        likely="A raw file of a 360° camera (.insv, .360).",
        next_step=NEXT_STEP.format(key="video") + "; or pinhole to take the first stream as it is.",
    )


def _ends_with_trailer(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-min(len(TRAILER), file.stat().st_size), 2)
        return stream.read() == TRAILER
