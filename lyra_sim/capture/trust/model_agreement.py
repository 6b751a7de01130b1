"""Where two models of the same photos agree: what two mappers make of the same matches is hardly wrong in the same way."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.data.posed import PosedPhotos

CLOSE = 0.04
"""Centres agree within this share of the models' extent. Measured: right models of one set agree to 0.001 to 0.02.
Tuned on the photo sets."""
CLOSE_ROTATION = np.radians(12.0)
"""Cameras agree when they look the same way within this [radians]. Tuned on the photo sets."""
LEAST_COMMON = 5
"""Photos two models must share to be compared. Convention."""
TRIES = 2000
"""Pairs of photos at most that a similarity is made from. Convention."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two models after the similarity under which most of their cameras coincide."""

    same: tuple[str, ...]
    """Photos that lie and look alike in both."""
    differ: tuple[str, ...]
    """Photos of both that don't: at least one of the models is wrong there."""
    rms: float
    """Root mean square distance of those that lie alike, as a share of the extent."""


def agreement(a: PosedPhotos, b: PosedPhotos, *, seed: int = 0) -> Agreement | None:
    """Compare two models by the photos they share; None when those are too few.

    Every pair of common photos proposes a similarity, rotation from one and scale from the two; the one most cameras
    agree with counts (Fischler and Bolles 1981).
    """
    of_b = {name: index for index, name in enumerate(b.names)}
    common = [name for name in a.names if name in of_b]
    if len(common) < LEAST_COMMON:
        return None
    rows_a = [index for index, name in enumerate(a.names) if name in of_b]
    c2w_a, c2w_b = a.c2w[rows_a], b.c2w[[of_b[name] for name in common]]
    same, rms = _consensus(c2w_a, c2w_b, seed)
    return Agreement(
        same=tuple(name for name, one in zip(common, same, strict=True) if one),
        differ=tuple(name for name, one in zip(common, same, strict=True) if not one),
        rms=rms,
    )


def _consensus(
    c2w_a: Float64[np.ndarray, "n 4 4"], c2w_b: Float64[np.ndarray, "n 4 4"], seed: int
) -> tuple[Bool[np.ndarray, "n"], float]:
    """Cameras that coincide under the best similarity, and how closely."""
    count = len(c2w_a)
    first, second = np.nonzero(~np.eye(count, dtype=bool))
    if len(first) > TRIES:
        picked = np.random.default_rng(seed).choice(len(first), TRIES, replace=False)
        first, second = first[picked], second[picked]
    x, y = c2w_b[:, :3, 3], c2w_a[:, :3, 3]
    turn = c2w_a[:, :3, :3] @ np.swapaxes(c2w_b[:, :3, :3], 1, 2)  # a_from_b as every camera sees it
    span_b = np.linalg.norm(x[second] - x[first], axis=1)
    span_a = np.linalg.norm(y[second] - y[first], axis=1)
    usable = (span_b > 1e-9 * span_b.max(initial=0)) & (span_a > 1e-9 * span_a.max(initial=0))
    first, scale = first[usable], (span_a / np.where(span_b > 0, span_b, 1))[usable]
    best, least, votes = np.zeros(count, bool), np.inf, -1
    cosines = (np.einsum("hij,kij->hk", turn, turn) - 1) / 2 > np.cos(CLOSE_ROTATION)
    extent_a, extent_b = (float(np.linalg.norm(np.ptp(centres, axis=0))) for centres in (y, x))
    for anchor, times in zip(first.tolist(), scale.tolist(), strict=True):
        away = np.linalg.norm(times * ((x - x[anchor]) @ turn[anchor].T) + y[anchor] - y, axis=1)
        extent = min(extent_a, times * extent_b)
        same = (away < CLOSE * extent) & cosines[anchor]
        spread = float(np.sqrt(np.mean(away[same] ** 2))) / extent
        if same.sum() > votes or (same.sum() == votes and spread < least):
            best, least, votes = same, spread, int(same.sum())
    return best, least
