"""Frames and cameras with times of their own: pairs by time as TUM's tool makes them, cameras between two moments."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation, Slerp

from lyra_sim.capture.cameras.camera_files import SAME_MOMENT, seconds_of

MOST_PAIRS = 5_000_000
"""Of moments near enough to one another that are compared; a thousand times what a recording has. Convention."""


def times_of(stems: Sequence[str]) -> Float64[np.ndarray, "n"] | None:
    """What the stems state [s]; None unless each of them is a time: digits with a point."""
    found = [seconds_of(stem) for stem in stems]
    return None if None in found or not found else np.array(found, np.float64)


def pair_by_time(first: Float64[np.ndarray, "n"], second: Float64[np.ndarray, "m"]) -> list[int | None]:
    """Which of ``second`` belongs to each of ``first``: nearest pairs first, each used once, at most ``SAME_MOMENT`` apart.

    The rule of TUM's ``associate.py`` (Sturm et al. 2012).
    """
    order = np.argsort(second, kind="stable")
    low = np.searchsorted(second[order], first - SAME_MOMENT, side="left")
    high = np.searchsorted(second[order], first + SAME_MOMENT, side="right")
    high = np.minimum(high, low + max(1, MOST_PAIRS // max(len(first), 1)))
    pairs = [(abs(first[i] - second[order[k]]), i, int(order[k])) for i in range(len(first)) for k in range(low[i], high[i])]
    found: list[int | None] = [None] * len(first)
    taken: set[int] = set()
    for _, mine, theirs in sorted(pairs):
        if found[mine] is None and theirs not in taken:
            found[mine] = theirs
            taken.add(theirs)
    return found


def cameras_at(
    times: Float64[np.ndarray, "n"], moments: Float64[np.ndarray, "c"], c2w: Float64[np.ndarray, "c 4 4"]
) -> tuple[list[int], Float64[np.ndarray, "k 4 4"]]:
    """Which of ``times`` [s] have a camera, and that camera.

    Between two moments that both lie within ``SAME_MOMENT`` the camera is put in between (position straight, rotation along
    the shortest arc); else the nearest within ``SAME_MOMENT`` is taken as it is.

    Args:
        times: Of the images.
        moments: Of the cameras, in any order; of two at one moment the first counts.
        c2w: The cameras, with exact rotations.
    """
    moments, first = np.unique(moments, return_index=True)
    c2w = c2w[first]
    after = np.searchsorted(moments, times)
    left, right = np.clip(after - 1, 0, len(moments) - 1), np.clip(after, 0, len(moments) - 1)
    near_left, near_right = np.abs(times - moments[left]), np.abs(moments[right] - times)
    kept, cameras = [], []
    for index, time in enumerate(times):
        a, b = int(left[index]), int(right[index])
        if a != b and max(near_left[index], near_right[index]) <= SAME_MOMENT:
            cameras.append(_between(c2w[a], c2w[b], float((time - moments[a]) / (moments[b] - moments[a]))))
        elif min(near_left[index], near_right[index]) <= SAME_MOMENT:
            cameras.append(c2w[a if near_left[index] <= near_right[index] else b])
        else:
            continue
        kept.append(index)
    return kept, np.array(cameras, np.float64).reshape(-1, 4, 4)


def _between(a: Float64[np.ndarray, "4 4"], b: Float64[np.ndarray, "4 4"], share: float) -> Float64[np.ndarray, "4 4"]:
    camera = np.eye(4)
    camera[:3, :3] = Slerp([0.0, 1.0], Rotation.from_matrix(np.stack([a[:3, :3], b[:3, :3]])))([share]).as_matrix()[0]
    camera[:3, 3] = (1 - share) * a[:3, 3] + share * b[:3, 3]
    return camera
