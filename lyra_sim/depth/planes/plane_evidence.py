"""Where on its plane a surface was measured, and where views look through it: evidence of all views, kept on a grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from scipy import ndimage

from lyra_sim.depth.planes.plane_finding import TOLERANCE, ScenePlane
from lyra_sim.depth.planes.plane_kernels import add_evidence, enclosure
from lyra_sim.geometry.cameras import CameraPath

CELL = 0.012
"""Cells of the grid, over the median depth of the scene. Tuned, unrecorded."""
CELL_PIXELS = 2.5
"""… but at least this many pixels wide there, so that a line of pixels leaves no gaps. Tuned, unrecorded."""
MARGIN = 0.4
"""A grid reaches this far beyond the plane's points, over the median depth of the scene. Tuned, unrecorded."""
MAX_CELLS = 500
"""Longer side of a grid at most; cells grow to keep it. Convention."""
MIN_PIXELS = 2
"""A view says something about a cell with this many pixels. Convention."""
REACH = 1.2
"""Support further away does not enclose a cell, over the median depth of the scene. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class PlaneEvidence:
    """Cells of all planes one after another; a cell of plane ``p`` is ``starts[p] + a * shapes[p, 1] + b``."""

    normals: Float64[np.ndarray, "p 3"]
    offsets: Float64[np.ndarray, "p"]
    axes_a: Float64[np.ndarray, "p 3"]
    axes_b: Float64[np.ndarray, "p 3"]
    lows: Float64[np.ndarray, "p 2"]
    shapes: Int64[np.ndarray, "p 2"]
    starts: Int64[np.ndarray, "p"]
    cell: float
    on: UInt8[np.ndarray, "cells"]
    """Views that measured the surface in the cell."""
    open: Bool[np.ndarray, "cells"]
    """Views look through the cell and see what lies behind: nothing is there."""
    colour: Float32[np.ndarray, "cells 3"]
    """Mean colour where measured; NaN elsewhere."""
    around: UInt8[np.ndarray, "cells"]
    """Directions of 8 in which support lies within reach."""
    away: Float32[np.ndarray, "cells"]
    """Distance to the nearest support [capture units]."""


def collect_evidence(
    planes: Sequence[ScenePlane],
    cameras: CameraPath,
    rgb: Sequence[Float32[np.ndarray, "h w 3"]],
    z_depths: Sequence[Float32[np.ndarray, "h w"]],
    *,
    scene_depth: float,
    radius: int,
) -> PlaneEvidence:
    """Lay a grid on every plane and let every measured pixel of every view say what it knows about the cells.

    What is measured ``radius`` pixels away tells whether a surface lies on the plane or goes through it.

    Args:
        planes: In the capture frame.
        cameras: At the size of the maps.
        rgb: Of every view, 0..1.
        z_depths: Of every view [capture units]; NaN where nothing was measured.
        scene_depth: Median depth of the scene [capture units].
        radius: [px].
    """
    normals = np.stack([plane.normal for plane in planes])
    axes_a = np.stack([_across(normal) for normal in normals])
    axes_b = np.cross(normals, axes_a)
    lows, highs = np.empty((len(planes), 2)), np.empty((len(planes), 2))
    for p, plane in enumerate(planes):
        flat = plane.points @ np.stack([axes_a[p], axes_b[p]]).T
        lows[p] = np.percentile(flat, 0.5, axis=0) - MARGIN * scene_depth
        highs[p] = np.percentile(flat, 99.5, axis=0) + MARGIN * scene_depth
    footprint = CELL_PIXELS * scene_depth / float(np.median(cameras.K[:, 0, 0]))
    cell = max(CELL * scene_depth, footprint, float((highs - lows).max()) / MAX_CELLS)
    shapes = np.ceil((highs - lows) / cell).astype(np.int64)
    sizes = shapes.prod(axis=1)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    total = int(sizes.sum())
    on_views, through_views = np.zeros(total, np.uint16), np.zeros(total, np.uint16)
    colours, pixels = np.zeros((total, 3), np.float64), np.zeros(total, np.int64)
    for index, z_depth in enumerate(z_depths):
        on, through = np.zeros(total, np.uint16), np.zeros(total, np.uint16)
        add_evidence(
            z_depth,
            rgb[index],
            cameras.K[index],
            cameras.c2w[index],
            normals,
            np.array([plane.offset for plane in planes]),
            axes_a,
            axes_b,
            lows,
            shapes,
            starts,
            cell,
            TOLERANCE,
            radius,
            on,
            through,
            colours,
        )
        on_views += (on >= MIN_PIXELS) & (on >= through)
        through_views += (through >= MIN_PIXELS) & (through > 2 * on)
        pixels += on
    supported = on_views >= np.minimum(2, len(z_depths))
    around, away = np.zeros(total, np.uint8), np.full(total, np.inf, np.float32)
    for p, start in enumerate(starts):
        part = slice(start, start + sizes[p])
        grid = (supported[part] & (on_views[part] >= through_views[part])).reshape(shapes[p])
        found = enclosure(ndimage.binary_dilation(grid), int(REACH * scene_depth / cell))
        around[part] = ndimage.median_filter(found, 7).ravel()
        if grid.any():
            away[part] = (ndimage.distance_transform_edt(~grid) * cell).astype(np.float32).ravel()
    with np.errstate(invalid="ignore"):
        colour = (colours / np.where(pixels > 0, pixels, np.nan)[:, None]).astype(np.float32)
    return PlaneEvidence(
        normals=normals,
        offsets=np.array([plane.offset for plane in planes]),
        axes_a=axes_a,
        axes_b=axes_b,
        lows=lows,
        shapes=shapes,
        starts=starts,
        cell=cell,
        on=np.minimum(on_views, 255).astype(np.uint8),
        open=(through_views >= 2) & (through_views > on_views),
        colour=colour,
        around=around,
        away=away,
    )


def _across(normal: np.ndarray) -> np.ndarray:
    """A unit vector in the plane."""
    axis = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    return axis / np.linalg.norm(axis)
