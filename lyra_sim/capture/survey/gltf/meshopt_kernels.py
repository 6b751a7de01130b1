"""Decoding of meshopt streams, byte by byte (glTF extension EXT_meshopt_compression, appendix A).

Every read is checked against the stream's end. A kernel returns how many bytes it used, or -1 where the stream is wrong.
"""

import numba
import numpy as np
from jaxtyping import Int64, UInt8, UInt32

GROUP = 16
"""Elements whose deltas are stored together. Convention."""
BLOCK_BYTES, MOST_BLOCK = 8192, 256
"""Bytes, and elements, that a block of attributes holds at most. Convention."""
FIFO = 16
"""Entries of the edge and the vertex queue. Convention."""
NO_INDEX = 0xF
"""Nibble of an index that is written out. Convention."""


@numba.njit(cache=True, nogil=True)
def _unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


@numba.njit(cache=True, nogil=True)
def decode_attributes(stream: UInt8[np.ndarray, "s"], out: UInt8[np.ndarray, "n stride"]) -> int:
    """Mode 0. The stream's tail holds the element that the first delta refers to."""
    count, stride = out.shape
    tail = max(stride, 32)
    if len(stream) < 1 + tail or stream[0] != 0xA0:
        return -1
    end = len(stream) - tail
    last = stream[len(stream) - stride :].copy()
    most = min((BLOCK_BYTES // stride) & ~(GROUP - 1), MOST_BLOCK)
    deltas = np.zeros(GROUP, np.uint8)
    at, start = 1, 0
    while start < count:
        size = min(most, count - start)
        groups = (size + GROUP - 1) // GROUP
        for byte in range(stride):
            header = at
            at += (groups + 3) // 4
            if at > end:
                return -1
            before = np.int64(last[byte])
            for group in range(groups):
                kind = (stream[header + group // 4] >> (2 * (group % 4))) & 3
                if kind == 0:
                    deltas[:] = 0
                elif kind == 3:
                    if at + GROUP > end:
                        return -1
                    deltas[:] = stream[at : at + GROUP]
                    at += GROUP
                else:
                    bits = 2 * kind
                    per_byte = 8 // bits
                    sentinel = (1 << bits) - 1
                    packed = at
                    at += GROUP // per_byte
                    if at > end:
                        return -1
                    for k in range(GROUP):
                        value = (stream[packed + k // per_byte] >> (8 - bits * (k % per_byte + 1))) & sentinel
                        if value == sentinel:
                            if at >= end:
                                return -1
                            value = stream[at]
                            at += 1
                        deltas[k] = value
                for k in range(min(GROUP, size - group * GROUP)):
                    before = (before + _unzigzag(int(deltas[k]))) & 0xFF
                    out[start + group * GROUP + k, byte] = before
            last[byte] = before
        start += size
    return at + tail


@numba.njit(cache=True, nogil=True)
def _varint(stream: UInt8[np.ndarray, "s"], state: Int64[np.ndarray, "4"]) -> int:
    """LEB128 at ``state[0]``, which moves on; ``state[3]`` becomes 1 at the stream's end or after more than 5 bytes."""
    value = 0
    for shift in range(0, 35, 7):
        if state[0] >= len(stream):
            break
        byte = int(stream[state[0]])
        state[0] += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFF
    state[3] = 1
    return 0


@numba.njit(cache=True, nogil=True)
def _index(stream: UInt8[np.ndarray, "s"], state: Int64[np.ndarray, "4"]) -> int:
    """An index as its difference from ``state[1]``, the last one that was told so."""
    value = (int(state[1]) + _unzigzag(_varint(stream, state))) & 0xFFFFFFFF
    state[1] = value
    return value


@numba.njit(cache=True, nogil=True)
def decode_triangles(stream: UInt8[np.ndarray, "s"], out: UInt32[np.ndarray, "t 3"]) -> int:
    """Mode 1: a code byte a triangle, which names an edge and a vertex met lately, or new ones."""
    count = len(out)
    if len(stream) < 1 + count + FIFO or stream[0] != 0xE1:
        return -1
    table = stream[len(stream) - FIFO :]
    data = stream[: len(stream) - FIFO]
    edges = np.zeros((FIFO, 2), np.int64)
    vertices = np.zeros(FIFO, np.int64)
    edge_at, vertex_at, following = 0, 0, 0
    state = np.zeros(4, np.int64)  # position in the data, last explicit index, unused, whether the stream broke
    state[0] = 1 + count
    for t in range(count):
        code = np.int64(data[1 + t])
        high, low = code >> 4, code & 15
        if high < 15:
            a, b = edges[(edge_at - 1 - high) % FIFO]
            fresh = True
            if low == 0:
                c = following
                following += 1
            elif low < 13:
                c = vertices[(vertex_at - 1 - low) % FIFO]
                fresh = False
            elif low < 15:
                state[1] = (state[1] + (-1 if low == 13 else 1)) & 0xFFFFFFFF
                c = state[1]
            else:
                c = _index(data, state)
            if fresh:
                vertices[vertex_at % FIFO] = c
                vertex_at += 1
        else:
            if low < 14:
                pair = np.int64(table[low])
            else:
                if state[0] >= len(data):
                    return -1
                pair = np.int64(data[state[0]])
                state[0] += 1
                if pair == 0:
                    following = 0
            z, w = pair >> 4, pair & 15
            explicit = low >= 14
            if low == 15:
                a = _index(data, state)
            else:
                a = following
                following += 1
            if z == 0:
                b = following
                following += 1
            elif z == NO_INDEX and explicit:
                b = _index(data, state)
            else:
                b = vertices[(vertex_at - z) % FIFO]
            if w == 0:
                c = following
                following += 1
            elif w == NO_INDEX and explicit:
                c = _index(data, state)
            else:
                c = vertices[(vertex_at - w) % FIFO]
            edges[edge_at % FIFO, 0], edges[edge_at % FIFO, 1] = b, a
            edge_at += 1
            vertices[vertex_at % FIFO] = a
            vertex_at += 1
            if z == 0 or (z == NO_INDEX and explicit):
                vertices[vertex_at % FIFO] = b
                vertex_at += 1
            if w == 0 or (w == NO_INDEX and explicit):
                vertices[vertex_at % FIFO] = c
                vertex_at += 1
        if state[3]:
            return -1
        edges[edge_at % FIFO, 0], edges[edge_at % FIFO, 1] = c, b
        edge_at += 1
        edges[edge_at % FIFO, 0], edges[edge_at % FIFO, 1] = a, c
        edge_at += 1
        out[t, 0], out[t, 1], out[t, 2] = a, b, c
    return state[0] + FIFO


@numba.njit(cache=True, nogil=True)
def decode_indices(stream: UInt8[np.ndarray, "s"], out: UInt32[np.ndarray, "n"]) -> int:
    """Mode 2: differences from one of two running values."""
    if len(stream) < 1 + len(out) + 4 or stream[0] != 0xD1:
        return -1
    data = stream[: len(stream) - 4]
    state = np.zeros(4, np.int64)
    state[0] = 1
    last = np.zeros(2, np.int64)
    for k in range(len(out)):
        value = _varint(data, state)
        if state[3]:
            return -1
        which = value & 1
        last[which] = (last[which] + _unzigzag(value >> 1)) & 0xFFFFFFFF
        out[k] = last[which]
    return state[0] + 4
