"""GPS fixes as metres: one local tangent plane for a whole capture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from lyra_sim.data.posed import GpsFix

WGS84_EQUATOR_M = 6_378_137.0
"""Semi-major axis of the WGS 84 ellipsoid [m] (NIMA TR8350.2, 2000). Convention."""
WGS84_FLATTENING = 1 / 298.257223563
"""Flattening of the WGS 84 ellipsoid (NIMA TR8350.2, 2000). Convention."""


def east_north_up(fixes: Sequence[GpsFix | None]) -> Float64[np.ndarray, "n 3"] | None:
    """East, north, up of every fix from their mean [m]; NaN rows without a usable fix, None when no photo has one.

    Fixes go to earth-centred coordinates and from there into the tangent plane at their mean (Hofmann-Wellenhof,
    Lichtenegger and Collins 2001); its axes are taken at the mean of the ellipsoid normals (Gade 2010), so that the
    date line is nothing special.

    A fix without altitude is put at the mean altitude of those that have one: its height then says nothing, 0 relative to
    the others, and its east and north still count. Stale fixes are dropped, see :func:`live_fixes`.

    Args:
        fixes: One per photo, in the order they were taken.
    """
    live = live_fixes(fixes)
    at = [index for index, fix in enumerate(live) if fix is not None]
    if not at:
        return None
    kept = [fix for fix in live if fix is not None]
    heights = np.array([np.nan if fix.altitude is None else fix.altitude for fix in kept], np.float64)
    known = np.isfinite(heights)
    heights[~known] = heights[known].mean() if known.any() else 0.0
    latitudes = np.radians([fix.latitude for fix in kept])
    longitudes = np.radians([fix.longitude for fix in kept])
    metres = np.full((len(live), 3), np.nan)
    metres[at] = _from_mean(latitudes, longitudes, heights)
    return metres


def live_fixes(fixes: Sequence[GpsFix | None]) -> list[GpsFix | None]:
    """The fixes without those that merely repeat the one before.

    A receiver that loses the sky hands out its last fix again and again while the walk goes on. Two real fixes never agree
    to the last digit in all three figures, so of a run of identical ones the first is kept; a photo without any fix in
    between doesn't end the run. A camera that truly stands still loses nothing but repetitions.
    """
    live: list[GpsFix | None] = []
    last = None
    for fix in fixes:
        live.append(None if fix == last else fix)
        last = fix if fix is not None else last
    return live


def earth_centred(
    latitudes: Float64[np.ndarray, "n"], longitudes: Float64[np.ndarray, "n"], heights: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n 3"]:
    """WGS 84 earth-centred, earth-fixed coordinates [m] of geodetic ones [rad, rad, m]."""
    squeeze = (1 - WGS84_FLATTENING) ** 2
    normals = _normals(latitudes, longitudes)
    to_axis = WGS84_EQUATOR_M / np.sqrt(np.cos(latitudes) ** 2 + squeeze * np.sin(latitudes) ** 2)
    return normals * (to_axis[:, None] * [1.0, 1.0, squeeze] + heights[:, None])


def _normals(latitudes: Float64[np.ndarray, "n"], longitudes: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 3"]:
    """Outward unit normals of the ellipsoid."""
    across = np.cos(latitudes)
    return np.stack([across * np.cos(longitudes), across * np.sin(longitudes), np.sin(latitudes)], axis=1)


def _from_mean(
    latitudes: Float64[np.ndarray, "n"], longitudes: Float64[np.ndarray, "n"], heights: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n 3"]:
    positions = earth_centred(latitudes, longitudes, heights)
    up = _normals(latitudes, longitudes).mean(axis=0)
    up /= np.linalg.norm(up)
    east = np.array([-up[1], up[0], 0.0])
    east /= np.linalg.norm(east)
    return (positions - positions.mean(axis=0)) @ np.stack([east, np.cross(up, east), up], axis=1)
