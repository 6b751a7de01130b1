"""Splats cut into parts that each fit into a layer of limited size."""

import numpy as np

from lyra_sim.data.splats import Splats

MOST_LAYER_BYTES = (1 << 32) - (1 << 20)
"""Of a layer's arrays; the rest of 4 GiB is for what else is in it. Larger files fit no .usdz and many tools. Derived."""


def splat_bytes(splats: Splats, *, half: bool) -> int:
    """Stored size of one splat: position, orientation, scale, opacity, coefficients; positions are never halved."""
    others = 4 + 3 + 1 + 3 * splats.sh_coeffs.shape[1]
    return 12 + others * (2 if half else 4)


def partition(splats: Splats, most: int) -> tuple[Splats, ...]:
    """Parts of at most ``most`` splats, compact in space: halved across the longest side again and again (Bentley 1975).

    Compact, because a renderer culls and sorts field by field. All splats are kept, in their order within a part; the
    same splats give the same parts.
    """
    waiting, done = [np.arange(len(splats))], []
    while waiting:
        rows = waiting.pop()
        if len(rows) <= most:
            done.append(rows)
            continue
        longest = int(np.ptp(splats.means[rows], axis=0).argmax())
        order = rows[np.argsort(splats.means[rows, longest], kind="stable")]
        pieces = -(-len(rows) // most)
        cut = len(rows) * (pieces // 2) // pieces
        waiting += [np.sort(order[cut:]), np.sort(order[:cut])]
    if len(done) == 1:
        return (splats,)
    return tuple(_taken(splats, rows) for rows in done)


def _taken(splats: Splats, rows: np.ndarray) -> Splats:
    return Splats(
        means=splats.means[rows],
        quats_wxyz=splats.quats_wxyz[rows],
        log_scales=splats.log_scales[rows],
        opacity_logits=splats.opacity_logits[rows],
        sh_coeffs=splats.sh_coeffs[rows],
    )
