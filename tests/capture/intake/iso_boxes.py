"""Boxes put into MP4 files that a muxer wrote, where PyAV has no way to ask for them."""

from pathlib import Path

ENTRY_HEADER = {b"stsd": 8, b"hvc1": 78, b"hev1": 78, b"avc1": 78}
"""Bytes between a box's header and the boxes in it."""


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def with_box(data: bytes, path: list[bytes], new: bytes) -> bytes:
    """``new`` as the last box inside the first box of each name in turn; media data must lie before ``moov``."""
    parts, at = [], 0
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        part = data[at : at + size]
        if path and kind == path[0]:
            head = 8 + ENTRY_HEADER.get(kind, 0)
            inner = with_box(part[head:], path[1:], new) if len(path) > 1 else part[head:] + new
            part, path = (head + len(inner)).to_bytes(4, "big") + part[4:head] + inner, []
        parts.append(part)
        at += size
    assert not path, f"no box {path}"
    return b"".join(parts)


TRACK = [b"moov", b"trak"]
HEVC_ENTRY = [*TRACK, b"mdia", b"minf", b"stbl", b"stsd", b"hev1"]


def add_box(file: Path, path: list[bytes], new: bytes) -> None:
    data = file.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov"), "offsets of media data would move"
    file.write_bytes(with_box(data, path, new))


def dolby_vision(profile: int, compatibility: int) -> bytes:
    """Configuration record: version 1.0, level 6, RPU and base layer present."""
    name = b"dvcC" if profile <= 7 else b"dvvC"
    return box(name, bytes([1, 0, profile << 1, 6 << 3 | 5, compatibility << 4]) + bytes(19))


def spherical(projection: bytes = b"equi") -> bytes:
    """Google's Spherical Video V2: sv3d with the projection's own box."""
    svhd = box(b"svhd", bytes(4) + b"maker\0")
    header = box(b"prhd", bytes(16))
    own = box(projection, bytes(4) + (bytes(16) if projection == b"equi" else bytes(8)))
    return box(b"st3d", bytes(5)) + box(b"sv3d", svhd + box(b"proj", header + own))


SPHERICAL_V1 = box(
    b"uuid",
    bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
    + b'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    b'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"><GSpherical:Spherical>true</GSpherical:Spherical>'
    b"<GSpherical:Stitched>true</GSpherical:Stitched><GSpherical:StitchingSoftware>maker</GSpherical:StitchingSoftware>"
    b"<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType></rdf:SphericalVideo>",
)
"""Version 1, as YouTube's injector writes it."""
