"""Maps from the working size to the size of the views, without inventing depth in front of or behind an edge."""

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

FLAT_RELATIVE = 0.03
"""Four neighbouring depths within this fraction lie on one surface and are interpolated. Tuned, unrecorded."""


def working_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of working maps: the longer side at most ``side``, never larger than the views."""
    factor = min(1.0, side / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def shrunk(rgb: UInt8[np.ndarray, "h w 3"], width: int, height: int) -> UInt8[np.ndarray, "hh ww 3"]:
    """The image at a smaller size, every pixel the mean of the area it covers."""
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))


def depth_to_size(z: Float32[np.ndarray, "h w"], width: int, height: int) -> Float32[np.ndarray, "hh ww"]:
    """Depth at another size: bilinear in inverse depth on a surface, the nearest value at its edges.

    An average of a chair and the wall behind it is a point in the air between them, where a robot would meet it.
    """
    top, bottom, down = _neighbours(z.shape[0], height)
    left, right, along = _neighbours(z.shape[1], width)
    corners = np.stack([z[np.ix_(rows, columns)] for rows in (top, bottom) for columns in (left, right)])
    t, s = down[:, None], along[None, :]
    weights = np.stack([(1 - t) * (1 - s), (1 - t) * s, t * (1 - s), t * s]).astype(np.float32)
    flat = corners.max(axis=0) <= (1 + FLAT_RELATIVE) * corners.min(axis=0)
    mean = 1 / (weights / np.where(flat, corners, 1)).sum(axis=0)
    return np.where(flat, mean, nearest_to_size(z, width, height)).astype(np.float32)


def nearest_to_size(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """The value of the nearest pixel."""
    rows = np.minimum(((np.arange(height) + 0.5) * values.shape[0] / height).astype(np.int64), values.shape[0] - 1)
    columns = np.minimum(((np.arange(width) + 0.5) * values.shape[1] / width).astype(np.int64), values.shape[1] - 1)
    return values[np.ix_(rows, columns)]


def _neighbours(count: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels before and after every new pixel's centre, and how far it lies from the first to the second."""
    at = np.clip((np.arange(wanted) + 0.5) * count / wanted - 0.5, 0, count - 1)
    before = np.floor(at).astype(np.int64)
    return before, np.minimum(before + 1, count - 1), at - before
