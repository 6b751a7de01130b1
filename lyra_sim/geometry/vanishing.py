"""Straight edges of a photo, and the three directions at right angles that most of them run along."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import ndimage

ORIENTATIONS = 16
"""Edge pixels are parted by gradient direction into this many groups; a line lies in one, or astride two. Convention."""
EDGE_QUANTILE = 0.8
"""Pixels whose gradient is among the largest, by this quantile, may be edges. Tuned, unrecorded."""
LEAST_GRADIENT = 0.012
"""… and at least this [grey 0..1 per px]. Tuned, unrecorded."""
LEAST_LENGTH = 0.035
"""Shortest segment, as a share of the photo's longer side. Tuned, unrecorded."""
WIDEST = 1.2
"""A segment's standard deviation across itself at most [px]. Tuned, unrecorded."""
MOST_SEGMENTS = 800
"""The longest are kept. Convention."""
SIGMA_DEG = 1.5
"""Typical angle between a segment and the vanishing point it belongs to. Tuned, unrecorded."""
BELONGS_DEG = 4.0
"""A segment belongs to a direction within this angle. Tuned, unrecorded."""
TILT_DEG, ROLL_DEG = 40.0, 14.0
"""A hand holds a camera within these of level. Convention."""
TILT_SIGMA_DEG, ROLL_SIGMA_DEG = 25.0, 6.0
"""… and typically within these: weighs candidates that explain the segments as well. Convention."""
COARSE_DEG = 3.0
"""Step of the first search; refined by halving down to a twentieth of a degree. Convention."""
TELLING = 10
"""Segments along the vertical, and along at least one horizontal direction, from which a frame is believed …
Tuned, unrecorded."""
TELLING_SHARE = 0.5
"""… when this share of the segments' length belongs to it. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Segments:
    """Straight edges, longest first."""

    ends: Float64[np.ndarray, "s 2 2"]
    """(u, v) of both ends [px]."""

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> Float64[np.ndarray, "s"]:
        """[px]"""
        return np.linalg.norm(self.ends[:, 1] - self.ends[:, 0], axis=1)

    @property
    def middles(self) -> Float64[np.ndarray, "s 2"]:
        """[px]"""
        return self.ends.mean(axis=1)


@dataclass(frozen=True, kw_only=True)
class RightAngles:
    """Three directions at right angles, as a camera sees them."""

    camera_from_frame: Float64[np.ndarray, "3 3"]
    """Columns: two horizontal directions, and up; OpenCV axes. The first is the one nearest to the viewing direction."""
    along: Int64[np.ndarray, "s"]
    """Direction (0, 1, 2) every segment runs along; -1 for none."""
    share: float
    """Of the segments' length that runs along one of the three."""
    believed: bool
    """Enough segments run along the vertical and a horizontal direction."""


def find_segments(grey: Float32[np.ndarray, "h w"]) -> Segments:
    """Straight edges by grouping edge pixels of like gradient direction (Kosecka & Zhang 2002).

    Args:
        grey: 0..1.
    """
    smooth = ndimage.gaussian_filter(grey, 1.0)
    gv, gu = np.gradient(smooth)
    size = np.hypot(gu, gv)
    angle = np.arctan2(gv, gu) / (2 * np.pi) * ORIENTATIONS
    edge = (size >= max(LEAST_GRADIENT, float(np.quantile(size, EDGE_QUANTILE)))) & _ridge(size, gu, gv)
    least = LEAST_LENGTH * max(grey.shape)
    found = [_elongated(edge, np.floor(angle + offset).astype(int) % ORIENTATIONS, least) for offset in (0.0, 0.5)]
    ends = np.concatenate(found)
    order = np.argsort(-np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1), kind="stable")
    return Segments(ends=_without_twins(ends[order])[:MOST_SEGMENTS])


