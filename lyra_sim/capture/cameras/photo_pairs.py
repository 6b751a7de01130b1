"""Which photos are compared: all with all while that is affordable, else neighbours in order and look-alikes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

ALL_PAIRS_UP_TO = 150
"""Photos of which every pair is compared; a pair costs up to 45 ms on two cores. Convention."""
NEIGHBOURS = 10
"""Photos before and after that are compared beyond that number … Convention."""
DOUBLINGS = 9
"""… then those 20, 40, 80 … places away, 10 · 2 ** 9 at the most, as COLMAP's quadratic overlap does … Convention."""
LOOK_ALIKES = 12
"""… and as many of the others that look most alike, which closes loops. Of the pairs further apart than ``NEIGHBOURS`` that
share 30 verified matches this finds 39 of 48 in a rendered house and 127 of 135 in a warehouse. Tuned on the AWS worlds."""
_LARGEST = 100
"""Features that look-alikes are told by: the largest, which a change of distance spares. Tuned, unrecorded."""
_RATIO = 0.8
"""A feature votes for a photo when its nearest there is nearer than this times its second nearest (Lowe 2004). Convention."""


def photo_pairs(
    descriptors: Sequence[UInt8[np.ndarray, "_ 128"]], scales: Sequence[Float32[np.ndarray, "_"]]
) -> list[tuple[int, int]]:
    """Pairs (i < j), sorted.

    Look-alikes are found without a vocabulary, which would have to be downloaded: a few features of every photo are
    compared with those of every other.

    Args:
        descriptors: SIFT descriptors of every photo, in the order of the walk.
        scales: Size of each feature [px].
    """
    count = len(descriptors)
    if count <= ALL_PAIRS_UP_TO:
        return [(i, j) for i in range(count) for j in range(i + 1, count)]
    offsets = sorted({*range(1, NEIGHBOURS + 1), *(NEIGHBOURS * 2**power for power in range(1, DOUBLINGS + 1))})
    pairs = {(i, i + offset) for offset in offsets for i in range(count - offset)}
    votes = _votes(descriptors, scales)
    votes = votes + votes.T
    for i in range(count):
        votes[i, max(0, i - NEIGHBOURS) : i + NEIGHBOURS + 1] = 0
        best = np.argsort(-votes[i], kind="stable")[:LOOK_ALIKES]
        pairs |= {(min(i, int(j)), max(i, int(j))) for j in best if votes[i, j] > 0}
    return sorted(pairs)


def _votes(
    descriptors: Sequence[UInt8[np.ndarray, "_ 128"]], scales: Sequence[Float32[np.ndarray, "_"]]
) -> Float32[np.ndarray, "n n"]:
    """Features of photo i that have one clear counterpart in photo j."""
    unit = np.zeros((len(descriptors), _LARGEST, 128), np.float32)
    for index, (rows, size) in enumerate(zip(descriptors, scales, strict=True)):
        largest = rows[np.argsort(-size, kind="stable")[:_LARGEST]].astype(np.float32)
        unit[index, : len(largest)] = largest / np.maximum(np.linalg.norm(largest, axis=1, keepdims=True), 1e-9)
    votes = np.zeros((len(unit), len(unit)), np.float32)
    for i in range(len(unit)):
        cosine = np.einsum("fd,njd->nfj", unit[i], unit, optimize=True)
        second, first = np.moveaxis(np.partition(cosine, -2, axis=-1)[..., -2:], -1, 0)
        angle_of_first, angle_of_second = (np.arccos(np.clip(one, -1, 1)) for one in (first, second))
        votes[i] = (angle_of_first < _RATIO * angle_of_second).sum(axis=1)
    return votes
