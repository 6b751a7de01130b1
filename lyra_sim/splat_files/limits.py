"""What a stranger's file may cost: caps on counts, on bytes, and on what a packed stream unpacks to."""

import zlib
from pathlib import Path

from lyra_sim.errors import InputError

MOST_SPLATS = 20_000_000
"""A header that claims more is refused before anything is unpacked. Convention."""
MOST_BYTES = 8 << 30
"""A larger file is refused before it is opened: 20 million splats of degree 3 are 5 GB as a plain PLY. Derived."""
MOST_SMALL_BYTES = 4 << 20
"""Of headers and JSON. Convention."""
CHUNK = 1 << 20
"""Bytes unpacked at once. Convention."""


def check_count(count: int, subject: str) -> None:
    """Refuse a number of splats that no file of ours may hold.

    Raises:
        InputError: None, or more than ``MOST_SPLATS``.
    """
    if count == 0:
        raise InputError(subject, "it holds no splats", expected="Gaussian splats")
    if not 0 < count <= MOST_SPLATS:
        raise InputError(subject, f"it claims {count} splats", expected=f"1 to {MOST_SPLATS}")


def check_size(path: Path) -> None:
    """Refuse what is missing, empty or huge.

    Raises:
        InputError: No such file, nothing in it, or more than ``MOST_BYTES``.
    """
    if not path.is_file():
        raise InputError(
            str(path),
            "the file is missing",
            expected="a file of Gaussian splats",
            next_step="Check the path; in a scene file it is relative to that file.",
        )
    size = path.stat().st_size
    if size == 0:
        raise InputError(str(path), "the file is empty", expected="a file of Gaussian splats")
    if size > MOST_BYTES:
        raise InputError(str(path), f"{size / 1e9:.1f} GB", expected=f"at most {MOST_BYTES / 1e9:.1f} GB")


def inflated(stream: "zlib._Decompress", packed: bytes, size: int, subject: str) -> bytes:
    """Exactly ``size`` bytes of a gzip stream; no more is ever unpacked, so a bomb costs nothing.

    Raises:
        InputError: The stream is broken, or ends early.
    """
    parts, left = [], size
    try:
        while left:
            part = stream.decompress(packed, min(left, CHUNK))
            packed = stream.unconsumed_tail
            if not part and (stream.eof or not packed):
                raise InputError(
                    subject, f"it ends {left} bytes early", expected="a whole SPZ file", likely="The file is truncated."
                )
            parts.append(part)
            left -= len(part)
    except zlib.error as error:
        raise InputError(subject, f"its gzip stream is broken ({error})", likely="The file is damaged.") from error
    return b"".join(parts)


def beyond(stream: "zlib._Decompress", most: int, subject: str) -> bytes:
    """What a gzip stream goes on with, up to so many bytes; the checksum is compared where the stream ends.

    Raises:
        InputError: The stream is broken.
    """
    try:
        return stream.decompress(stream.unconsumed_tail, most)
    except zlib.error as error:
        raise InputError(subject, f"its gzip stream is broken ({error})", likely="The file is damaged.") from error


def unzstd(packed: bytes, size: int, subject: str) -> bytes:
    """Exactly ``size`` bytes of a Zstandard frame; a bomb is left unpacked.

    Raises:
        InputError: The frame is broken, or holds another number of bytes.
    """
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed) as stream:
            body = stream.read(size)
            more = stream.read(1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise InputError(subject, f"its Zstandard stream is broken ({error})", likely="The file is damaged.") from error
    if len(body) < size:
        raise InputError(
            subject, f"it ends {size - len(body)} bytes early", expected="a whole SPZ file", likely="The file is truncated."
        )
    if more:
        raise InputError(subject, "more data than its header declares", expected=f"{size} bytes", likely="It is damaged.")
    return body