def _ridge(size: np.ndarray, gu: np.ndarray, gv: np.ndarray) -> np.ndarray:
    """Largest across the edge, give or take a pixel's width, so that each edge is about two pixels wide."""
    across = np.abs(gu) > np.abs(gv)
    left_right = np.maximum(np.roll(size, 1, 1), np.roll(size, -1, 1))
    up_down = np.maximum(np.roll(size, 1, 0), np.roll(size, -1, 0))
    ridge = size >= 0.9 * np.where(across, left_right, up_down)
    ridge[[0, -1]] = False
    ridge[:, [0, -1]] = False
    return ridge


def _elongated(edge: np.ndarray, group: np.ndarray, least: float) -> Float64[np.ndarray, "s 2 2"]:
    """Connected pixels of one group that form a thin line."""
    labels, total = np.zeros(edge.shape, np.int64), 0
    for orientation in range(ORIENTATIONS):
        part, count = ndimage.label(edge & (group == orientation), np.ones((3, 3)))
        labels[part > 0] = part[part > 0] + total
        total += count
    v, u = np.nonzero(labels)
    label = labels[v, u] - 1
    kept = np.bincount(label, minlength=total) >= least * 0.8
    chosen = kept[label]
    if not chosen.any():
        return np.zeros((0, 2, 2))
    label = (np.cumsum(kept) - 1)[label[chosen]]
    px, py = u[chosen] + 0.5, v[chosen] + 0.5
    pixels = np.bincount(label)
    mu, mv = np.bincount(label, px) / pixels, np.bincount(label, py) / pixels
    du, dv = px - mu[label], py - mv[label]
    uu, vv, uv = [np.bincount(label, product) / pixels for product in (du * du, dv * dv, du * dv)]
    angle = 0.5 * np.arctan2(2 * uv, uu - vv)
    across = np.sqrt(np.maximum((uu + vv) / 2 - np.hypot((uu - vv) / 2, uv), 0))
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    along = du * direction[label, 0] + dv * direction[label, 1]
    low, high = np.zeros(len(pixels)), np.zeros(len(pixels))
    np.minimum.at(low, label, along)
    np.maximum.at(high, label, along)
    centre = np.stack([mu, mv], axis=1)
    ends = np.stack([centre + low[:, None] * direction, centre + high[:, None] * direction], axis=1)
    return ends[(across <= WIDEST) & (high - low >= least)]


def _without_twins(ends: Float64[np.ndarray, "s 2 2"]) -> Float64[np.ndarray, "k 2 2"]:
    """Drop segments that lie along a longer one: both groupings find most lines."""
    kept: list[int] = []
    direction = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.linalg.norm(direction, axis=1), 1e-9)
    direction = direction / length[:, None]
    for index in range(len(ends)):
        if kept:
            offset = ends[index].mean(axis=0) - ends[kept, 0]
            along = (offset * direction[kept]).sum(axis=1)
            across = np.abs(offset[:, 0] * direction[kept, 1] - offset[:, 1] * direction[kept, 0])
            parallel = np.abs(direction[kept] @ direction[index]) > np.cos(np.radians(6.0))
            if (parallel & (across < 2.0) & (along > 0) & (along < length[kept])).any():
                continue
        kept.append(index)
    return ends[kept]


def find_right_angles(segments: Segments, K: Float64[np.ndarray, "3 3"]) -> RightAngles:
    """The upright frame of three directions at right angles that most of the edges' length runs along.

    All tilts, rolls and headings are tried in steps and the best is refined (Coughlan & Yuille 1999); tilts and rolls that
    nobody holds a camera at are left out, the rest weighed by a prior.
    """
    if not len(segments):
        return in_frame(segments, K, _frame(0.0, 0.0, 0.0))
    weights = segments.lengths / segments.lengths.sum()
    best, at = -np.inf, np.zeros(3)
    for tilt in np.arange(-TILT_DEG, TILT_DEG + 1e-9, COARSE_DEG):
        for roll in np.arange(-ROLL_DEG, ROLL_DEG + 1e-9, COARSE_DEG):
            headings = np.arange(-45.0, 45.0, COARSE_DEG)
            value = _scores(segments, K, tilt, roll, headings, weights, 2 * SIGMA_DEG)
            k = int(np.argmax(value))
            if value[k] > best:
                best, at = float(value[k]), np.array([tilt, roll, headings[k]])
    best = float(_scores(segments, K, at[0], at[1], at[2:], weights, SIGMA_DEG)[0])
    step = COARSE_DEG / 2
    while step > 0.05:
        moved = False
        for axis in range(3):
            for sign in (-1.0, 1.0):
                trial = at.copy()
                trial[axis] += sign * step
                reached = float(_scores(segments, K, trial[0], trial[1], trial[2:], weights, SIGMA_DEG)[0])
                if reached > best + 1e-12:
                    best, at, moved = reached, trial, True
        step = step if moved else step / 2
    return in_frame(segments, K, _frame(*at))


