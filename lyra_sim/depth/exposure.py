"""How bright each photo was exposed, from the colours of the points that photos share."""

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from scipy import ndimage, sparse

from lyra_sim.conventions import linear_from_srgb, srgb_from_linear
from lyra_sim.data.capture import Capture

DARKEST, BRIGHTEST = 8, 247
"""sRGB counts a colour has to lie between: below is noise, above is clipped, and neither tells an exposure. Convention."""
PATCH = 5
"""Edge of the square each colour is averaged over [px]: sightings are off by up to a pixel. Tuned, unrecorded."""
FEWEST_SIGHTINGS = 12
"""A view with fewer usable sightings keeps gain 1. Tuned, unrecorded."""
PRIOR_SHARE = 0.01
"""Pull of every log gain towards 0, as a share of the weight of the view's sightings: small errors between neighbours must
not add up along a walk, and views that share no points with the others stay at 1. Tuned, unrecorded."""
LEAST_SCALE = 0.01
"""Least spread granted to log colours; keeps exact data from making weights infinite. Convention."""
LARGEST_GAIN = 4.0
"""Gains are kept within this factor of 1: two stops between photos of one scene that share features is the most met.
Convention."""
ROUNDS = 20
"""Reweightings; measured: settled after eight. Convention."""


def gains(capture: Capture) -> Float64[np.ndarray, "n 3"]:
    """Gain of every view and channel in linear light: what it shows is ``gain * the scene's colour``.

    Log colours at the sightings of shared points are ``point colour + view gain + falloff * radius^2``. All are found
    together by iteratively reweighted least squares (Cauchy weights; Holland & Welsch 1977), so that highlights, occlusions
    and wrong tracks don't count. The lens's falloff is one number for all views (Goldman & Chen 2005): without it a walk
    forward, where every point drifts to the border, reads as getting darker photo by photo.
    The mean log gain over views is 0. Ones when there are no shared points.
    """
    count = len(capture.views)
    if capture.sparse is None or len(capture.sparse.view_index) == 0:
        return np.ones((count, 3))
    colours = _colours(capture)
    points, views = capture.sparse.point_index.astype(np.int64), capture.sparse.view_index.astype(np.int64)
    usable = np.isfinite(colours).all(axis=1)
    enough = np.bincount(views[usable], minlength=count) >= FEWEST_SIGHTINGS
    usable &= enough[views]
    usable &= (np.bincount(points[usable], minlength=len(capture.sparse.points)) >= 2)[points]
    if not usable.any():
        return np.ones((count, 3))
    radius2 = (capture.sparse.xy[usable] ** 2).sum(axis=1)
    fits = [_log_gains(np.log(colours[usable, c]), points[usable], views[usable], radius2, count) for c in range(3)]
    logs = np.stack(fits, axis=1)
    logs[~enough] = 0
    logs[enough] -= logs[enough].mean(axis=0)
    return np.exp(np.clip(logs, -np.log(LARGEST_GAIN), np.log(LARGEST_GAIN)))


def evened(rgb: UInt8[np.ndarray, "h w 3"], gain: Float64[np.ndarray, "3"]) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB image as it would be with gain 1; what was clipped stays clipped."""
    linear = _linear_of_counts()
    out = np.empty_like(rgb)
    for channel in range(3):
        value = np.clip(linear / gain[channel], 0, 1)
        out[..., channel] = np.round(srgb_from_linear(value) * 255).astype(np.uint8)[rgb[..., channel]]
    return out


def _linear_of_counts() -> Float64[np.ndarray, "256"]:
    return linear_from_srgb(np.repeat(np.arange(256)[:, None] / 255.0, 3, axis=1))[:, 0].astype(np.float64)


def _colours(capture: Capture) -> Float64[np.ndarray, "o 3"]:
    """Linear colour at every sighting; NaN where it is clipped, too dark or outside."""
    seen, cameras = capture.sparse, capture.cameras
    assert seen is not None
    linear = _linear_of_counts()
    out = np.full((len(seen.xy), 3), np.nan)
    for view in np.unique(seen.view_index):
        mine = np.flatnonzero(seen.view_index == view)
        K = cameras.K[view]
        u = np.floor(seen.xy[mine, 0] * K[0, 0] + K[0, 2]).astype(np.int64)
        v = np.floor(seen.xy[mine, 1] * K[1, 1] + K[1, 2]).astype(np.int64)
        inside = (u >= 0) & (v >= 0) & (u < cameras.width) & (v < cameras.height)
        mine, u, v = mine[inside], u[inside], v[inside]
        rgb = capture.views.rgb(int(view))
        fit = capture.views.valid(int(view))[v, u] & (rgb[v, u] >= DARKEST).all(axis=1) & (rgb[v, u] <= BRIGHTEST).all(axis=1)
        mine, u, v = mine[fit], u[fit], v[fit]
        for channel in range(3):
            smooth = ndimage.uniform_filter(linear[rgb[..., channel]], PATCH)
            out[mine, channel] = np.maximum(smooth[v, u], 1e-4)
    return out


def _log_gains(
    logs: Float64[np.ndarray, "o"],
    points: Int64[np.ndarray, "o"],
    views: Int64[np.ndarray, "o"],
    radius2: Float64[np.ndarray, "o"],
    view_count: int,
) -> Float64[np.ndarray, "n"]:
    """Robust fit of ``logs = point + view + falloff * radius2``: points are eliminated, the rest solved together."""
    _, points = np.unique(points, return_inverse=True)
    rows = np.arange(len(logs))
    of_view = sparse.csr_matrix((np.ones(len(logs)), (rows, views)), shape=(len(logs), view_count))
    of_point = sparse.csr_matrix((np.ones(len(logs)), (points, rows)), shape=(int(points.max()) + 1, len(logs)))
    design = sparse.hstack([of_view, sparse.csr_matrix(radius2[:, None])]).tocsr()
    weights, unknown = np.ones(len(logs)), np.zeros(view_count + 1)
    for _ in range(ROUNDS):
        weighted = sparse.diags(weights) @ design
        total = of_point @ weights
        shared = of_point @ weighted
        normal = (design.T @ weighted - shared.T @ sparse.diags(1 / total) @ shared).toarray()
        right = weighted.T @ logs - shared.T @ ((of_point @ (weights * logs)) / total)
        held = np.append(np.bincount(views, weights, minlength=view_count) * PRIOR_SHARE + 1e-6, 1e-6)
        unknown = np.linalg.solve(normal + np.diag(held), right)
        explained = design @ unknown
        point = (of_point @ (weights * (logs - explained))) / total
        residual = logs - explained - point[points]
        scale = max(1.4826 * float(np.median(np.abs(residual))), LEAST_SCALE)
        weights = 1 / (1 + (residual / (2 * scale)) ** 2)
    return unknown[:view_count]
