"""What hangs over the robot's way ends at the top of its height band if its measured surface does.

A hull is made of whole voxels, so the underside of a shelf deck may hang a centimetre lower than it was measured. Where that is
the centimetre between the deck and a robot's head, the map bars all the floor under the deck.
"""

import numpy as np
from jaxtyping import Float64

from lyra_sim.collision.clutter.parts import Part
from lyra_sim.collision.measured.measured_voxels import VoxelSurface
from lyra_sim.data.grid import FreeSpace

CLEAR = 2e-3
"""An underside is drawn up to this far over the band [m]: the map counts a hull that reaches 1 mm into it. Derived."""
LEAST_LEFT = 0.01
"""A hull that would be thinner than this stays as it is [m]. Convention."""


def drawn_up(
    part: Part, surface: VoxelSurface, free_space: FreeSpace, *, floor: tuple[np.ndarray, float], band_high: float
) -> Float64[np.ndarray, "m 3"]:
    """Corners of a part's hull [m], none in the robot's band if it hangs into that by less than a voxel and was measured above.

    Args:
        part: Its voxels and corners.
        surface: Where the surface before each voxel lies.
        free_space: The grid.
        floor: Unit normal and offset of the main floor.
        band_high: Top of the band over it [m].
    """
    normal, offset = np.asarray(floor[0], np.float64), float(floor[1])
    voxel, height = free_space.voxel_size, part.points @ normal - offset
    low, top = float(height.min()), band_high + CLEAR
    if not top - voxel < low < top or float(height.max()) < top + LEAST_LEFT:
        return part.points
    lowest = free_space.centres(part.indices) @ normal - offset < low + voxel
    if not lowest.any() or float((surface.of(part.indices[lowest], free_space) @ normal).mean()) - offset <= band_high:
        return part.points
    raised: np.ndarray = part.points + np.maximum(top - height, 0.0)[:, None] * normal
    return raised
