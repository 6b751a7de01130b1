"""Markers in one photo: OpenCV finds and reads them, and the edges of the black square are fitted again here.

OpenCV's own corners are either whole pixels or lie where blur has rounded the corner off. An edge has far more pixels than a
corner and blur doesn't move it, so every edge is found from where light changes across it. Its points are taken through the
lens, where straight things are straight, and corners are where the lines meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from lyra_sim.capture.cameras.undistorted_rays import undistorted_rays
from lyra_sim.conventions import linear_from_srgb
from lyra_sim.data.posed import Lens
from lyra_sim.scene.sources import MarkerDictionary

SMALLEST_PX = 12.0
"""Markers with a shorter edge than this are left [px]: edges would blur into one another. Convention."""
ALONG, MIDDLE = 48, 0.84
"""Points along an edge at the most, and the share of it they lie on: at its ends the other edge's blur begins. Convention."""
REACH, WINDOW, STEP = 4.0, 0.65, 0.25
"""Light is looked at this far to both sides of an edge at the most [px], no further than this share of a module, and this
densely [px]. Tuned on the tests' renders."""
LOOKS, FAINT = 4, 0.25
"""Times an edge is looked at, each time from where it was found; and the share of the steepest change that still counts: less
is the blur of what lies beside it. Tuned on the tests' renders."""
OFF_LINE = 2.5
"""A point of an edge further from its line than this many times the median is left out. Convention."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A marker in one photo."""

    view: int
    marker: int
    """Its id in the dictionary."""
    corners: Float64[np.ndarray, "4 2"]
    """Undistorted (x/z, y/z), clockwise from the marker's own top left, OpenCV camera axes."""
    side_px: float
    """Mean edge in the photo [px]."""


def sightings(
    grey: UInt8[np.ndarray, "h w"], lens: Lens, dictionary: MarkerDictionary, *, view: int, ids: Sequence[int] | None
) -> list[Sighting]:
    """Markers of a dictionary in a photo, by id and place.

    Args:
        grey: The photo as taken, display-referred.
        lens: It was taken with.
        dictionary: Of the markers.
        view: Number of the photo.
        ids: Only these; None: all.
    """
    import cv2

    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, dictionary)))
    found, names, _ = detector.detectMarkers(grey)
    seen = []
    for corners, name in zip(found, [] if names is None else np.ravel(names).tolist(), strict=True):
        pixels = np.asarray(corners, np.float64).reshape(4, 2) + 0.5  # OpenCV's first pixel has its centre at (0, 0)
        side = float(np.linalg.norm(pixels - np.roll(pixels, -1, axis=0), axis=1).mean())
        if side < SMALLEST_PX or (ids is not None and name not in ids):
            continue
        modules = detector.getDictionary().markerSize + 2
        fitted = _fitted(grey, pixels, lens, reach=min(REACH, WINDOW * side / modules))
        if fitted is not None:
            seen.append(Sighting(view=view, marker=int(name), corners=fitted, side_px=side))
    return sorted(seen, key=lambda one: (one.marker, one.corners[0].tolist()))


def _fitted(
    grey: UInt8[np.ndarray, "h w"], pixels: Float64[np.ndarray, "4 2"], lens: Lens, *, reach: float
) -> Float64[np.ndarray, "4 2"] | None:
    """Corners where the fitted edges meet; None where an edge can't be found, as at the photo's rim."""
    lines = []
    for start, end in zip(pixels, np.roll(pixels, -1, axis=0), strict=True):
        points = _edge_points(grey, start, end, reach)
        rays = undistorted_rays(lens, points) if len(points) else points
        rays = rays[np.isfinite(rays).all(axis=1)]
        if len(rays) < 4:
            return None
        lines.append(_line(rays))
    corners = [_meeting(before, after) for before, after in zip(np.roll(lines, 1, axis=0), lines, strict=True)]
    return np.stack(corners) if np.isfinite(corners).all() else None


def _edge_points(
    grey: UInt8[np.ndarray, "h w"], start: Float64[np.ndarray, "2"], end: Float64[np.ndarray, "2"], reach: float
) -> Float64[np.ndarray, "n 2"]:
    """Where light changes across an edge that runs clockwise, black on its right [px].

    The middle of the change of *light*, not of pixel values: blur adds light, so it moves no edge there.
    """
    along = end - start
    length = float(np.linalg.norm(along))
    outward = np.array([along[1], -along[0]]) / length
    count = int(np.clip(MIDDLE * length, 6, ALONG))
    at = start + along * np.linspace(0.5 - MIDDLE / 2, 0.5 + MIDDLE / 2, count)[:, None]
    offsets = np.arange(-reach, reach + STEP / 2, STEP)
    middle = (offsets[:-1] + offsets[1:]) / 2
    for _ in range(LOOKS):  # what is cut off at the ends must weigh alike, so the window has to be about the edge itself
        places = at[:, None] + offsets[None, :, None] * outward
        inside = (places >= 0.5).all(axis=(1, 2)) & (places <= np.array(grey.shape[::-1]) - 0.5).all(axis=(1, 2))
        places, at = places[inside], at[inside]
        if not len(at):
            break
        change = np.maximum(np.diff(_light(grey, places), axis=1), 0.0)
        change = np.where(change > FAINT * change.max(axis=1, keepdims=True), change, 0.0)
        total = change.sum(axis=1)
        at, change, total = at[total > 1e-3], change[total > 1e-3], total[total > 1e-3]
        at = at + np.clip(change @ middle / total, -reach, reach)[:, None] * outward
    return at


def _light(grey: UInt8[np.ndarray, "h w"], places: Float64[np.ndarray, "n m 2"]) -> Float64[np.ndarray, "n m"]:
    """Linear light at places, bilinear between pixels whose sRGB curve is undone first."""
    import cv2

    low = np.maximum(np.floor(places.min(axis=(0, 1))).astype(int) - 2, 0)
    high = np.ceil(places.max(axis=(0, 1))).astype(int) + 2
    patch = grey[low[1] : high[1], low[0] : high[0]].astype(np.float32) / 255
    linear = np.ascontiguousarray(linear_from_srgb(np.stack([patch] * 3, axis=-1))[..., 0])
    at = (places - low - 0.5).astype(np.float32)
    return np.asarray(
        cv2.remap(linear, at[..., 0].copy(), at[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float64
    )


def _line(points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "3"]:
    """(a, b, c) of the line ``ax + by + c = 0`` nearest to points, those far off it left out."""
    kept = np.ones(len(points), bool)
    for _ in range(3):
        centre = points[kept].mean(axis=0)
        normal = np.linalg.svd(points[kept] - centre)[2][1]
        off = np.abs((points - centre) @ normal)
        kept = off <= max(OFF_LINE * float(np.median(off)), 1e-12)
        if kept.sum() < 4:
            break
    return np.array([*normal, -normal @ centre])


def _meeting(one: Float64[np.ndarray, "3"], other: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "2"]:
    """Where two lines meet; not finite where they are parallel."""
    across = np.cross(one, other)
    return across[:2] / across[2] if across[2] != 0 else np.full(2, np.nan)
