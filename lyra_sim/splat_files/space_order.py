"""An order in which what is near in space is near in the file."""

import numpy as np
from jaxtyping import Float32, Int64


def space_order(means: Float32[np.ndarray, "n 3"]) -> Int64[np.ndarray, "n"]:
    """Rows by their place on a Z-order curve (Morton 1966) of 2^21 steps an axis."""
    low, high = means.min(axis=0).astype(np.float64), means.max(axis=0).astype(np.float64)
    steps = ((means - low) / np.maximum(high - low, 1e-30) * ((1 << 21) - 1)).astype(np.uint64)
    code = np.zeros(len(means), np.uint64)
    for axis in range(3):
        code |= _spread(steps[:, axis]) << np.uint64(axis)
    return np.argsort(code, kind="stable")


def _spread(value: np.ndarray) -> np.ndarray:
    """21 bits with two zeros between them."""
    for shift, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        value = (value | value << np.uint64(shift)) & np.uint64(mask)
    return value
