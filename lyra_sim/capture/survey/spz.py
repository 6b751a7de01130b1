"""SPZ, Niantic's packed splats: gzip around a header of 16 bytes and one array of bytes for every property.

Versions 2 and 3 differ in how rotations are packed; version 1 was never released, version 4 is Zstandard and isn't read.
Layout as published with the format's reference library (MIT): positions are 24-bit fixed point, opacities the activated value
in a byte, colours 0.15 of the DC coefficient around the middle of a byte, scales sixteenths of the natural log from -10 on,
harmonics bytes around 128, coefficient by coefficient with its three channels side by side.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.data.splats import Splats
from lyra_sim.errors import InputError

MAGIC = 0x5053474E
"""``NGSP``. Convention."""
HEADER = struct.Struct("<IIIBBBB")
VERSIONS = (2, 3)
"""Of the format that are read. Convention."""
MOST_SPLATS = 20_000_000
"""A header that claims more is refused before anything is unpacked. Convention."""
COLOUR_SCALE = 0.15
"""The format stores colours over this. Convention."""
CHUNK = 1 << 20
"""Bytes unpacked at once. Convention."""
REST = {0: 0, 1: 3, 2: 8, 3: 15}
"""Coefficients beyond DC, by degree."""


def read_spz(path: Path) -> Splats:
    """Splats of an SPZ file, in its own frame (right, up, back by convention) and unit.

    No more is ever unpacked than the header's own count asks for: a bomb costs nothing.

    Raises:
        InputError: Not SPZ, of another version, cut off, or with more data than it declares.
    """
    with path.open("rb") as stream:
        return _unpacked(stream.read(), str(path))


def _unpacked(packed: bytes, subject: str) -> Splats:
    stream = zlib.decompressobj(wbits=31)
    head = _inflated(stream, packed, HEADER.size, subject)
    magic, version, count, degree, fractional_bits, _, _ = HEADER.unpack(head)
    if magic != MAGIC:
        raise InputError(
            subject, "gzip, but not SPZ inside", expected="an SPZ file", likely="A compressed file of another kind."
        )
    if version not in VERSIONS:
        raise InputError(
            subject,
            f"SPZ version {version}",
            expected=" or ".join(map(str, VERSIONS)),
            next_step="Convert it to a 3DGS PLY.",
        )
    if not 0 < count <= MOST_SPLATS:
        raise InputError(subject, f"it claims {count} splats", expected=f"1 to {MOST_SPLATS}")
    if degree not in REST or fractional_bits > 23:
        raise InputError(
            subject,
            f"it claims SH degree {degree} and {fractional_bits} fractional bits",
            expected="degree 0 to 3, at most 23 bits",
            likely="The file is damaged.",
        )
    widths = (9, 1, 3, 3, 3 if version == 2 else 4, 3 * REST[degree])
    body = _inflated(stream, stream.unconsumed_tail, count * sum(widths), subject)
    if stream.decompress(stream.unconsumed_tail, 1):
        raise InputError(subject, "more data than its header declares", expected=f"{count} splats", likely="It is damaged.")
    if not stream.eof:
        raise InputError(subject, "it ends before its checksum", expected="a whole SPZ file", likely="It is truncated.")
    parts = np.split(np.frombuffer(body, np.uint8), np.cumsum(np.array(widths) * count)[:-1])
    positions, alphas, colours, scales, rotations, rest = parts
    dc = ((colours.reshape(count, 1, 3) / np.float32(255)) - np.float32(0.5)) / np.float32(COLOUR_SCALE)
    higher = (rest.reshape(count, REST[degree], 3).astype(np.float32) - 128) / np.float32(128)
    opacity = np.clip(alphas.astype(np.float32) / np.float32(255), 1 / 510, 1 - 1 / 510)  # a byte's ends are not endless
    return Splats(
        means=_positions(positions.reshape(count, 3, 3), fractional_bits),
        quats_wxyz=_first_three(rotations.reshape(count, 3)) if version == 2 else _smallest_three(rotations.reshape(count, 4)),
        log_scales=scales.reshape(count, 3).astype(np.float32) / 16 - 10,
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
        sh_coeffs=np.concatenate([dc.astype(np.float32), higher], axis=1),
    )


def _inflated(stream: "zlib._Decompress", packed: bytes, size: int, subject: str) -> bytes:
    """Exactly ``size`` unpacked bytes."""
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
        raise InputError(
            subject, f"not gzip ({error})", expected="an SPZ file", likely="It is damaged, or a PLY or another format."
        ) from error
    return b"".join(parts)


def _positions(packed: UInt8[np.ndarray, "n 3 3"], fractional_bits: int) -> Float32[np.ndarray, "n 3"]:
    wide = packed.astype(np.int32)
    value = wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16
    value = np.where(value >= 1 << 23, value - (1 << 24), value)
    return (value / np.float64(1 << fractional_bits)).astype(np.float32)


def _first_three(packed: UInt8[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 4"]:
    """Version 2: x, y, z in a byte each; w is what is left, and not negative."""
    xyz = packed.astype(np.float32) / np.float32(127.5) - 1
    w = np.sqrt(np.maximum(1 - (xyz**2).sum(axis=1, keepdims=True), 0))
    return _unit(np.concatenate([w, xyz], axis=1))


def _smallest_three(packed: UInt8[np.ndarray, "n 4"]) -> Float32[np.ndarray, "n 4"]:
    """Version 3: which of x, y, z, w is largest in the two highest bits; the others as sign and nine bits, the last lowest."""
    word = packed.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16, 1 << 24], np.uint32)
    largest = (word >> 30).astype(np.int64)
    xyzw, rows = np.zeros((len(word), 4), np.float64), np.arange(len(word))
    for axis in (3, 2, 1, 0):
        here = largest != axis
        value = (word & 511).astype(np.float64) * np.sqrt(0.5) / 511
        value = np.where((word >> 9) & 1, -value, value)
        xyzw[here, axis] = value[here]
        word = np.where(here, word >> 10, word).astype(np.uint32)
    xyzw[rows, largest] = np.sqrt(np.maximum(1 - (xyzw**2).sum(axis=1), 0))
    return _unit(xyzw[:, [3, 0, 1, 2]].astype(np.float32))


def _unit(quats: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, "n 4"]:
    length = np.linalg.norm(quats, axis=1, keepdims=True)
    return np.where(length > 1e-6, quats / np.maximum(length, 1e-6), np.array([1, 0, 0, 0], np.float32)).astype(np.float32)
