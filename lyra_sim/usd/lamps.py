"""Where lamps hang: under a roof, over free floor, a few metres apart, so that a closed room isn't dark inside."""

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import distance_transform_edt, maximum_filter

from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.navigation import Navigation

SPACING = 2.5
"""Roomy floor is at most this far from a lamp, as long as there are any left [m]. Convention."""

MOST = 12
"""Each lamp costs every renderer; a flat needs about one a room. Convention."""

_CLEARANCE, _NARROW, _NEIGHBOURHOOD = 0.8, 0.3, 1.0
"""Of a lamp from walls and furniture, seen from above; where nothing is that roomy within a neighbourhood, its roomiest
cell will do, down to _NARROW [m]. Convention."""

_BELOW_ROOF, _LOWEST, _HIGHEST = 0.3, 1.2, 3.0
"""[m]; a higher hall is lit from 3 m. Convention."""


def lamp_places(mesh: TriMesh, navigation: Navigation) -> Float64[np.ndarray, "n 3"]:
    """Places [m], none in the open: farthest-point sampling (Gonzalez 1985) of free cells, the roomiest first."""
    occupancy = navigation.occupancy
    room = distance_transform_edt(np.pad(occupancy.free, 1))[1:-1, 1:-1] * occupancy.resolution
    side = 2 * round(_NEIGHBOURHOOD / occupancy.resolution) + 1
    cells = np.argwhere((room >= _CLEARANCE) | ((room >= _NARROW) & (room == maximum_filter(room, side))))
    if not len(cells):
        return np.zeros((0, 3))
    spots = occupancy.centres(cells)
    chosen = [int(room[tuple(cells.T)].argmax())]
    nearest = np.linalg.norm(spots - spots[chosen[0]], axis=1)
    while len(chosen) < MOST and nearest.max() > SPACING:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(spots - spots[chosen[-1]], axis=1))
    roofs = np.array([_roof_above(mesh, spot) for spot in spots[chosen]])
    heights = np.clip(roofs - _BELOW_ROOF, _LOWEST, _HIGHEST)
    under = np.isfinite(roofs) & (heights < roofs)
    return np.round(np.column_stack([spots[chosen], heights])[under], 3)


def _roof_above(mesh: TriMesh, spot: Float64[np.ndarray, "2"]) -> float:
    """Height of the lowest face straight above a floor point, from the lowest lamp up [m]; infinite if there is none."""
    t = mesh.triangles.astype(np.float64)
    near = (t[:, :, :2].min(axis=1) <= spot).all(axis=1) & (t[:, :, :2].max(axis=1) >= spot).all(axis=1)
    a, b, c = t[near & (t[:, :, 2].max(axis=1) > _LOWEST)].transpose(1, 0, 2)
    (ux, uy), (vx, vy), (px, py) = (b - a)[:, :2].T, (c - a)[:, :2].T, (spot - a[:, :2]).T
    area = ux * vy - uy * vx
    with np.errstate(divide="ignore", invalid="ignore"):  # upright faces have no area from above and hold nothing
        s, r = (px * vy - py * vx) / area, (ux * py - uy * px) / area
    inside = (s >= 0) & (r >= 0) & (s + r <= 1)
    heights = (a[:, 2] + s * (b - a)[:, 2] + r * (c - a)[:, 2])[inside]
    above = heights[heights > _LOWEST]
    return float(above.min()) if len(above) else np.inf
