"""Sky found without weights: whether a capture shows any is asked first, then where in each view it ends."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from PIL import Image
from scipy import ndimage
from skimage.segmentation import watershed

from lyra_sim.data.capture import Capture
from lyra_sim.geometry.cameras import pixel_rays

WORK_SIDE = 512
"""Longer side the search is done at, at most [px]. Convention."""
BLUER, LEAST_BLUE = 20, 90
"""Blue sky has this much more blue than red, and this much blue [sRGB counts]; painted walls under lamplight stay below.
Tuned, unrecorded."""
WHITE = 238
"""Overcast sky is at least this bright in every channel; only glass and lamps are, indoors. Tuned, unrecorded."""
SMOOTH = 10.0
"""Largest gradient of a seed [sRGB counts/px], after a blur of one pixel. Tuned, unrecorded."""
ABOVE_DEG, BELOW_DEG = 3.0, -5.0
"""Seeds of sky lie above, seeds of ground below this elevation [degrees]; provisional up is off by a few. Tuned, unrecorded."""
SHARE, VIEWS_SHARE = 0.03, 0.25
"""There is sky when seeds fill this share of a view, in this share of the views. Tuned, unrecorded."""
DEEP_BLUE, DEEP_WHITE = 8.0, 16.0
"""… and the scene is this deep, in camera heights above its lowest points: a street has 22, a hall of 21 m 12. White
ceilings are told from white sky by depth, blue ones are rare. Tuned, unrecorded."""
SIGHTINGS_RATIO = 0.25
"""… and sightings of shared points are at most this dense in the seeds, compared with elsewhere in the view.
Tuned, unrecorded."""
FAR = 3.0
"""Shared points beyond this many times the scene's depth may be clouds. Tuned, unrecorded."""
BINS = 16
"""Of the colour histograms, a channel. Convention."""
SURE = 2.0
"""Log likelihood ratio from which a colour alone decides. Tuned, unrecorded."""
PALE = 60
"""A colour with less between its channels than this, and brighter than ``PALE_FROM``, may be cloud as well as wall.
Tuned, unrecorded."""
PALE_FROM = 120
"""Darker colours are no cloud [sRGB counts]. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class _Glimpse:
    """One view at working size."""

    rgb: UInt8[np.ndarray, "h w 3"]
    slope: Float32[np.ndarray, "h w"]
    """Gradient magnitude over all channels [sRGB counts/px]."""
    elevation: Float32[np.ndarray, "h w"]
    """Of the pixel's ray above the horizon [degrees]."""
    valid: Bool[np.ndarray, "h w"]
    near: Bool[np.ndarray, "h w"]
    """Pixels with a shared point that isn't very far."""


def sky_masks(capture: Capture, *, width: int, height: int) -> list[Bool[np.ndarray, "h w"]]:
    """True where a view shows sky, one mask for every view, at the size given; before any depth is known.

    Whether there is sky is decided for the capture as a whole: enough smooth blue (or else clipped white) reaching the top of
    the views above the horizon, in a scene many camera heights deep, with hardly a shared point in it. Its colours are
    learned from these seeds and those of everything else from below the horizon and around shared points. Seeded watershed
    on the gradient (Meyer 1994) then settles what colour leaves open: a cloud fades into the sky, a white wall ends at an edge.

    Args:
        capture: Photos with cameras; shared points tell depth. Without them only blue counts.
        width: Of the masks [px]; the views' aspect.
        height: [px]
    """
    none = [np.zeros((height, width), bool) for _ in range(len(capture.views))]
    depth = _depth_in_camera_heights(capture)
    if depth is not None and depth < DEEP_BLUE:
        return none
    glimpses = [_glimpse(capture, index) for index in range(len(capture.views))]
    seeds = [_blue(glimpse) for glimpse in glimpses]
    if not _there_is_sky(glimpses, seeds):
        if depth is None or depth < DEEP_WHITE:
            return none
        seeds = [_white(glimpse) for glimpse in glimpses]
        if not _there_is_sky(glimpses, seeds):
            return none
    ratio = _colour_ratio(glimpses, seeds)
    masks = [_settle(glimpse, ratio) for glimpse in glimpses]
    return [np.array(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)) for mask in masks]


def _depth_in_camera_heights(capture: Capture) -> float | None:
    """How far off the farther shared points are, in heights of the cameras above the lowest ones; None without points."""
    seen = capture.sparse
    if seen is None or len(seen.view_index) == 0:
        return None
    up = capture.world_from_capture.rotation[2]
    centres = capture.cameras.centres
    lowest = float(np.percentile(seen.points @ up, 2))
    height = float(np.median(centres @ up)) - lowest
    distances = np.linalg.norm(seen.points[seen.point_index] - centres[seen.view_index], axis=1)
    return float(np.percentile(distances, 95)) / max(height, 1e-9)


