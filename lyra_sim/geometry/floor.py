"""Gravity and the main floor from oriented surface samples."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from lyra_sim.errors import GeometryError

CONE_DEG = 30.0
"""A sample may be floor when its normal lies within this of the provisional up direction. Tuned, unrecorded."""
BAND = 0.02
"""Half thickness of the layer that supports a floor [m]. Tuned, unrecorded."""
MIN_AREA = 0.3
"""Least seen floor [m^2]. Tuned, unrecorded."""
LOWEST_SHARE = 0.25
"""A lower layer is taken over the largest one when it has at least this share of its area. Tuned, unrecorded."""

BUILT = 0.4
"""Share of the samples that is level or plumb wherever a room was seen; of depth that fits no cameras it is less. Tuned,
unrecorded."""

FLOOR_PIECES = 30
"""Independent pieces the samples of a floor count as: neighbours err together. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A plane ``normal . x = height`` in the frame of the samples, with what supports it."""

    normal: Float64[np.ndarray, "3"]
    """Unit, up."""
    height: float
    """In the samples' units."""
    support: int
    """Samples within the band."""
    area: float
    """Seen floor [m^2]."""
    rms: float
    """Residual of the support [m]."""
    tilt_sigma_deg: float
    """1-sigma of the fitted normal, by how far the support reaches along its shorter side; built floors are level to less."""
    wall_tilt_deg: float | None
    """Median angle between walls and the plane's normal, an independent check of gravity; None without walls."""
    on_floor: np.ndarray
    """Mask of the supporting samples."""


def find_floor(
    points: Float64[np.ndarray, "n 3"],
    normals: Float64[np.ndarray, "n 3"],
    *,
    up: Float64[np.ndarray, "3"],
    cameras: Float64[np.ndarray, "m 3"],
    cell: float,
    metres_per_unit: float,
    subject: str,
    noise: float = 0.0,
) -> Floor:
    """The main floor: the lowest large layer of upward samples below the cameras, fitted by least squares.

    Args:
        points: Surface samples, about one per ``cell`` squared, in units of the frame.
        normals: Unit, towards the viewer.
        up: Provisional up direction.
        cameras: Camera centres; a floor lies below their median.
        cell: Edge of the cells the samples stand for [frame units].
        metres_per_unit: Provisional scale.
        subject: Named in errors.
        noise: One standard deviation of the samples across the floor [m]; 0 for measured depth.

    Raises:
        GeometryError: No level layer below the cameras is large enough.
    """
    up = up / np.linalg.norm(up)
    for cone in np.radians(
        [CONE_DEG, CONE_DEG, 20.0, 15.0, 10.0, 10.0]
    ):  # the mean normal of what is level settles on the floor's
        near = normals @ up > np.cos(cone)
        if near.sum() < 50:
            break
        up = normals[near].mean(axis=0)
        up /= np.linalg.norm(up)
    band, sample_area = float(np.hypot(BAND, noise)) / metres_per_unit, (cell * metres_per_unit) ** 2
    eye = float(np.median(cameras @ up))
    heights = points @ up
    candidate = (normals @ up > np.cos(np.radians(15.0))) & (heights < eye)
    if candidate.sum() * sample_area < MIN_AREA:
        along = np.abs(normals @ up)
        built = bool(((along > np.cos(np.radians(15.0))) | (along < np.sin(np.radians(15.0)))).mean() > BUILT)
        raise GeometryError(
            subject,
            f"{candidate.sum() * sample_area:.2f} m² of level surface below the cameras",
            expected=f"at least {MIN_AREA} m² of floor",
            likely="The floor was never in view, or the up direction is wrong."
            if built
            else "Hardly anything is level or plumb: depth and cameras may not belong together, or up is another direction.",
            next_step="Film the floor, or set 'up' for the scene."
            if built
            else "Look at the capture's depth and cameras first.",
        )
    height = _lowest_large_layer(heights[candidate], band)
    normal, rms = up, np.inf
    support = candidate & (np.abs(heights - height) < 2 * band)
    for _ in range(6):
        centre = points[support].mean(axis=0)
        axes = np.linalg.svd(points[support] - centre, full_matrices=False)[2]
        normal = axes[2] * np.sign(axes[2] @ up)
        height = float(normal @ centre)
        residual = points @ normal - height
        support = (np.abs(residual) < band) & (normals @ normal > np.cos(np.radians(20.0)))
        rms = float(np.sqrt(np.mean(residual[support] ** 2)))
    walls = np.abs(normals @ normal) < np.sin(np.radians(10.0))
    tilt = (
        float(np.degrees(np.median(np.abs(np.arcsin(np.clip(normals[walls] @ normal, -1, 1)))))) if walls.sum() > 200 else None
    )
    return Floor(
        normal=normal,
        height=height,
        support=int(support.sum()),
        area=float(support.sum() * sample_area),
        rms=rms * metres_per_unit,
        tilt_sigma_deg=plane_tilt_sigma_deg(points[support], rms),
        wall_tilt_deg=tilt,
        on_floor=support,
    )


def plane_tilt_sigma_deg(points: Float64[np.ndarray, "n 3"], rms: float) -> float:
    """1-sigma of the normal of a plane fitted to ``points`` with that residual, in the direction it is known worst [degrees].

    Both in the same unit. A long narrow strip of floor tells its tilt along, not across.
    """
    if len(points) < 3:
        return 90.0
    shorter = np.sqrt(max(float(np.linalg.eigvalsh(np.cov(points.T))[1]), 0.0))
    return float(np.degrees(np.arctan2(rms, shorter * np.sqrt(min(len(points), FLOOR_PIECES)))))


def _lowest_large_layer(heights: np.ndarray, band: float) -> float:
    edges = np.arange(heights.min() - 2 * band, heights.max() + 3 * band, band / 2)
    counts = np.histogram(heights, edges)[0]
    layer = np.convolve(counts, np.ones(4), mode="same")  # samples within ± one band
    lowest = int(np.argmax(layer >= LOWEST_SHARE * layer.max()))
    stop = min(lowest + 5, len(layer))
    best = lowest + int(np.argmax(layer[lowest:stop]))
    return float(edges[best] + band / 4)
