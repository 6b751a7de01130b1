"""Where a SOG's parts lie: beside its ``meta.json`` in a folder, or in one zip; opened without trusting sizes or names."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import CHUNK, MOST_SMALL_BYTES

META = "meta.json"
MOST_MEMBERS = 64
"""Files in a zip; a SOG has eight. Convention."""
MOST_DIRECTORY = 1 << 16
"""Bytes of a zip's table of contents. Convention."""
END = struct.Struct("<IHHHHIIH")
"""The record at a zip's end."""
ROOM = 1 << 16
"""Pixels an image may have beyond what is needed, and bytes a file. Convention."""

Part = Callable[[str, int], bytes]
"""A part's bytes by name, refused where it has more than so many."""


def check_zip(path: Path) -> None:
    """Refuse a zip whose table of contents is large or hidden, before anything reads it.

    Raises:
        InputError: It is cut off, or lists too much.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - END.size - 0xFFFF))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + END.size > len(tail):
        raise InputError(str(path), "a zip without its end", expected="a SOG file", likely="The file is truncated.")
    _, _, _, _, members, directory, _, _ = END.unpack_from(tail, at)
    if members > MOST_MEMBERS or directory > MOST_DIRECTORY or tail[max(at - 20, 0) : at].startswith(b"PK\x06\x07"):
        raise InputError(
            str(path),
            f"a zip of {members} files with {directory} bytes of names",
            expected=f"a SOG file: at most {MOST_MEMBERS}",
            likely="Another kind of archive.",
        )


def names_in_zip(path: Path) -> tuple[str, ...]:
    """Names of what a zip holds.

    Raises:
        InputError: It can't be read.
    """
    check_zip(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise InputError(
            str(path), f"a broken zip ({error})", expected="a SOG file", likely="The file is truncated."
        ) from error


def part_of_zip(path: Path) -> Part:
    """Reads parts of a checked zip."""

    def part(name: str, most: int) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
                return _no_more(stream.read(most + 1), most, f"{path}: {name}")
        except KeyError as error:
            raise InputError(str(path), f"no {name} in it", expected="a whole SOG file") from error
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise InputError(f"{path}: {name}", f"it can't be unpacked ({error})", likely="The file is damaged.") from error

    return part


def part_of_folder(folder: Path) -> Part:
    """Reads parts that lie in a folder."""

    def part(name: str, most: int) -> bytes:
        path = folder / name
        if not path.is_file():
            raise InputError(str(path), "the file is missing", expected=f"it lies beside {META}, which names it")
        with path.open("rb") as stream:
            return _no_more(stream.read(most + 1), most, str(path))

    return part


def json_part(part: Part, name: str, subject: str) -> dict[str, Any]:
    """A part as a JSON object.

    Raises:
        InputError: It is none.
    """
    try:
        value = json.loads(part(name, MOST_SMALL_BYTES).decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(subject, f"its {name} isn't JSON ({error})", likely="The file is truncated or damaged.") from error
    if not isinstance(value, dict):
        raise InputError(subject, f"its {name} isn't an object", expected="SOG's description")
    return value


def pixels(part: Part, name: str, subject: str, *, least: int) -> UInt8[np.ndarray, "h w 4"]:
    """The pixels of a WebP part, at least so many and not many more.

    Raises:
        InputError: No WebP image, or one of another size.
    """
    from PIL import Image

    packed = part(name, 8 * least + CHUNK)
    try:
        with Image.open(io.BytesIO(packed), formats=["WEBP"]) as image:
            width, height = image.size
            if least <= width * height <= 4 * least + ROOM and getattr(image, "n_frames", 1) == 1:
                return np.asarray(image.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{subject}: {name}", f"no readable WebP image ({error})", likely="The file is damaged.") from error
    raise InputError(
        f"{subject}: {name}",
        f"{width}x{height} pixels",
        expected=f"one image of at least {least}",
        likely="The file is damaged.",
    )


def _no_more(body: bytes, most: int, subject: str) -> bytes:
    if len(body) > most:
        raise InputError(subject, f"more than {most} bytes", expected="no more than it needs", likely="The file is damaged.")
    return body
