"""SPZ, Niantic's packed splats: a header and one array of bytes for every property.

Versions 2 and 3 are one gzip stream around a header of 16 bytes and differ in how rotations are packed; version 4 has a plain
header of 32 bytes and a Zstandard frame for every array; version 1 was never released. Layout as published with the format's
reference library (MIT): positions are 24-bit fixed point, opacities the activated value in a byte, colours 0.15 of the DC
coefficient around the middle of a byte, scales sixteenths of the natural log from -10 on, harmonics bytes around 128,
coefficient by coefficient with its three channels side by side.

Nothing tells which frame is inside. The reference library speaks of right, up, back; the writers of four projects were seen to
copy positions, rotations and harmonics of the PLY untouched, whatever its frame; splat-transform turned them about x by 180° up
to version 2.7 and copies since version 3. So the scene says ``up``.
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.data.given import LeftOut
from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import beyond, check_count, inflated, unzstd
from lyra_sim.splat_files.opacity_bytes import bytes_of_logits, logits_of_bytes
from lyra_sim.splat_files.quaternion_packing import first_three, packed_first_three, packed_smallest_three, smallest_three
from lyra_sim.splat_files.raw_splats import RawSplats

MAGIC = 0x5053474E
"""``NGSP``. Convention."""
HEADER = struct.Struct("<IIIBBBB")
REST_OF_HEADER = struct.Struct("<I12x")
"""Of version 4: where its table of streams begins."""
STREAM = struct.Struct("<QQ")
"""Packed and unpacked bytes of a stream."""
VERSIONS = (2, 3, 4)
"""That are read and written. Convention."""
TURNED = "SPZ 2 turns splats by up to 12°: thin walls lean; versions 3 and 4 keep rotations to a quarter of a degree"
COLOUR_SCALE = 0.15
"""Of the DC coefficient, in shares of a byte. Convention."""
REST = {0: 0, 1: 3, 2: 8, 3: 15, 4: 24}
"""Coefficients beyond DC, by degree."""
ANTIALIASED, EXTENDED = 1, 2
"""Bits of the header's flags. Convention."""
MOST_EXTENSION = 1 << 20
"""Bytes of a vendor's own. Convention."""
MOST_POSITION = (1 << 23) - 1
"""Of the 24 bits. Derived."""
FINEST, COARSEST = 12, 0
"""Fractional bits that are written: steps of a quarter of a millimetre in metres; fewer where positions need the room.
Convention."""


def read_spz(path: Path) -> RawSplats:
    """Splats of an SPZ file, in whatever frame and unit its writer left them.

    No more is ever unpacked than the header's own count asks for: a bomb costs nothing.

    Raises:
        InputError: Not SPZ, of another version, cut off, or with more data than it declares.
    """
    packed = path.read_bytes()
    return _of_streams(packed, str(path)) if packed[:4] == b"NGSP" else _of_gzip(packed, str(path))


def write_spz(splats: Splats, path: Path, *, antialiased: bool | None, version: int = 3) -> None:
    """Splats as SPZ of a version; 2 turns thin splats by degrees and is for readers that know nothing newer.

    Raises:
        InputError: Positions reach farther than the format's 24 bits.
    """
    count = len(splats)
    reach = float(np.abs(splats.means).max(initial=0))
    fractional_bits = FINEST
    while reach * (1 << fractional_bits) > MOST_POSITION and fractional_bits > COARSEST:
        fractional_bits -= 1
    if reach * (1 << fractional_bits) > MOST_POSITION:
        raise InputError(str(path), f"a splat {reach:.3g} units away", expected=f"at most {MOST_POSITION:.3g} in SPZ")
    fixed = np.round(splats.means.astype(np.float64) * (1 << fractional_bits)).astype("<i4")
    pack = packed_first_three if version == 2 else packed_smallest_three
    arrays = [
        np.ascontiguousarray(fixed).view(np.uint8).reshape(count, 3, 4)[..., :3],
        bytes_of_logits(splats.opacity_logits),
        _byte((splats.sh_coeffs[:, 0] * COLOUR_SCALE + 0.5) * 255),
        _byte((splats.log_scales + 10) * 16),
        pack(splats.quats_wxyz),
        _byte(splats.sh_coeffs[:, 1:] * 128 + 128),
    ]
    bodies = [body for array in arrays if (body := np.ascontiguousarray(array).tobytes())]
    flags = ANTIALIASED if antialiased else 0
    if version < 4:
        head = HEADER.pack(MAGIC, version, count, splats.sh_degree, fractional_bits, flags, 0)
        path.write_bytes(gzip.compress(head + b"".join(bodies), 6, mtime=0))
        return
    import zstandard

    frames = [zstandard.ZstdCompressor(level=12).compress(body) for body in bodies]
    head = HEADER.pack(MAGIC, version, count, splats.sh_degree, fractional_bits, flags, len(frames))
    begin = HEADER.size + REST_OF_HEADER.size
    table = b"".join(STREAM.pack(len(frame), len(body)) for frame, body in zip(frames, bodies, strict=True))
    path.write_bytes(head + REST_OF_HEADER.pack(begin) + table + b"".join(frames))


