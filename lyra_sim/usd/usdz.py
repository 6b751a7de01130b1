"""A package as one file: ``.usdz``, an uncompressed zip archive that USD reads in place.

Written here rather than by ``UsdUtils.CreateNewUsdzPackage``, which stamps every entry with the time its file was changed,
so that equal worlds would differ in their bytes.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pxr import UsdUtils

from lyra_sim.errors import UsdError

MOST_BYTES = (1 << 32) - 1
"""Of any size or offset in the archive: the format knows no zip64, and OpenUSD reads none. Derived."""

ALIGNMENT = 64
"""Files start at multiples of this, so that they can be mapped into memory. Convention."""

_CHUNK = 1 << 22
"""Bytes copied at once. Convention."""
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 20, 0, 0, 0, (1 << 5) | 1  # 1 January 1980, the earliest there is
"""Of the archive's records. Convention."""
_PADDING_ID = 0x1986
"""Of the extra field that fills up to ALIGNMENT; readers skip ids that they don't know. Convention."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    name: bytes
    checksum: int
    size: int
    offset: int


def write_usdz(path: Path, root: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Pack the layer ``root`` and every file that any variant of it needs; equal files give equal bytes.

    Args:
        path: The ``.usdz``.
        root: A layer whose files all lie in its folder or below, by relative paths; they keep these in the archive.
        most_bytes: Limit of the archive.

    Raises:
        UsdError: A file is missing or lies outside, or the archive would be too large. Nothing is left behind then.
    """
    home = root.resolve().parent
    layers, assets, missing = UsdUtils.ComputeAllDependencies(str(root))
    if missing:
        raise UsdError(str(root), f"{missing[0]} isn't there", expected="a complete package")
    needed = sorted({Path(layer.realPath) for layer in layers} | {Path(asset) for asset in assets})
    stray = [file for file in needed if not file.is_relative_to(home)]
    if stray:
        raise UsdError(str(root), f"it needs {stray[0]}", expected="files of its own folder only")
    names = [root.name, *(name for file in needed if (name := file.relative_to(home).as_posix()) != root.name)]
    total = sum((home / name).stat().st_size + 2 * (ALIGNMENT + 64 + len(name)) for name in names)
    if total > most_bytes:
        raise UsdError(
            str(path),
            f"the world's files have {total / (1 << 30):.2f} GiB",
            expected=f"less than {(most_bytes + 1) / (1 << 30):g} GiB, the most that a .usdz can hold",
            likely="Splats take most of it.",
            next_step="Hand on the folder instead and set author.usdz: false, or make fewer splats.",
        )
    with path.open("wb") as archive:
        entries = [_add(archive, home / name, name) for name in names]
        _close(archive, entries)


def _add(archive: BinaryIO, file: Path, name: str) -> _Entry:
    """Append one file, aligned; its checksum is known after it is copied, and filled in then."""
    offset, encoded = archive.tell(), name.encode("utf-8")
    padding = -(offset + 30 + len(encoded) + 4) % ALIGNMENT
    extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
    archive.write(bytes(30) + encoded + extra)
    checksum = size = 0
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
            archive.write(chunk)
    end = archive.tell()
    archive.seek(offset)
    fields = (_VERSION, _FLAGS, _STORED, _TIME, _DATE, checksum, size, size, len(encoded), len(extra))
    archive.write(_LOCAL + struct.pack("<5H3I2H", *fields))
    archive.seek(end)
    return _Entry(name=encoded, checksum=checksum, size=size, offset=offset)


def _close(archive: BinaryIO, entries: list[_Entry]) -> None:
    """Append the directory, by which ordinary zip tools read the archive."""
    start = archive.tell()
    for entry in entries:
        fields = (_VERSION, _VERSION, _FLAGS, _STORED, _TIME, _DATE, entry.checksum, entry.size, entry.size, len(entry.name))
        archive.write(_CENTRAL + struct.pack("<6H3I5H2I", *fields, 0, 0, 0, 0, 0, entry.offset) + entry.name)
    size = archive.tell() - start
    archive.write(_END + struct.pack("<4H2IH", 0, 0, len(entries), len(entries), size, start, 0))