def _glimpse(capture: Capture, index: int) -> _Glimpse:
    cameras = capture.cameras
    scale = min(1.0, WORK_SIDE / max(cameras.width, cameras.height))
    width, height = max(2, round(cameras.width * scale)), max(2, round(cameras.height * scale))
    rgb = np.asarray(Image.fromarray(capture.views.rgb(index)).resize((width, height), Image.Resampling.BOX))
    valid = np.asarray(Image.fromarray(capture.views.valid(index)).resize((width, height), Image.Resampling.NEAREST))
    smooth = ndimage.gaussian_filter(rgb.astype(np.float32), (1, 1, 0))
    slope = np.sqrt((np.stack(np.gradient(smooth, axis=(0, 1))) ** 2).sum(axis=0).max(axis=-1))
    small = cameras.resized(width, height)
    up = cameras.c2w[index, :3, :3].T @ capture.world_from_capture.rotation[2]
    rays = pixel_rays(small.K[index], width, height)
    elevation = np.degrees(np.arcsin(np.clip(rays @ up.astype(np.float32) / np.linalg.norm(rays, axis=-1), -1, 1)))
    near = np.zeros((height, width), bool)
    seen = capture.sparse
    if seen is not None:
        mine = seen.view_index == index
        distances = np.linalg.norm(seen.points[seen.point_index] - cameras.centres[seen.view_index], axis=1)
        mine &= distances < FAR * np.percentile(distances, 90)
        K = small.K[index]
        u = np.floor(seen.xy[mine, 0] * K[0, 0] + K[0, 2]).astype(int)
        v = np.floor(seen.xy[mine, 1] * K[1, 1] + K[1, 2]).astype(int)
        inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
        near[v[inside], u[inside]] = True
    return _Glimpse(rgb=rgb, slope=slope, elevation=elevation.astype(np.float32), valid=valid, near=near)


def _blue(glimpse: _Glimpse) -> Bool[np.ndarray, "h w"]:
    r, g, b = np.moveaxis(glimpse.rgb.astype(np.int16), -1, 0)
    return _reaching_the_top(glimpse, (b - r >= BLUER) & (b >= g) & (b >= LEAST_BLUE) & _may_be_seed(glimpse))


def _white(glimpse: _Glimpse) -> Bool[np.ndarray, "h w"]:
    return _reaching_the_top(glimpse, (glimpse.rgb.min(axis=-1) >= WHITE) & _may_be_seed(glimpse))


def _may_be_seed(glimpse: _Glimpse) -> Bool[np.ndarray, "h w"]:
    return glimpse.valid & (glimpse.slope <= SMOOTH) & (glimpse.elevation >= ABOVE_DEG)


def _reaching_the_top(glimpse: _Glimpse, candidates: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Connected parts that touch the upper end of what the view shows."""
    labels, count = ndimage.label(candidates)
    first = np.argmax(glimpse.valid, axis=0)
    rows = np.arange(len(labels))[:, None]
    at_top = (rows >= first) & (rows < first + 3)
    touching = np.zeros(count + 1, bool)
    touching[np.unique(labels[at_top])] = True
    touching[0] = False
    return touching[labels]


def _there_is_sky(glimpses: list[_Glimpse], seeds: list[np.ndarray]) -> bool:
    filled = [seed.mean() >= SHARE for seed in seeds]
    if np.mean(filled) < VIEWS_SHARE:
        return False
    inside = sum(int(glimpse.near[seed].sum()) for glimpse, seed in zip(glimpses, seeds, strict=True))
    total = sum(int(glimpse.near.sum()) for glimpse in glimpses)
    area = float(np.mean([seed.mean() for seed in seeds]))
    return total == 0 or inside / total <= SIGHTINGS_RATIO * area


def _bins(rgb: UInt8[np.ndarray, "*n 3"]) -> np.ndarray:
    r, g, b = np.moveaxis(rgb.astype(np.int64) * BINS // 256, -1, 0)
    return (r * BINS + g) * BINS + b


def _colour_ratio(glimpses: list[_Glimpse], seeds: list[np.ndarray]) -> Float64[np.ndarray, "b"]:
    """Log likelihood of every colour as sky over that as anything else."""
    sky, other = np.zeros(BINS**3), np.zeros(BINS**3)
    for glimpse, seed in zip(glimpses, seeds, strict=True):
        index = _bins(glimpse.rgb)
        sky += np.bincount(index[seed], minlength=BINS**3)
        other += np.bincount(index[_certainly_not(glimpse)], minlength=BINS**3)
    smooth = [ndimage.gaussian_filter(part.reshape(BINS, BINS, BINS), 0.7).ravel() for part in (sky, other)]
    sky, other = (part / max(part.sum(), 1) + 1e-5 for part in smooth)
    return np.log(sky / other)


def _certainly_not(glimpse: _Glimpse) -> Bool[np.ndarray, "h w"]:
    near = ndimage.binary_dilation(glimpse.near, iterations=2)
    return glimpse.valid & ((glimpse.elevation <= BELOW_DEG) | near)


def _settle(glimpse: _Glimpse, ratio: Float64[np.ndarray, "b"]) -> Bool[np.ndarray, "h w"]:
    """Seeds by colour, the rest by watershed; then what hangs together with the top."""
    score = ratio[_bins(glimpse.rgb)]
    low, high = glimpse.rgb.min(axis=-1).astype(int), glimpse.rgb.max(axis=-1).astype(int)
    pale = (high - low < PALE) & (low > PALE_FROM)
    above = glimpse.valid & (glimpse.elevation > BELOW_DEG)
    sky = _reaching_the_top(glimpse, above & (score >= SURE) & (glimpse.slope <= 2 * SMOOTH))
    if not sky.any():
        return sky
    other = _certainly_not(glimpse) & ~sky
    other |= (score <= -SURE) & ~pale & ~sky
    markers = np.where(sky, 1, np.where(other, 2, 0))
    return (watershed(glimpse.slope, markers) == 1) & above
