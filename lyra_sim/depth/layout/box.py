"""A room as a box around the camera, fitted to one photo by its edges and colours (after Hedau et al. 2009, Lee et al. 2009).

Everything is counted in heights of the camera above the floor; the frame's axes run along the room's (x ahead, y left, z up).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, Int64
from scipy import ndimage

from lyra_sim.depth.layout.box_kernels import compare
from lyra_sim.geometry.vanishing import Segments

FLOOR, CEILING, AHEAD, LEFT, RIGHT, NOTHING = 0, 1, 2, 3, 4, 5
"""What a ray meets. Convention."""
STEPS = np.geomspace(0.6, 30.0, 32)
"""Distances of the walls that are tried. Convention."""
CEILINGS = np.geomspace(0.35, 3.0, 16)
"""Heights of the ceiling above the camera that are tried. Convention."""
SIZES = np.geomspace(0.4, 2.5, 17)
"""Factors on all distances at once that are tried. Convention."""
USUAL = {"ahead": (3.0, 1.0), "side": (2.0, 1.0), "ceiling": (0.9, 0.3)}
"""Usual distance and its spread in natural logarithms: what is taken where the photo doesn't tell. Rooms are 2.3 to 2.8 m high
and cameras are held at 1.2 to 1.6 m: that much tells a skirting board from the edge of the floor."""
STARTS = ((3.0, 1.5, 1.5, 0.8), (2.0, 3.0, 3.0, 0.8), (5.0, 1.5, 4.0, 0.8), (5.0, 4.0, 1.5, 0.8), (8.0, 2.5, 2.5, 1.2))
"""Ahead, left, right, ceiling the search sets out from. Convention."""
EDGES, COLOURS, LINES, PRIOR = 1.0, 1.2, 2.0, 0.03
"""Weights of the evidence: boundaries on edges, surfaces of one colour each, lines that can't lie where they do, the usual.
Tuned, unrecorded."""
UNSUPPORTED = 0.35
"""Edge strength, 0..1, below which a boundary counts against the box. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """Distances from the camera to what surrounds it, in camera heights."""

    ahead: float
    left: float
    right: float
    ceiling: float
    """Above the camera; inf: none in view."""

    def meet(self, rays: Float64[np.ndarray, "h w 3"]) -> tuple[Float64[np.ndarray, "h w"], Int8[np.ndarray, "h w"]]:
        """Ray parameter of the first surface and which it is; the floor lies one unit below the camera."""
        x, y, z = np.moveaxis(rays, -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            across = np.where(x > 0, self.ahead / x, np.inf)
            side = np.where(y > 0, self.left / y, np.where(y < 0, -self.right / y, np.inf))
            level = np.where(z < 0, -1.0 / z, np.where(z > 0, self.ceiling / z, np.inf))
        nearest = np.minimum(np.minimum(across, side), level)
        surface = np.where(y > 0, LEFT, RIGHT)
        surface = np.where(across <= side, AHEAD, surface)
        surface = np.where(level < np.minimum(across, side), np.where(z < 0, FLOOR, CEILING), surface)
        return nearest, np.where(np.isfinite(nearest), surface, NOTHING).astype(np.int8)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a small copy of the photo says, for any box."""

    rays: Float64[np.ndarray, "h w 3"]
    """In the frame, camera z = 1."""
    colours: Float64[np.ndarray, "h w 3"]
    """Of the photo, blurred; 0..1."""
    edges: Float32[np.ndarray, "3 h w"]
    """Strength, 0..1, of edges that run along each axis."""
    line_pixels: Int64[np.ndarray, "s 2"]
    """Row and column of the middles of straight edges."""
    line_axes: Int64[np.ndarray, "s"]
    """Axis each runs along."""
    line_weights: Float64[np.ndarray, "s"]
    """Their lengths, together 1."""
    sky: bool
    """There is no ceiling."""
    ignored: Bool[np.ndarray, "h w"]
    """Pixels that say nothing (sky)."""

    def score(self, box: Box) -> tuple[float, float]:
        """How well a box explains the photo, and the edge strength under its boundaries alone (0..1)."""
        support, strength, parted, wrong = compare(
            self.rays,
            self.colours,
            self.edges,
            self.ignored,
            self.line_pixels,
            self.line_axes,
            self.line_weights,
            box.ahead,
            box.left,
            box.right,
            box.ceiling,
            UNSUPPORTED,
        )
        usual = sum(
            (np.log(value / USUAL[kind][0]) / USUAL[kind][1]) ** 2
            for kind, value in (("ahead", box.ahead), ("side", box.left), ("side", box.right), ("ceiling", box.ceiling))
            if np.isfinite(value)
        )
        return float(EDGES * support + COLOURS * parted - LINES * wrong - PRIOR * usual), float(strength)


def axis_edges(
    grey: Float32[np.ndarray, "h w"], K: Float64[np.ndarray, "3 3"], camera_from_frame: Float64[np.ndarray, "3 3"]
) -> Float32[np.ndarray, "3 h w"]:
    """Strength, 0..1, of edges that point to the vanishing point of each axis."""
    smooth = ndimage.gaussian_filter(grey, 0.8)
    gv, gu = np.gradient(smooth)
    size = np.hypot(gu, gv)
    strength = np.tanh(size / max(float(np.quantile(size, 0.9)), 0.01))
    v, u = np.mgrid[: grey.shape[0], : grey.shape[1]] + 0.5
    out = np.empty((3, *grey.shape), np.float32)
    for axis in range(3):
        x, y, w = K @ camera_from_frame[:, axis]
        to_u, to_v = x - w * u, y - w * v
        across = np.abs(gu * to_u + gv * to_v) / np.maximum(size * np.hypot(to_u, to_v), 1e-9)
        out[axis] = ndimage.maximum_filter(strength * np.exp(-0.5 * (across / 0.2) ** 2), 3)
    return out


def lines_of(segments: Segments, along: Int64[np.ndarray, "s"], scale: float, height: int, width: int) -> dict[str, np.ndarray]:
    """The lines of :class:`Evidence` from segments found in a photo ``1 / scale`` as large."""
    known = along >= 0
    at = np.floor(segments.middles[known] * scale).astype(np.int64)
    weights = segments.lengths[known]
    return {
        "line_pixels": np.stack([np.clip(at[:, 1], 0, height - 1), np.clip(at[:, 0], 0, width - 1)], axis=1),
        "line_axes": along[known],
        "line_weights": weights / max(float(weights.sum()), 1e-9),
    }


def fit_box(evidence: Evidence) -> tuple[Box, float]:
    """The box of the best score, and the mean edge strength under its boundaries.

    One distance at a time, then all together, are tried at all steps, round after round, from several starts; at last in
    ever smaller steps.
    """
    best_score, best = -np.inf, Box(ahead=3.0, left=2.0, right=2.0, ceiling=0.8)
    for start in STARTS:
        box = Box(ahead=start[0], left=start[1], right=start[2], ceiling=np.inf if evidence.sky else start[3])
        score = evidence.score(box)[0]
        for _ in range(4):
            before = score
            for field in ("ahead", "left", "right", "ceiling"):
                box, score = _best_of(evidence, box, score, field, CEILINGS if field == "ceiling" else STEPS)
            box, score = _resized(evidence, box, score)
            if score <= before + 1e-9:
                break
        if score > best_score + 1e-9:
            best_score, best = score, box
    for factor in (1.06, 1.03, 1.015, 1.007):
        for _ in range(2):
            for field in ("ahead", "left", "right", "ceiling"):
                value = getattr(best, field)
                best, best_score = _best_of(evidence, best, best_score, field, np.array([value / factor, value * factor]))
    return best, evidence.score(best)[1]


def _resized(evidence: Evidence, box: Box, score: float) -> tuple[Box, float]:
    """The best size of the whole box: its edges with the ceiling stay in the photo, those with the floor move."""
    shape = np.array(list(vars(box).values()))
    for factor in SIZES:
        trial = Box(**dict(zip(vars(box), (shape * factor).tolist(), strict=True)))
        reached = evidence.score(trial)[0]
        if reached > score + 1e-9:
            box, score = trial, reached
    return box, score


def _best_of(evidence: Evidence, box: Box, score: float, field: str, values: np.ndarray) -> tuple[Box, float]:
    if not np.isfinite(getattr(box, field)):
        return box, score
    for value in values:
        trial = Box(**{**vars(box), field: float(value)})
        reached = evidence.score(trial)[0]
        if reached > score + 1e-9:
            box, score = trial, reached
    return box, score
