"""Opening single images: an allowlist of formats, and caps on pixels before anything is decoded."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from lyra_sim.capture.intake.colour_profiles import ColourReading, read_colours
from lyra_sim.errors import InputError

COLOUR_SUFFIXES = (".jpg", ".jpeg", ".png")
"""What RGB-D captures and our own working folders hold."""
_FORMATS = ("JPEG", "PNG")
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP")
"""Pillow's names of what photo intake reads; it is re-encoded, so nothing later has to know WebP."""


def list_images(folder: Path, *, suffixes: tuple[str, ...], max_count: int) -> list[Path]:
    """Image files of a folder by name; one clear error when it is missing, empty or too full.

    Raises:
        InputError: The folder is missing, empty or holds more than ``max_count`` images.
    """
    if not folder.is_dir():
        raise InputError(
            str(folder),
            "the folder is missing",
            expected="a folder of images",
            next_step="Check the path; it is relative to the scene file.",
        )
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file())
    if not paths:
        raise InputError(str(folder), "no image in it", expected=f"files ending in {', '.join(suffixes)}")
    if len(paths) > max_count:
        raise InputError(
            str(folder),
            f"{len(paths)} images",
            expected=f"at most {max_count}",
            next_step="Raise capture.max_views, or thin the sequence.",
        )
    return paths


def open_image(path: Path, *, max_pixels: int, formats: tuple[str, ...] = _FORMATS) -> Image.Image:
    """Open without decoding: allowlisted format (by content, whatever the suffix says), bounded size. The caller closes it.

    Raises:
        InputError: The file is missing, of another format, broken, or has more than ``max_pixels``.
    """
    try:
        image = Image.open(path, formats=formats)
        width, height = image.size
        if width * height > max_pixels:
            image.close()
            raise InputError(
                str(path),
                f"{width}x{height} pixels",
                expected=f"at most {max_pixels} pixels",
                likely="A decompression bomb, or a panorama.",
            )
        return image
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected="an image") from error
    except Image.DecompressionBombError as error:
        raise InputError(str(path), f"too many pixels ({error})", expected=f"at most {max_pixels} pixels") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        reason = "unknown or damaged" if isinstance(error, UnidentifiedImageError) else error  # its own text is the path again
        raise InputError(
            str(path),
            f"not a readable image ({reason})",
            expected=f"one of {', '.join(formats)}",
            likely="The file is truncated or of another type.",
        ) from error


def read_colour(path: Path, *, max_pixels: int) -> np.ndarray:
    """sRGB uint8 (h, w, 3).

    Raises:
        InputError: It can't be opened or decoded.
    """
    try:
        with open_image(path, max_pixels=max_pixels) as image:
            to_srgb = read_colours(image).to_srgb
            return np.asarray(image.convert("RGB") if to_srgb is None else to_srgb(image))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            str(path), f"can't be decoded ({error})", expected="a whole JPEG or PNG", likely="The file is truncated."
        ) from error


def colours_of(path: Path, *, max_pixels: int) -> ColourReading:
    """What a file says of its colours, without decoding it.

    Raises:
        InputError: It can't be opened.
    """
    with open_image(path, max_pixels=max_pixels) as image:
        return read_colours(image)


def read_depth_counts(path: Path, *, max_pixels: int) -> np.ndarray:
    """uint16 (h, w) as stored; 0 means no measurement.

    Raises:
        InputError: It can't be opened or decoded, or isn't a 16-bit grey image.
    """
    try:
        with open_image(path, max_pixels=max_pixels) as image:
            if image.mode not in ("I;16", "I;16B", "I", "L"):
                raise InputError(
                    str(path),
                    f"image mode {image.mode}",
                    expected="16-bit grey PNG",
                    likely="A colour-mapped picture of depth, not depth.",
                )
            counts = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            str(path), f"can't be decoded ({error})", expected="a whole 16-bit PNG", likely="The file is truncated."
        ) from error
    if counts.min() < 0 or counts.max() > 65535:
        raise InputError(str(path), f"counts from {counts.min()} to {counts.max()}", expected="0..65535")
    return counts.astype(np.uint16)
