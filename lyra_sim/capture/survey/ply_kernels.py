"""Where the lists of a PLY element begin: rows are as long as their lists, so each has to be looked at."""

import numba
import numpy as np
from jaxtyping import Int64, UInt8


@numba.njit(cache=True, nogil=True)
def list_spans(
    data: UInt8[np.ndarray, "n"],
    rows: int,
    sizes: Int64[np.ndarray, "p"],
    counters: Int64[np.ndarray, "p"],
    big_endian: bool,
    starts: Int64[np.ndarray, "r p"],
    lengths: Int64[np.ndarray, "r p"],
) -> int:
    """Start [byte] and length [items] of every property in every row; the end of the last row, or -1 past the data's end.

    Args:
        data: The element and what follows it.
        rows: Of the element.
        sizes: Bytes of an item of each property.
        counters: Bytes of a list's unsigned count; 0: no list, one item.
        big_endian: Byte order of the counts.
        starts: Filled.
        lengths: Filled.
    """
    at = 0
    for row in range(rows):
        for k in range(len(sizes)):
            length = np.int64(1)
            if counters[k]:
                if at + counters[k] > len(data):
                    return -1
                length = np.int64(0)
                for byte in range(counters[k]):
                    where = at + byte if big_endian else at + counters[k] - 1 - byte
                    length = (length << 8) | np.int64(data[where])
                at += counters[k]
            starts[row, k], lengths[row, k] = at, length
            at += length * sizes[k]
            if at > len(data):
                return -1
    return at
