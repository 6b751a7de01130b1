"""Dolby Vision: which profile a video says it is. The profiles differ in what is left when its metadata isn't followed.

Profile 8 keeps a picture that any player shows (8.4, a phone's, is HLG), and is read as that picture. Profile 5 is IPTPQc2
throughout: without the metadata its colours are green and violet, and no tag of the stream says so.
"""

from dataclasses import dataclass
from pathlib import Path

from lyra_sim.errors import InputError

NO_BASE = (5, 10, 20)
"""Profiles (HEVC, AV1, MV-HEVC) whose picture stands alone for nobody where their compatibility is 0. Convention."""
CONVERT = "ffmpeg -i IN -vf libplacebo=colorspace=bt709:color_primaries=bt709:color_trc=bt709:format=yuv420p OUT.mp4"
"""Applies the metadata; needs an FFmpeg with libplacebo. Convention."""
MOST_HEADER = 1 << 24
"""Bytes of a header that are looked through. Convention."""

_CONFIGURATIONS = (b"dvcC", b"dvvC", b"dvwC")
"""Boxes of Dolby Vision in ISO files, and names of the same content in Matroska."""


@dataclass(frozen=True, kw_only=True)
class DolbyVision:
    """What a configuration record says."""

    profile: int
    compatibility: int
    """What the base layer is by itself: 0 nothing, 1 HDR10, 2 SDR, 4 HLG, 6 Blu-ray."""


def dolby_vision_of(file: Path) -> DolbyVision | None:
    """By the header of an MP4, MOV or Matroska file; None where it says nothing of it. Never raises on content."""
    header = _header(file)
    for name in _CONFIGURATIONS:
        at = header.find(name)
        while at >= 0:
            found = _record(header, at)
            if found is not None:
                return found
            at = header.find(name, at + 4)
    return None


def check_dolby_vision(file: Path) -> None:
    """Refuse what can't be shown without Dolby's metadata.

    Raises:
        InputError: The base layer is IPTPQc2.
    """
    found = dolby_vision_of(file)
    if found is not None and found.profile in NO_BASE and found.compatibility == 0:
        raise InputError(
            str(file),
            f"Dolby Vision profile {found.profile}, whose picture is IPTPQc2 and has no compatible base layer",
            expected="SDR, HLG, PQ, or Dolby Vision with such a base layer (profile 8)",
            next_step=CONVERT,
        )


def _record(header: bytes, at: int) -> DolbyVision | None:
    """The record after a name: in Matroska the identifier of its content and a length of one or two bytes come between."""
    for skip in (4, *range(6, 12)):
        record = header[at + skip : at + skip + 24]
        if len(record) >= 5 and record[0] in (1, 2, 3) and record[1] == 0 and 0 < record[2] >> 1 <= 20 and record[3] & 4:
            return DolbyVision(profile=record[2] >> 1, compatibility=record[4] >> 4)
    return None


def _header(file: Path) -> bytes:
    """The movie box of an ISO file, wherever it lies; else the file's beginning."""
    with file.open("rb") as stream:
        if stream.read(4) == b"\x1aE\xdf\xa3":
            return stream.read(1 << 20)
        at, end = 0, file.stat().st_size
        while at + 8 <= end:
            stream.seek(at)
            head = stream.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            elif size == 0:
                size = end - at
            if kind == b"moov":
                stream.seek(at)
                return stream.read(min(size, MOST_HEADER))
            if size < 8:
                break
            at += size
    return b""
