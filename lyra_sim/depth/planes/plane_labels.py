"""Which plane, if any, a blank part of a view belongs to: segments of one colour vote with the depth measured at their rims.

Segments are cut at the creases between the planes that they plausibly lie on (cf. Furukawa et al. 2009; Sinha et al. 2009),
and every piece takes the plane that its own rim supports, or none.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int32
from scipy import ndimage

from lyra_sim.depth.planes.plane_evidence import PlaneEvidence
from lyra_sim.depth.planes.plane_finding import TOLERANCE
from lyra_sim.depth.planes.plane_kernels import count_votes, plane_hits
from lyra_sim.depth.planes.segment_kernels import order_codes, rays_to_measured, segments

SMOOTHING = 0.8
"""Standard deviation of the blur before segmentation [px]. Tuned, unrecorded."""
SEGMENT_SCALE = 0.3
"""Larger merges more: a step of this over the number of pixels is ignored (colours 0..1). Tuned, unrecorded."""
MIN_SEGMENT = 30
"""A segment has at least this many pixels. Tuned, unrecorded."""
NOISE = 0.008
"""Colour steps of shading in 8 bits, compression and sensor after the blur. Tuned, unrecorded."""
RIM = 4
"""Depth measured this far outside a segment still speaks for it [px]; about half the window depth was matched in.
Tuned, unrecorded."""
CHOICES = 4
"""Planes that one segment may be cut between. Convention."""
MIN_SLOPE = 0.1
"""Sine of the least angle between ray and plane: nearer to grazing, small errors of the plane are large ones of depth.
Tuned, unrecorded."""
SECOND = 0.2
"""A further plane of a segment has this share of the best one's votes. Tuned, unrecorded."""
MIN_SHARE = 0.5
"""Share of votes that a plane needs against those for something before or beyond it. Convention."""
BEFORE_WEIGHT = 0.3
"""Something before the plane may just hide it. Tuned, unrecorded."""
MIN_VOTES = 0.8
"""Votes over the square root of a piece's pixels. Tuned, unrecorded."""
COLOUR_STEP = 0.08
"""Colours of one surface in different views differ less than this (0..1, any channel). Tuned, unrecorded."""
MIN_SPREAD = 0.3
"""Variance of the votes' places over that of a piece's pixels, in the direction where it is least: a line along one side
tells no plane. Tuned, unrecorded."""
MIN_SIGHT = 0.5
"""Share of directions in the image in which the first measured pixel lies on the plane, not before or beyond it.
Tuned, unrecorded."""
SIGHT_WINDOW = 15
"""Sights are averaged over this square [px], so that one wrong pixel casts no shadow across a wall. Tuned, unrecorded."""
SMALL = 150
"""Pieces of fewer pixels need no such spread: holes in measured texture. Tuned, unrecorded."""
ENCLOSED = 5
"""Directions of 8 with support from which a cell counts as between support, not beyond it. Tuned, unrecorded."""
ALL_AROUND = 8
"""So many are asked for where the view itself saw too little of the rim. Tuned, unrecorded."""
EXTEND = 0.08
"""How far beyond its support a plane is continued, over the median depth of the scene. Tuned, unrecorded."""


