"""Things that moved between photos, found by what standing geometry can't do."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from scipy import ndimage

from lyra_sim.depth.moving_kernels import carried, looked_through
from lyra_sim.geometry.cameras import CameraPath

OTHERS = 10
"""Nearest views each one is compared with, at most: further ones see the place too small. Convention."""
WIDEST_DEG = 75.0
"""Views turned further apart than this aren't compared [degrees]. Tuned, unrecorded."""
TOLERANCE = 0.06
"""Relative depth that counts as equal: three times what a sweep of 96 planes leaves. Tuned, unrecorded."""
DIFFERS, AGREES = 30.0, 10.0
"""A colour this far outside the colours around its place in another view is another thing; this little, the same [counts].
Tuned, unrecorded."""
AROUND = 5
"""Edge of the square of colours it is compared with [px]: depth and cameras are off by as much. Tuned, unrecorded."""
FRACTIONS = np.geomspace(0.12, 0.93, 24)
"""Where a ray is probed, as fractions of the depth behind. Convention."""
SMALLEST = 0.0004
"""Smallest blob, as a share of the view. Tuned, unrecorded."""
CLOSING, MARGIN = 3, 2
"""Blobs are closed over gaps of this many pixels, then widened by these. Tuned, unrecorded."""


def moving_masks(
    rgb: Sequence[UInt8[np.ndarray, "h w 3"]],
    cameras: CameraPath,
    z_depths: Sequence[Float32[np.ndarray, "h w"] | None],
) -> list[Bool[np.ndarray, "h w"]]:
    """True where a view shows something that stood elsewhere, or nowhere, in other views.

    A pixel shows a moving thing when at least two other views that measured the surface behind it agree on that surface and
    its colour, the pixel's own colour is another one, and every place along its ray up to that surface is looked through by
    some view: then nothing that stands can be there (free space as in Kutulakos & Seitz 2000). A thing that merely hides the
    surface from one side is kept, because no view looks through the place where it stands. Pixels are joined to blobs
    (hysteresis; Canny 1986); specks are dropped.

    Args:
        rgb: Every view at the size of the depth, exposure evened out.
        cameras: Of that size.
        z_depths: First depth of every view [capture units], NaN unknown, and free of what no other view confirmed; +inf where
            it shows sky, which is looked through to any depth. None for a view without depth, which gets an empty mask.
    """
    size = (cameras.height, cameras.width)
    known = [index for index, z in enumerate(z_depths) if z is not None]
    low = {index: ndimage.minimum_filter(rgb[index], (AROUND, AROUND, 1)).astype(np.float32) for index in known}
    high = {index: ndimage.maximum_filter(rgb[index], (AROUND, AROUND, 1)).astype(np.float32) for index in known}
    masks = [np.zeros(size, bool) for _ in rgb]
    w2c = cameras.w2c
    for view in known:
        others = _others(cameras, view, known)
        if len(others) < 2:
            continue
        z = [np.asarray(z_depths[other], np.float32) for other in others]
        lenses = np.stack([_lens(cameras, other) for other in others])
        behind = [
            carried(depth, w2c[view] @ cameras.c2w[other], lens, _lens(cameras, view))
            for other, depth, lens in zip(others, z, lenses, strict=True)
        ]
        sureness = looked_through(
            rgb[view].astype(np.float32),
            np.asarray(z_depths[view], np.float32),
            np.stack(behind),
            _lens(cameras, view),
            np.stack(z),
            np.stack([low[other] for other in others]),
            np.stack([high[other] for other in others]),
            np.stack([w2c[other] @ cameras.c2w[view] for other in others]),
            lenses,
            FRACTIONS,
            TOLERANCE,
            DIFFERS,
            AGREES,
        )
        masks[view] = _blobs(sureness)
    return masks


def _lens(cameras: CameraPath, view: int) -> Float64[np.ndarray, "4"]:
    K = cameras.K[view]
    return np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]])


def _others(cameras: CameraPath, view: int, known: list[int]) -> list[int]:
    """Nearest views that look roughly the same way, in order of distance."""
    axes = cameras.c2w[:, :3, 2]
    near = [other for other in known if other != view and axes[other] @ axes[view] > np.cos(np.radians(WIDEST_DEG))]
    distance = np.linalg.norm(cameras.centres - cameras.centres[view], axis=1)
    return sorted(near, key=lambda other: (distance[other], other))[:OTHERS]


def _blobs(sureness: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Weak pixels that hang together with enough sure ones, without specks, closed and a little wider."""
    sure = ndimage.binary_opening(sureness == 2, np.ones((2, 2)))
    possible = ndimage.binary_opening(sureness > 0, np.ones((2, 2))) | sure
    labels, count = ndimage.label(possible, np.ones((3, 3)))
    least = max(12.0, SMALLEST * sureness.size)
    kept = ndimage.sum_labels(sure, labels, np.arange(count + 1)) >= least
    kept[0] = False
    mask = kept[labels]
    if not mask.any():
        return mask
    disc = np.hypot(*np.mgrid[-CLOSING : CLOSING + 1, -CLOSING : CLOSING + 1]) <= CLOSING
    padded = np.pad(mask, CLOSING)
    closed = ndimage.binary_fill_holes(ndimage.binary_closing(padded, disc))
    return ndimage.binary_dilation(closed, iterations=MARGIN)[CLOSING:-CLOSING, CLOSING:-CLOSING]
