"""Image messages of ROS as pixels: colour as sRGB, depth as counts or metres."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Shaped, UInt8, UInt16
from PIL import Image, UnidentifiedImageError

from lyra_sim.errors import InputError

COLOURS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2), "bgra8": (2, 1, 0), "8UC3": (2, 1, 0)}
"""Encodings of colour, and where red, green and blue lie. OpenCV writes 8UC3, in its own order."""
DEPTHS = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
"""Encodings of depth: whole numbers are millimetres, fractions metres (REP 118)."""
DEPTH_HEADER = 12
"""Bytes before the PNG in a compressedDepth message. Convention."""


def is_compressed(kind: str) -> bool:
    """Whether a type's pixels are a file's."""
    return kind.endswith("CompressedImage")


def colour_of(message: Any, subject: str, *, max_pixels: int) -> bytes | UInt8[np.ndarray, "h w 3"]:
    """A whole JPEG or PNG as it is in the message, or pixels.

    Raises:
        InputError: The encoding is none that is read, or the content doesn't fit its size.
    """
    if not hasattr(message, "encoding"):
        content = bytes(message.data)
        _opened(content, subject, max_pixels).close()
        return content
    if message.encoding not in COLOURS:
        raise InputError(
            subject,
            f"encoding {message.encoding}",
            expected=", ".join(COLOURS),
            next_step="Debayer or convert it with image_proc, and record that topic.",
        )
    channels = 4 if "a8" in message.encoding else 3
    rows = _rows(message, channels, "u1", subject, max_pixels)
    return np.ascontiguousarray(rows.reshape(message.height, message.width, channels)[..., COLOURS[message.encoding]])


def suffix_of(content: bytes | np.ndarray) -> str:
    """Of the file that colour is kept in."""
    return ".jpg" if isinstance(content, bytes) and content.startswith(b"\xff\xd8") else ".png"


def size_of(content: bytes | np.ndarray, subject: str, *, max_pixels: int) -> tuple[int, int]:
    """Width and height of colour [px]."""
    if isinstance(content, bytes):
        with _opened(content, subject, max_pixels) as image:
            return image.size
    return content.shape[1], content.shape[0]


def depth_of(message: Any, subject: str, *, max_pixels: int) -> UInt16[np.ndarray, "h w"] | Float32[np.ndarray, "h w"]:
    """Millimetres, or metres where they have fractions.

    Raises:
        InputError: The encoding is none that is read, or the content doesn't fit its size.
    """
    if not hasattr(message, "encoding"):
        return _compressed_depth(message, subject, max_pixels)
    if message.encoding not in DEPTHS:
        raise InputError(subject, f"encoding {message.encoding}", expected=", ".join(DEPTHS))
    values = _rows(message, 1, DEPTHS[message.encoding], subject, max_pixels).reshape(message.height, message.width)
    return values.astype(np.uint16 if values.dtype.kind == "u" else np.float32)


def _compressed_depth(message: Any, subject: str, max_pixels: int) -> UInt16[np.ndarray, "h w"]:
    encoding = message.format.split(";")[0].strip()
    content = bytes(message.data)
    if encoding != "16UC1" or "compressedDepth" not in message.format:
        raise InputError(
            subject,
            f"depth compressed as '{message.format}'",
            expected="16UC1; compressedDepth png",
            next_step="Record the raw topic; image_transport republish compressedDepth raw makes it.",
        )
    with _opened(content[DEPTH_HEADER:], subject, max_pixels) as image:
        try:
            values = np.asarray(image)
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(subject, f"a damaged PNG ({error})", expected="16-bit depth") from error
    if values.ndim != 2 or not image.mode.startswith("I"):
        raise InputError(subject, f"a PNG of mode {image.mode}", expected="16-bit depth")
    return values.astype(np.uint16)


def _rows(message: Any, channels: int, kind: str, subject: str, max_pixels: int) -> Shaped[np.ndarray, "h wc"]:
    """Pixels row by row; a row may be padded."""
    width, height, step = int(message.width), int(message.height), int(message.step)
    content = np.asarray(message.data, np.uint8)
    size = np.dtype(kind).itemsize * channels * width
    if not 0 < width * height <= max_pixels:
        raise InputError(subject, f"{width}x{height} pixels", expected=f"1 to {max_pixels} pixels")
    if step < size or len(content) != step * height:
        raise InputError(
            subject,
            f"{len(content)} bytes for {height} rows of {step}",
            expected=f"rows of {size} or more",
            likely="The message is damaged.",
        )
    order = ">" if message.is_bigendian else "<"
    return np.ascontiguousarray(content.reshape(height, step)[:, :size]).view(order + kind)


def _opened(content: bytes, subject: str, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise InputError(subject, "not a readable image", expected="a JPEG or PNG") from error
    if image.width * image.height > max_pixels:
        raise InputError(subject, f"{image.width}x{image.height} pixels", expected=f"at most {max_pixels} pixels")
    return image


def folder_subject(path: Path, topic: str) -> str:
    """Whom a message about a topic is about."""
    return f"{path}: {topic}"
