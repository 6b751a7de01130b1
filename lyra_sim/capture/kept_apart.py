"""Which views are kept apart from all geometry, as witnesses of it."""

from typing import Literal

from lyra_sim.errors import InputError

EVERY = 8
"""What ``auto`` keeps apart. Convention."""
KEPT_BACK_EVERY = 10
"""Every so-many-th feature point of photos is kept apart, whatever becomes of the photos. Convention."""
DEPTH_FROM, PHOTOS_FROM = 16, 64
"""``auto`` keeps none of fewer views apart: each of them is needed. Photos, whose depth rests on neighbours, are needed sooner,
and their witness is feature points. Convention."""


def kept_apart(count: int, every: int | Literal["auto"], *, auto_from: int | None, left: int) -> tuple[int, ...]:
    """Indices of every n-th view, from the first on.

    Args:
        count: Of all views.
        every: n; 0 keeps none apart.
        auto_from: From this many views on ``auto`` keeps any; None: never.
        left: This many have to be left to build from.

    Raises:
        InputError: Fewer are left.
    """
    if every == "auto":
        every = EVERY if auto_from is not None and count >= auto_from else 0
    held_out = tuple(range(0, count, every)) if every else ()
    if count - len(held_out) < left:
        raise InputError(
            "capture.hold_out_every",
            f"{len(held_out)} of {count} views are held out",
            expected=f"at least {left} left to build from",
        )
    return held_out