def in_frame(segments: Segments, K: Float64[np.ndarray, "3 3"], camera_from_frame: Float64[np.ndarray, "3 3"]) -> RightAngles:
    """Which axis of a given frame every segment runs along, and whether they speak for the frame."""
    off = np.concatenate([_angle_off(segments, K, camera_from_frame[:, k][None]) for k in range(3)])
    along = np.where(off.min(axis=0) <= BELONGS_DEG, off.argmin(axis=0), -1).astype(np.int64)
    counts = np.bincount(along[along >= 0], minlength=3)
    share = float(segments.lengths[along >= 0].sum()) / max(float(segments.lengths.sum()), 1e-9)
    believed = bool(counts[2] >= TELLING and counts[:2].max() >= TELLING and share >= TELLING_SHARE)
    return RightAngles(camera_from_frame=camera_from_frame, along=along, share=share, believed=believed)


def _frame(tilt: float, roll: float, heading: float) -> Float64[np.ndarray, "3 3"]:
    """Columns forward, left, up of a level frame in a camera tilted up, rolled and turned by so many degrees."""
    t, r, h = np.radians([tilt, roll, heading])
    up = np.array([np.sin(r) * np.cos(t), -np.cos(r) * np.cos(t), np.sin(t)])
    ahead = np.array([0.0, 0.0, 1.0]) - up[2] * up
    ahead /= np.linalg.norm(ahead)
    left = np.cross(up, ahead)
    return np.stack([np.cos(h) * ahead + np.sin(h) * left, -np.sin(h) * ahead + np.cos(h) * left, up], axis=1)


def _angle_off(
    segments: Segments, K: Float64[np.ndarray, "3 3"], directions: Float64[np.ndarray, "d 3"]
) -> Float64[np.ndarray, "d s"]:
    """Angle between every segment and the line from its middle to each direction's vanishing point [degrees]."""
    vanishing = directions @ K.T
    middles = segments.middles
    to_u = vanishing[:, :1] - vanishing[:, 2:] * middles[:, 0]
    to_v = vanishing[:, 1:2] - vanishing[:, 2:] * middles[:, 1]
    run = segments.ends[:, 1] - segments.ends[:, 0]
    sine = np.abs(to_u * run[:, 1] - to_v * run[:, 0])
    return np.degrees(np.arctan2(sine, np.abs(to_u * run[:, 0] + to_v * run[:, 1])))


def _scores(
    segments: Segments,
    K: np.ndarray,
    tilt: float,
    roll: float,
    headings: np.ndarray,
    weights: np.ndarray,
    sigma: float,
) -> np.ndarray:
    """Share of length explained at each heading, weighed by how a camera is held."""
    frames = np.stack([_frame(tilt, roll, heading) for heading in headings])
    fit = np.zeros((len(headings), len(weights)))
    for k in (0, 1):
        fit = np.maximum(fit, np.exp(-0.5 * (_angle_off(segments, K, frames[:, :, k]) / sigma) ** 2))
    fit = np.maximum(fit, np.exp(-0.5 * (_angle_off(segments, K, frames[:1, :, 2]) / sigma) ** 2))
    held = np.exp(-0.5 * ((tilt / TILT_SIGMA_DEG) ** 2 + (roll / ROLL_SIGMA_DEG) ** 2))
    return (fit @ weights) * (0.7 + 0.3 * held)
