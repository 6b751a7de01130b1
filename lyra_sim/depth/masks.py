"""What is kept out of depth and geometry: sky, and things that moved."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8

from lyra_sim.data.views import MOVING, SKY, STATIC


def labelled(
    sky: Sequence[Bool[np.ndarray, "h w"]], moving: Sequence[Bool[np.ndarray, "h w"]]
) -> list[UInt8[np.ndarray, "h w"]]:
    """``STATIC``, ``SKY`` or ``MOVING`` of every pixel; what moves is in front of the sky.

    :func:`lyra_sim.depth.sky.sky_masks` needs no depth and comes before a sweep, which leaves the sky out;
    :func:`lyra_sim.depth.moving.moving_masks` needs depth that other views confirmed.
    """
    out = []
    for above, moved in zip(sky, moving, strict=True):
        label = np.full(above.shape, STATIC, np.uint8)
        label[above] = SKY
        label[moved] = MOVING
        out.append(label)
    return out