def label_view(
    rgb: Float32[np.ndarray, "h w 3"],
    z_depth: Float32[np.ndarray, "h w"],
    K: Float64[np.ndarray, "3 3"],
    c2w: Float64[np.ndarray, "4 4"],
    evidence: PlaneEvidence,
    *,
    scene_depth: float,
    radius: int,
) -> Float32[np.ndarray, "h w"]:
    """Depth of the planes that blank parts of one view lie on; NaN elsewhere and where depth was measured.

    Args:
        rgb: 0..1.
        z_depth: [capture units]; NaN where nothing was measured.
        K: [px].
        c2w: In the capture frame.
        evidence: Of all views about the planes.
        scene_depth: Median depth of the scene [capture units].
        radius: Half window that depth is compared in [px].
    """
    height, width = z_depth.shape
    e = evidence
    z, cells = plane_hits(
        K, c2w, e.normals, e.offsets, e.axes_a, e.axes_b, e.lows, e.shapes, e.starts, e.cell, MIN_SLOPE, height, width
    )
    seen = np.flatnonzero((cells >= 0).any(axis=(1, 2)))
    z, cells = z[seen], cells[seen]
    filled = np.full((height, width), np.nan, np.float32)
    if not len(seen):
        return filled
    signed = e.offsets[seen] - e.normals[seen] @ c2w[:3, 3]
    away, distances = e.normals[seen] * np.where(signed > 0, 1.0, -1.0)[:, None], np.abs(signed)
    slopes = distances.astype(np.float32)[:, None, None] / z
    blurred = ndimage.gaussian_filter(rgb, (SMOOTHING, SMOOTHING, 0))
    labels, n = segments(blurred, np.float32(SEGMENT_SCALE), MIN_SEGMENT, np.float32(NOISE))

    def votes(of: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        for_it, beyond, before, where = count_votes(
            of,
            count,
            z_depth,
            rgb,
            K,
            c2w,
            away,
            distances,
            z,
            cells,
            slopes,
            TOLERANCE,
            radius,
            RIM,
            e.on,
            e.open,
            e.colour,
            COLOUR_STEP,
        )
        return for_it, for_it / np.maximum(for_it + beyond + BEFORE_WEIGHT * before, 1e-6), where

    speaks, share, _ = votes(labels, n)
    choices = np.argsort(-speaks * share, axis=1, kind="stable")[:, :CHOICES].astype(np.int64)
    ranked = np.take_along_axis(speaks * share, choices, axis=1)
    plausible = (ranked >= SECOND * ranked[:, :1]) & (ranked > 5)
    choices = np.where(plausible, choices, -1)
    _, pieces = np.unique(order_codes(labels, choices, z), return_inverse=True)
    pieces = pieces.reshape(height, width).astype(np.int32)
    count = int(pieces.max()) + 1
    segment_of = np.zeros(count, np.int64)
    segment_of[pieces.ravel()] = labels.ravel()
    speaks, share, where = votes(pieces, count)
    allowed = np.zeros((n, len(seen) + 1), bool)
    np.put_along_axis(allowed, choices, True, axis=1)
    score = np.where(allowed[segment_of, : len(seen)], speaks * share, 0)
    best = score.argmax(axis=1)
    row = np.arange(count)
    sizes = np.bincount(pieces.ravel(), minlength=count)
    good = (score[row, best] > MIN_VOTES * np.sqrt(sizes)) & (share[row, best] > MIN_SHARE)
    # pieces of one segment on one plane are one again: what was cut by the crease of some other plane belongs together
    _, together = np.unique(segment_of * len(seen) + best, return_inverse=True)
    sums = np.zeros((count, 6))
    np.add.at(sums, together, where[row, best])
    whole = together.astype(np.int32)[pieces]
    wide = (_spread(sums, whole, count) > MIN_SPREAD)[together] | (sizes < SMALL)
    plane = np.where(good, best, -1)[pieces]
    sights = rays_to_measured(z_depth, plane, z, slopes, TOLERANCE).astype(np.float32)
    on, before, beyond = ndimage.uniform_filter(sights, (0, SIGHT_WINDOW, SIGHT_WINDOW))
    plane[on < MIN_SIGHT * (on + before + beyond)] = -1
    vs, us = np.nonzero((plane >= 0) & ~(z_depth > 0))
    at = cells[plane[vs, us], vs, us]
    enough = np.where(wide[pieces[vs, us]], ENCLOSED, ALL_AROUND)
    held = (at >= 0) & ~e.open[at] & ((e.around[at] >= enough) | wide[pieces[vs, us]] & (e.away[at] < EXTEND * scene_depth))
    filled[vs[held], us[held]] = z[plane[vs, us], vs, us][held]
    return filled


def _spread(sums: Float64[np.ndarray, "n 6"], pieces: Int32[np.ndarray, "h w"], count: int) -> Float64[np.ndarray, "n"]:
    """Least ratio over all directions of the variance of votes to that of the pixels of their piece."""
    v, u = np.indices(pieces.shape).reshape(2, -1).astype(np.float64)
    flat = pieces.ravel()
    own = np.stack([np.bincount(flat, w, count) for w in (np.ones_like(u), u, v, u * u, u * v, v * v)], axis=1)
    votes, area = _covariance(sums), _covariance(own) + np.eye(2)
    # least eigenvalue of area^-1 votes, 2x2
    det_area = area[:, 0, 0] * area[:, 1, 1] - area[:, 0, 1] ** 2
    det_votes = votes[:, 0, 0] * votes[:, 1, 1] - votes[:, 0, 1] ** 2
    mixed = area[:, 1, 1] * votes[:, 0, 0] + area[:, 0, 0] * votes[:, 1, 1] - 2 * area[:, 0, 1] * votes[:, 0, 1]
    half = 0.5 * mixed / det_area
    return half - np.sqrt(np.maximum(half * half - det_votes / det_area, 0))


def _covariance(sums: Float64[np.ndarray, "n 6"]) -> Float64[np.ndarray, "n 2 2"]:
    mean = sums[:, 1:] / np.maximum(sums[:, :1], 1e-9)
    out = np.empty((len(sums), 2, 2))
    out[:, 0, 0] = mean[:, 2] - mean[:, 0] ** 2
    out[:, 0, 1] = out[:, 1, 0] = mean[:, 3] - mean[:, 0] * mean[:, 1]
    out[:, 1, 1] = mean[:, 4] - mean[:, 1] ** 2
    return out
