"""Holes closed from what surrounds them: smooth colours, and depth that continues what lies behind."""

import numpy as np
from jaxtyping import Bool, Float32
from PIL import Image
from scipy import ndimage

SMALL_HOLE = 0.004
"""Share of the image up to which a hole is small: its depth is a guess worth making. Tuned, unrecorded."""
BEHIND = 8.0
"""Power of the depth that a hole's border counts with: what opens behind an edge belongs to the far side. Tuned, unrecorded."""
BORDER_PX = 2
"""Pixels round a hole that its depth is drawn from. Convention."""
UNPLACED = 0.01
"""Weight of a border pixel whose depth isn't known. Convention."""


def push_pull(values: Float32[np.ndarray, "h w c"], weights: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w c"]:
    """Values where weights are 0, interpolated from all scales (push-pull: Gortler et al. 1996, "The lumigraph").

    Args:
        values: Anything where the weight is 0.
        weights: 0 unknown … 1 kept as it is.
    """
    height, width, _ = values.shape
    if min(height, width) <= 1 or (weights >= 1).all():
        total = max(float(weights.sum()), 1e-12)
        mean = (values * weights[..., None]).sum((0, 1)) / total
        return np.where(weights[..., None] > 0, values, mean.astype(np.float32)).astype(np.float32)
    padded = np.pad(values * weights[..., None], ((0, height % 2), (0, width % 2), (0, 0)))
    heavy = np.pad(weights, ((0, height % 2), (0, width % 2)))
    sums = padded.reshape(padded.shape[0] // 2, 2, -1, 2, values.shape[2]).sum((1, 3))
    weight = heavy.reshape(heavy.shape[0] // 2, 2, -1, 2).sum((1, 3))
    coarse = push_pull(
        (sums / np.maximum(weight, 1e-12)[..., None]).astype(np.float32), np.minimum(weight, 1).astype(np.float32)
    )
    size = (coarse.shape[1] * 2, coarse.shape[0] * 2)
    fine = np.stack(
        [np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BILINEAR)) for channel in np.moveaxis(coarse, 2, 0)],
        axis=-1,
    )[:height, :width]
    part = np.minimum(weights, 1)[..., None]
    return (values * part + fine * (1 - part)).astype(np.float32)


def fill_holes(
    rgb: Float32[np.ndarray, "h w 3"], z_depth: Float32[np.ndarray, "h w"], coloured: Bool[np.ndarray, "h w"]
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Colour for every pixel without one, and depth for small holes in it; larger ones keep NaN.

    Args:
        rgb: Anything where not ``coloured``.
        z_depth: NaN is a hole.
        coloured: Pixels whose colour stays; it may be known where depth isn't.

    Returns:
        Colours and z-depth. With nothing known at all everything stays as it was.
    """
    hole = np.isnan(z_depth)
    inverse = np.where(hole, 0, 1 / np.where(hole, 1, z_depth)).astype(np.float32)
    if not coloured.all() and coloured.any():
        rgb = np.where(coloured[..., None], rgb, push_pull(rgb, _border_weights(~coloured, inverse)))
    if hole.any() and not hole.all():
        labels, count = ndimage.label(hole, structure=np.ones((3, 3)))
        small = np.bincount(labels.ravel(), minlength=count + 1) <= SMALL_HOLE * hole.size
        small[0] = False
        drawn = push_pull(inverse[..., None], _border_weights(hole, inverse))[..., 0]
        z_depth = np.where(small[labels], 1 / np.maximum(drawn, 1e-12), z_depth)
    return rgb.astype(np.float32), z_depth.astype(np.float32)


def bridged(z_depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Depth with all its holes interpolated, as a sheet to hang a photo's colours on; no measurement of anything."""
    hole = np.isnan(z_depth)
    inverse = np.where(hole, 0, 1 / np.where(hole, 1, z_depth)).astype(np.float32)
    return 1 / np.maximum(push_pull(inverse[..., None], (~hole).astype(np.float32))[..., 0], np.float32(1e-12))


def _border_weights(hole: Bool[np.ndarray, "h w"], inverse: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """What the pixels round a hole count with: the more, the further they lie behind their neighbours across it."""
    border = ~hole & ndimage.binary_dilation(hole, iterations=BORDER_PX)
    nearest = ndimage.maximum_filter(np.where(border, inverse, 0), size=9 + 2 * BORDER_PX)
    weights = np.zeros(hole.shape, np.float32)
    weights[border] = np.maximum((1 - inverse[border] / np.maximum(nearest[border], 1e-12)) * BEHIND, 1e-3).clip(max=1)
    weights[border & (inverse == 0)] = UNPLACED
    return weights
