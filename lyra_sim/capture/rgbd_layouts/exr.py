"""OpenEXR, as renderers write depth: what a header promises is checked before anything is decoded."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from lyra_sim.errors import EnvironmentNotReady, InputError

_DEPTH_WORDS = ("depth", "distance", "z")
"""Names of a channel alone, or of the pass that it is of: ``Z``, ``Depth.V``, ``ViewLayer.Depth.Z``. Convention."""
_THROWN = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
"""What the library throws on damaged files."""


def require_exr(file: Path) -> None:
    """Before one is to be read.

    Raises:
        EnvironmentNotReady: The library isn't installed.
    """
    if importlib.util.find_spec("OpenEXR") is None:
        raise EnvironmentNotReady(
            str(file),
            "depth in an .exr file, which isn't read without the package OpenEXR",
            next_step="pip install 'lyra-sim[exr]', or write each as numpy.save(name, depth), float32 metres of shape (h, w).",
        )


def read_exr(file: Path, *, max_pixels: int) -> Shaped[np.ndarray, "h w"]:
    """The one channel of depth, as stored.

    Args:
        file: By its name; the library tells whether it is one.
        max_pixels: Checked by the header, before pixels are decoded.

    Raises:
        EnvironmentNotReady: OpenEXR isn't installed.
        InputError: It is damaged, too large, of several parts, cropped or deep, or doesn't tell which channel is depth.
    """
    require_exr(file)
    if not file.is_file():
        raise InputError(str(file), "the file is missing", expected="an image of depth")
    import OpenEXR

    try:
        parts = OpenEXR.File(str(file), header_only=True).parts
        header = parts[0].header
        (left, top), (right, bottom) = (tuple(int(x) for x in corner) for corner in header["dataWindow"])
        shown = tuple(tuple(int(x) for x in corner) for corner in header["displayWindow"])
        sampling = {(one.xSampling, one.ySampling) for one in header["channels"]}
        kind = header["type"]
    except _THROWN as error:
        raise _damaged(file, error) from error
    wide, high = right - left + 1, bottom - top + 1
    if wide < 1 or high < 1 or wide * high > max_pixels:
        raise InputError(str(file), f"{wide}x{high} pixels", expected=f"at most {max_pixels} pixels")
    if len(parts) > 1:
        raise InputError(
            str(file), f"{len(parts)} parts", expected="one part", next_step="Export the depth into a file of its own."
        )
    if kind not in (OpenEXR.scanlineimage, OpenEXR.tiledimage) or sampling != {(1, 1)}:
        raise InputError(str(file), "deep pixels, or channels of other sizes", expected="a number a pixel")
    if shown != ((left, top), (right, bottom)):
        raise InputError(
            str(file),
            f"a part of a picture: {wide}x{high} pixels from ({left}, {top}), of a frame from {shown[0]} to {shown[1]}",
            expected="the whole frame",
            next_step="Render without a border.",
        )
    try:
        channels = OpenEXR.File(str(file), separate_channels=True).channels()
    except _THROWN as error:
        raise _damaged(file, error) from error
    return _depth_of(channels, file)


def _depth_of(channels: dict[str, Any], file: Path) -> Shaped[np.ndarray, "h w"]:
    """The only channel; the only one that is named like depth; or any of three that hold the same."""
    found = {name: np.asarray(channel.pixels) for name, channel in channels.items()}
    if len(found) == 1:
        return next(iter(found.values()))
    named = [name for name in found if _is_named_depth(name)]
    if len(named) == 1:
        return found[named[0]]
    colours = [found.get(name) for name in "RGB"]
    first, *rest = colours
    if not named and first is not None and all(one is not None and np.array_equal(first, one, equal_nan=True) for one in rest):
        return first
    raise InputError(
        str(file),
        f"channels {', '.join(sorted(found))}",
        expected="one channel, one that is named Z or depth, or three equal ones",
        likely="A colour picture, or several passes in one file.",
        next_step="Export the depth into a file of its own.",
    )


def _is_named_depth(name: str) -> bool:
    words = name.lower().split(".")
    return words[-1] in _DEPTH_WORDS if len(words) == 1 else words[-2] in _DEPTH_WORDS


def _damaged(file: Path, error: Exception) -> InputError:
    said = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        str(file),
        f"can't be read as OpenEXR ({said.replace(str(file), file.name)})",
        expected="a whole .exr",
        likely="The file is truncated or of another type.",
    )
