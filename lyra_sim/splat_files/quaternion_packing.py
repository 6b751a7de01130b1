"""Rotations in few bytes, as splat formats pack them; all arrays are unit quaternions, scalar first.

``first three``: x, y, z in a byte each, and w is what is left. Where w is small, an error of half a step in the others becomes
a large one in w: the formats that came after leave out the largest of the four instead, never a small one.
"""

import numpy as np
from jaxtyping import Float32, UInt8, UInt32

Quats = Float32[np.ndarray, "n 4"]


def first_three(packed: UInt8[np.ndarray, "n 3"]) -> Quats:
    """SPZ 2."""
    xyz = packed.astype(np.float32) / np.float32(127.5) - 1
    w = np.sqrt(np.maximum(1 - (xyz**2).sum(axis=1, keepdims=True), 0))
    return unit(np.concatenate([w, xyz], axis=1))


def packed_first_three(quats_wxyz: Quats) -> UInt8[np.ndarray, "n 3"]:
    """SPZ 2."""
    towards = np.where(quats_wxyz[:, :1] < 0, -1, 1) * quats_wxyz[:, 1:].astype(np.float64)
    return np.clip(np.round((towards + 1) * 127.5), 0, 255).astype(np.uint8)


def smallest_three(packed: UInt8[np.ndarray, "n 4"]) -> Quats:
    """SPZ 3 and 4: the highest two bits tell which of x, y, z, w is largest; the others are sign and nine bits each."""
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
    return unit(xyzw[:, [3, 0, 1, 2]].astype(np.float32))


def packed_smallest_three(quats_wxyz: Quats) -> UInt8[np.ndarray, "n 4"]:
    """SPZ 3 and 4."""
    xyzw, largest = _largest_positive(quats_wxyz[:, [1, 2, 3, 0]])
    word = largest.astype(np.uint32)
    for axis in range(4):
        value = xyzw[:, axis]
        nine = np.minimum(np.round(np.abs(value) / np.sqrt(0.5) * 511), 511).astype(np.uint32)
        word = np.where(largest != axis, word << 10 | (value < 0).astype(np.uint32) << 9 | nine, word)
    return np.ascontiguousarray(word, "<u4").view(np.uint8).reshape(-1, 4)


def ten_bits(packed: UInt32[np.ndarray, "n"]) -> Quats:
    """SuperSplat's compressed PLY: which of w, x, y, z is largest in two bits, the others in ten each, the first highest."""
    rest = np.stack([(packed >> shift & 1023) for shift in (20, 10, 0)], axis=1) / 1023
    return _with_largest((rest - 0.5) * np.sqrt(2), (packed >> 30).astype(np.int64))


def packed_ten_bits(quats_wxyz: Quats) -> UInt32[np.ndarray, "n"]:
    """SuperSplat's compressed PLY."""
    wxyz, largest = _largest_positive(quats_wxyz)
    rest = np.clip(np.round((_without(wxyz, largest) / np.sqrt(2) + 0.5) * 1023), 0, 1023).astype(np.uint32)
    return (largest.astype(np.uint32) << 30) | rest[:, 0] << 20 | rest[:, 1] << 10 | rest[:, 2]


def tagged_bytes(packed: UInt8[np.ndarray, "n 4"]) -> Quats:
    """SOG: three of w, x, y, z in a byte each, and 252 + which is missing. Another tag gives NaN, for the row is damaged."""
    tag = packed[:, 3].astype(np.int64) - 252
    quats = _with_largest((packed[:, :3] / 255 - 0.5) * np.sqrt(2), np.maximum(tag, 0))
    return np.where(tag[:, None] >= 0, quats, np.float32(np.nan))


def packed_tagged_bytes(quats_wxyz: Quats) -> UInt8[np.ndarray, "n 4"]:
    """SOG."""
    wxyz, largest = _largest_positive(quats_wxyz)
    rest = np.clip(np.round((_without(wxyz, largest) / np.sqrt(2) + 0.5) * 255), 0, 255)
    return np.concatenate([rest, largest[:, None] + 252], axis=1).astype(np.uint8)


def four_bytes(packed: UInt8[np.ndarray, "n 4"]) -> Quats:
    """``.splat``: w, x, y, z in a byte each around 128; all at 128 is no rotation and stays zero."""
    return (packed.astype(np.float32) - 128) / np.float32(128)


def packed_four_bytes(quats_wxyz: Quats) -> UInt8[np.ndarray, "n 4"]:
    """``.splat``."""
    return np.clip(np.round(quats_wxyz * np.float32(128) + 128), 0, 255).astype(np.uint8)


def unit(quats: Quats) -> Quats:
    """Of length one; zero becomes no turn."""
    length = np.linalg.norm(quats, axis=1, keepdims=True)
    return np.where(length > 1e-6, quats / np.maximum(length, 1e-6), np.array([1, 0, 0, 0], np.float32)).astype(np.float32)


def _largest_positive(quats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same rotations with their largest component positive, and which that is."""
    largest = np.abs(quats).argmax(axis=1)
    picked = quats[np.arange(len(quats)), largest]
    return quats.astype(np.float64) * np.where(picked < 0, -1, 1)[:, None], largest


def _without(quats: np.ndarray, largest: np.ndarray) -> np.ndarray:
    return quats[np.arange(4)[None, :] != largest[:, None]].reshape(-1, 3)


def _with_largest(rest: np.ndarray, largest: np.ndarray) -> Quats:
    quats = np.zeros((len(rest), 4))
    quats[np.arange(4)[None, :] != largest[:, None]] = rest.ravel()
    quats[np.arange(len(rest)), largest] = np.sqrt(np.maximum(1 - (rest**2).sum(axis=1), 0))
    return unit(quats.astype(np.float32))
