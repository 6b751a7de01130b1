"""The floor plan of a triangle mesh: where any of it reaches into a robot's height band."""

import numpy as np
from jaxtyping import Bool, Float64, Int

from lyra_sim.navigation.occupancy import FloorBand, FloorGrid

UPRIGHT = 0.01
"""Steepest part of a unit normal along z at which a face counts as upright. Convention."""


def blocked_by_mesh(
    vertices: Float64[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"], grid: FloorGrid, band: FloorBand
) -> Bool[np.ndarray, "nx ny"]:
    """Cells over which a triangle reaches into the band, each triangle cut to the band exactly.

    Closedness doesn't matter. The inside of a closed thing stays unmarked: nobody gets there from outside. A face that runs
    exactly along the edge of two cells counts for the one behind it, as its winding has it, where the matter is.
    """
    from lyra_sim.navigation.triangle_raster_kernels import TOUCH, mark_band

    mask = np.zeros(grid.shape, bool)
    heights = vertices @ band.normal - band.offset
    of_faces = heights[faces]
    near = (of_faces.max(axis=1) > band.low) & (of_faces.min(axis=1) < band.high)
    corners = vertices[faces[near]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    normals[np.abs(normals[:, 2]) > UPRIGHT] = 0.0
    triangles = np.ascontiguousarray(corners[:, :, :2] - 3 * TOUCH * normals[:, None, :2])
    mark_band(triangles, np.ascontiguousarray(of_faces[near]), band.low, band.high, grid.origin, grid.resolution, mask)
    return mask