def _of_gzip(packed: bytes, subject: str) -> RawSplats:
    stream = zlib.decompressobj(wbits=31)
    head = inflated(stream, packed, HEADER.size, subject)
    magic, version, count, degree, fractional_bits, flags, _ = HEADER.unpack(head)
    if magic != MAGIC:
        raise InputError(
            subject, "gzip, but not SPZ inside", expected="an SPZ file", likely="A compressed file of another kind."
        )
    _check(version, count, degree, fractional_bits, subject, versions=(2, 3))
    body = inflated(stream, stream.unconsumed_tail, count * sum(_widths(version, degree)), subject)
    more = beyond(stream, MOST_EXTENSION, subject)
    if more and (not flags & EXTENDED or stream.unconsumed_tail):
        raise InputError(subject, "more data than its header declares", expected=f"{count} splats", likely="It is damaged.")
    if not stream.eof:
        raise InputError(subject, "it ends before its checksum", expected="a whole SPZ file", likely="It is truncated.")
    parts = np.split(np.frombuffer(body, np.uint8), np.cumsum(np.array(_widths(version, degree)) * count)[:-1])
    return _unpacked(parts, version, count, degree, fractional_bits, flags, extension=len(more))


def _of_streams(packed: bytes, subject: str) -> RawSplats:
    whole = HEADER.size + REST_OF_HEADER.size
    if len(packed) < whole:
        raise InputError(subject, f"{len(packed)} bytes", expected="a whole SPZ file", likely="The file is truncated.")
    _, version, count, degree, fractional_bits, flags, streams = HEADER.unpack_from(packed)
    _check(version, count, degree, fractional_bits, subject, versions=(4,))
    (begin,) = REST_OF_HEADER.unpack_from(packed, HEADER.size)
    sizes = [width * count for width in _widths(version, degree) if width]
    at = begin + streams * STREAM.size
    if streams != len(sizes) or begin < whole or at > len(packed):
        raise InputError(
            subject, f"{streams} streams from byte {begin} on", expected=f"{len(sizes)} streams", likely="It is damaged."
        )
    parts = []
    for index, size in enumerate(sizes):
        length, unpacked = STREAM.unpack_from(packed, begin + index * STREAM.size)
        if unpacked != size:
            raise InputError(
                subject, f"a stream of {unpacked} bytes", expected=f"{size} for {count} splats", likely="The file is damaged."
            )
        if at + length > len(packed):
            raise InputError(
                subject,
                f"it ends {at + length - len(packed)} bytes early",
                expected="a whole SPZ file",
                likely="The file is truncated.",
            )
        parts.append(np.frombuffer(unzstd(packed[at : at + length], size, subject), np.uint8))
        at += length
    if at != len(packed):
        raise InputError(subject, f"{len(packed) - at} bytes after its streams", likely="The file is damaged.")
    if len(parts) == 5:
        parts.append(np.zeros(0, np.uint8))
    return _unpacked(parts, version, count, degree, fractional_bits, flags, extension=begin - whole)


def _check(version: int, count: int, degree: int, fractional_bits: int, subject: str, *, versions: tuple[int, ...]) -> None:
    if version not in versions:
        raise InputError(
            subject,
            f"SPZ version {version}" + (" in the container of another version" if version in VERSIONS else ""),
            expected="2 or 3 in gzip, 4 in Zstandard",
            next_step="Convert it to a 3DGS PLY with the tool it comes from.",
        )
    check_count(count, subject)
    if degree not in REST or fractional_bits > 23:
        raise InputError(
            subject,
            f"it claims SH degree {degree} and {fractional_bits} fractional bits",
            expected="degree 0 to 4, at most 23 bits",
            likely="The file is damaged.",
        )


def _widths(version: int, degree: int) -> tuple[int, ...]:
    """Bytes a splat of every array, in order."""
    return (9, 1, 3, 3, 3 if version == 2 else 4, 3 * REST[degree])


def _unpacked(
    parts: list[UInt8[np.ndarray, "_"]],
    version: int,
    count: int,
    degree: int,
    fractional_bits: int,
    flags: int,
    *,
    extension: int,
) -> RawSplats:
    positions, alphas, colours, scales, rotations, rest = parts
    dc = ((colours.reshape(count, 1, 3) / np.float32(255)) - np.float32(0.5)) / np.float32(COLOUR_SCALE)
    kept = rest.reshape(count, REST[degree], 3)[:, : REST[3]]
    higher = (kept.astype(np.float32) - 128) / np.float32(128)
    left_out = []
    if degree > 3:
        left_out.append(LeftOut(what="harmonics of degree 4", count=27, why="degree 3 is the highest that is drawn"))
    if extension:
        left_out.append(LeftOut(what="bytes of extensions", count=extension, why="they are a vendor's own"))
    return RawSplats(
        means=_positions(positions.reshape(count, 3, 3), fractional_bits),
        quats_wxyz=first_three(rotations.reshape(count, 3)) if version == 2 else smallest_three(rotations.reshape(count, 4)),
        log_scales=scales.reshape(count, 3).astype(np.float32) / 16 - 10,
        opacity_logits=logits_of_bytes(alphas),
        sh_coeffs=np.concatenate([dc.astype(np.float32), higher], axis=1),
        kind="SPZ",
        version=str(version),
        antialiased=bool(flags & ANTIALIASED),
        left_out=tuple(left_out),
        remarks=(TURNED,) if version == 2 else (),
    )


def _positions(packed: UInt8[np.ndarray, "n 3 3"], fractional_bits: int) -> Float32[np.ndarray, "n 3"]:
    wide = packed.astype(np.int32)
    value = wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16
    value = np.where(value >= 1 << 23, value - (1 << 24), value)
    return (value / np.float64(1 << fractional_bits)).astype(np.float32)


def _byte(values: np.ndarray) -> UInt8[np.ndarray, "..."]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
