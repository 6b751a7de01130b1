"""What kind of video a file is, by its first bytes; told without PyAV, which not every installation has."""

from pathlib import Path

CONTAINERS = {"mov": "MP4 or MOV", "matroska": "Matroska or WebM", "avi": "AVI"}
"""What is read, by FFmpeg's name."""
_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def container_of(file: Path) -> str | None:
    """FFmpeg's name of the container by its first bytes; None when it isn't one we read."""
    with file.open("rb") as stream:
        head = stream.read(16)
    if head[4:8] in _MOV_ATOMS:
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    return "avi" if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None
