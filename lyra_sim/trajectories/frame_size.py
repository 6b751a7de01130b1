"""Size and intrinsics of generated frames: the photos' view, cut to whole multiples of 16 and never stretched."""

import numpy as np
from jaxtyping import Float, Float64

MULTIPLE = 16
"""Sides of frames are whole multiples of this [px]: a video network works on 8 × 8 pixels, two by two."""


def frame_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height [px] with ``side`` as the longer one and nearly the aspect of ``width × height``."""
    scale = side / max(width, height)
    longer = max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)
    shorter = max(MULTIPLE, round(min(width, height) * scale / MULTIPLE) * MULTIPLE)
    return (longer, shorter) if width >= height else (shorter, longer)


def cropped_K(
    K: Float[np.ndarray, "*n 3 3"], *, size: tuple[int, int], new_size: tuple[int, int]
) -> Float64[np.ndarray, "*n 3 3"]:
    """Intrinsics of the largest view of ``new_size`` that lies within the view of ``size``.

    Both focal lengths are scaled alike, so pixels keep their shape; what doesn't fit the new aspect is cut off evenly on both
    sides. A frame therefore never shows more than its photo.
    """
    (width, height), (new_width, new_height) = size, new_size
    scale = max(new_width / width, new_height / height)
    new = np.array(K, np.float64, copy=True)
    new[..., :2, :] *= scale
    new[..., 0, 2] -= (width * scale - new_width) / 2
    new[..., 1, 2] -= (height * scale - new_height) / 2
    return new
