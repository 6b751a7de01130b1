"""A guess at the depth of pixels where photos gave none: good enough to start splats from, and for nothing else."""

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import sparse
from scipy.sparse.linalg import spsolve

from lyra_sim.data.capture import Capture
from lyra_sim.depth.resample import nearest_to_size, shrunk, working_size
from lyra_sim.geometry.cameras import CameraPath

SIDE = 96
"""Longer side of the guesses [px]. Convention."""
EXTREMES = 0.01
"""Share of a view's depths left out at either end before one is called the least or the largest. Convention."""
BEYOND = 2.0
"""Guesses lie at most this many times beyond the largest depth known, and no nearer than the least. Tuned, unrecorded."""

EDGE_CONTRAST = 0.15
"""Step of colour (0..1) over which a bend of the surface costs a third of what it costs elsewhere. Tuned, unrecorded."""
STIFFNESS = 0.3
"""Weight of a bend beside one known depth's 1. Tuned, unrecorded."""
PRIOR = 1e-9
"""Pull to the median, for regions that nothing reaches. Convention."""


def guessed_depths(capture: Capture) -> dict[int, Float32[np.ndarray, "hh ww"]]:
    """By used view, z-depth at a small size [capture units]: as estimated, and guessed where it wasn't; NaN where masked.

    Empty for measured depth: what a sensor measured nothing of lies beyond its reach, and nothing continues it.
    """
    if not capture.views.estimated:
        return {}
    width, height = working_size(capture.cameras.width, capture.cameras.height, SIDE)
    cameras = capture.cameras.resized(width, height)
    nearest, farthest = depth_range(capture)
    guesses = {}
    for index in capture.used:
        z, counts = _known(capture, index, width, height)
        z = np.where(counts, _with_sparse(z, capture, cameras, index), np.float32(np.nan))
        if np.isfinite(z).any():
            rgb = shrunk(capture.views.rgb(index), width, height) / np.float32(255)
            inverse = np.clip(completed(z, rgb, counts), 1 / (BEYOND * farthest), 1 / nearest)
            guesses[index] = np.where(counts, 1 / inverse, np.nan).astype(np.float32)
    return guesses


def depth_range(capture: Capture) -> tuple[float, float]:
    """Depths that little is nearer, and little farther than [capture units]."""
    found = (z[np.isfinite(z)] for z in map(capture.views.z_depth, capture.used))
    ends = np.array([np.quantile(z, [EXTREMES, 1 - EXTREMES]) for z in found if len(z)])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def completed(
    z_depth: Float32[np.ndarray, "h w"], rgb: Float32[np.ndarray, "h w 3"], counts: Bool[np.ndarray, "h w"]
) -> Float64[np.ndarray, "h w"]:
    """Inverse depth of every pixel: as known where it is known, elsewhere bent as little as the picture allows.

    Inverse depth is linear over the image of a plane, so least bending (Duchon 1977) goes on with roads and walls where
    measurements end, and gives way at edges of colour. Pixels that don't count hold nothing together.

    Args:
        z_depth: NaN where unknown; known somewhere.
        rgb: Colours, 0..1.
        counts: False for sky and things that move.
    """
    height, width = z_depth.shape
    known = np.isfinite(z_depth) & counts
    inverse = np.where(known, 1 / np.where(known, z_depth, 1), 0).astype(np.float64)
    middle = float(np.median(inverse[known]))
    number = np.arange(height * width).reshape(height, width)
    system = sparse.diags(known.ravel() + PRIOR).tocsc()
    for axis in (0, 1):
        ids, colours, held = (np.moveaxis(values, axis, 0) for values in (number, rgb, counts))
        step = np.abs(np.diff(colours, axis=0)).max(axis=-1)
        weight = np.exp(-((np.maximum(step[1:], step[:-1]) / EDGE_CONTRAST) ** 2)) * (held[2:] & held[1:-1] & held[:-2])
        rows = np.arange(weight.size)
        bend = sparse.csc_matrix(
            (
                np.tile([1.0, -2.0, 1.0], weight.size),
                (np.repeat(rows, 3), np.stack([ids[:-2].ravel(), ids[1:-1].ravel(), ids[2:].ravel()], axis=1).ravel()),
            ),
            shape=(weight.size, height * width),
        )
        system = system + STIFFNESS * bend.T @ sparse.diags(weight.ravel()) @ bend
    return spsolve(system.tocsc(), (inverse + PRIOR * middle).ravel()).reshape(height, width)


def _known(
    capture: Capture, index: int, width: int, height: int
) -> tuple[Float32[np.ndarray, "hh ww"], Bool[np.ndarray, "hh ww"]]:
    """Depth, NaN where unknown, and which pixels show the standing scene."""
    views = capture.views
    counts = nearest_to_size(views.valid(index) & views.static(index), width, height)
    z = nearest_to_size(views.z_depth(index), width, height)
    return np.where(counts, z, np.float32(np.nan)), counts


def _with_sparse(
    z: Float32[np.ndarray, "h w"], capture: Capture, cameras: CameraPath, index: int
) -> Float32[np.ndarray, "h w"]:
    """Depth with that of feature points that used photos share, where there was none."""
    if capture.sparse is None:
        return z
    mine = (capture.sparse.view_index == index) & capture.sparse.shared_by(capture.used)
    w2c, K = cameras.w2c[index], cameras.K[index]
    at = capture.sparse.points[capture.sparse.point_index[mine]] @ w2c[2, :3] + w2c[2, 3]
    u = np.floor(capture.sparse.xy[mine, 0] * K[0, 0] + K[0, 2]).astype(np.int64)
    v = np.floor(capture.sparse.xy[mine, 1] * K[1, 1] + K[1, 2]).astype(np.int64)
    inside = (u >= 0) & (v >= 0) & (u < cameras.width) & (v < cameras.height) & (at > 0)
    out = z.copy()
    out[v[inside], u[inside]] = at[inside]
    return np.where(np.isfinite(z), z, out)
