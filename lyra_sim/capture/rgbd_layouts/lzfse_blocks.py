"""LZFSE, Apple's compression: what a stream claims to hold is added up before anything of it is decoded."""

import importlib.util
from pathlib import Path

from lyra_sim.errors import EnvironmentNotReady, InputError

_END = b"bvx$"


def require_lzfse(file: Path) -> None:
    """Before something compressed is to be read.

    Raises:
        EnvironmentNotReady: The decoder isn't installed.
    """
    if importlib.util.find_spec("lzfse") is None:
        raise EnvironmentNotReady(
            str(file),
            "its depth is compressed with LZFSE, which isn't read without the package lzfse",
            next_step="pip install 'lyra-sim[record3d]'",
        )


def decompressed(content: bytes, *, count: int, subject: Path, what: str) -> bytes:
    """Exactly ``count`` bytes.

    Args:
        content: Compressed.
        count: What has to come out.
        subject: File it is from, for messages.
        what: Part of that file.

    Raises:
        InputError: The blocks claim another length, or can't be decoded.
    """
    import lzfse

    claimed = _claimed(content)
    try:
        if claimed == count and len(found := lzfse.decompress(content)) == count:
            return bytes(found)
        why = "no whole LZFSE stream" if claimed is None else f"{claimed} bytes by its own account"
    except (lzfse.error, MemoryError) as error:
        why = " ".join(str(error).split())
    raise InputError(
        str(subject), f"'{what}' can't be unpacked: {why}", expected=f"{count} bytes", likely="The file is damaged."
    )


def _claimed(content: bytes) -> int | None:
    """Bytes that come out by the headers of the blocks; None where they don't lead to an end."""
    at, total = 0, 0
    while content[at : at + 4] != _END:
        kind, raw = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind == b"bvx-":
            size = 8 + raw
        elif kind == b"bvxn":
            size = 12 + int.from_bytes(content[at + 8 : at + 12], "little")
        elif kind == b"bvx1":
            size = 772 + sum(int.from_bytes(content[at + start : at + start + 4], "little") for start in (20, 24))
        elif kind == b"bvx2" and len(content) >= at + 32:
            packed = [int.from_bytes(content[at + start : at + start + 8], "little") for start in (8, 16, 24)]
            size = (packed[2] & 0xFFFFFFFF) + (packed[0] >> 20 & 0xFFFFF) + (packed[1] >> 40 & 0xFFFFF)
        else:
            return None
        at, total = at + max(size, 8), total + raw
        if at >= len(content):
            return None
    return total
