"""No hull thinner than 1:60: PhysX can't build a GPU hull of such a sliver, so it is cut across its length or thickened."""

import numpy as np
from jaxtyping import Float64
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from lyra_sim.collision.convex.pieces import Piece, convex_hull

MAX_ASPECT = 55.0
"""Length over thickness a piece may have; the engines' limit is 60. Derived."""
MAX_CUTS = 4
"""A piece is halved at most this often: sixteen parts. What is a sliver even then is thickened. Convention."""
GROWTH = 0.01
"""A piece that lacks no more than this is thickened at once [m]: half of it on either side is well within a voxel.
Convention."""
MOST_THICKENINGS = 4
"""A rod is thin across two directions, and thickening turns its faces a little. Convention."""
GROWTH_SLACK = 1e-3
"""On either side [m]: thickening lengthens a little, and single precision rounds. Derived."""


def without_slivers(pieces: list[Piece]) -> list[Piece]:
    """The same matter with every piece cut across, or thickened, until it is short enough for its thickness; order is kept."""
    return [part for piece in pieces for part in _cut(piece, MAX_CUTS)]


def _cut(piece: Piece, cuts: int) -> list[Piece]:
    vertices, faces = convex_hull(piece.points, max_vertices=len(piece.points))
    corners = vertices.astype(np.float64)
    axis, length = _longest(corners)
    across, thickness = _thinnest(corners, faces)
    lacking = length / MAX_ASPECT - thickness
    if lacking <= 0:
        return [piece]
    if cuts == 0 or lacking <= GROWTH:
        shift = (lacking / 2 + GROWTH_SLACK) * across
        thicker = Piece(label=piece.label, points=np.concatenate([corners - shift, corners + shift]))
        return _cut(thicker, cuts)  # a rod is thin across two directions
    return [part for half in _halved(corners, faces, axis) for part in _cut(Piece(label=piece.label, points=half), cuts - 1)]


def halves(piece: Piece) -> list[Piece]:
    """A piece cut across the middle of its length."""
    vertices, faces = convex_hull(piece.points, max_vertices=len(piece.points))
    corners = vertices.astype(np.float64)
    return [Piece(label=piece.label, points=half) for half in _halved(corners, faces, _longest(corners)[0])]


def _halved(corners: np.ndarray, faces: np.ndarray, axis: np.ndarray) -> list[Float64[np.ndarray, "n 3"]]:
    along = corners @ axis
    middle = (along.min() + along.max()) / 2
    return [clipped(corners, faces, sign * axis, sign * middle) for sign in (1.0, -1.0)]


def stouter(corners: Float64[np.ndarray, "n 3"], equations: np.ndarray) -> Float64[np.ndarray, "m 3"] | None:
    """Corners of a sliver thickened until it is none; None if it wasn't one.

    Args:
        corners: Of a convex piece [m].
        equations: Its half-spaces, unit normals first.
    """
    changed = None
    for _ in range(MOST_THICKENINGS):
        length = float(pdist(corners).max())  # no less than any later look along some axis finds
        widths = np.ptp(equations[:, :3] @ corners.T, axis=1)
        across, thickness = equations[int(widths.argmin()), :3], float(widths.min())
        lacking = length / MAX_ASPECT - thickness
        if lacking <= 0:
            break
        shift = (lacking / 2 + GROWTH_SLACK) * across
        both = np.concatenate([corners - shift, corners + shift])
        hull = ConvexHull(both)
        corners = changed = both[np.sort(hull.vertices)]
        equations = hull.equations
    return changed


def clipped(corners: np.ndarray, faces: np.ndarray, normal: np.ndarray, offset: float) -> Float64[np.ndarray, "n 3"]:
    """Corners of the part of a hull where ``normal . x <= offset``."""
    heights = corners @ normal - offset
    edges = np.unique(np.sort(np.concatenate([faces[:, :2], faces[:, 1:], faces[:, ::2]]), axis=1), axis=0)
    crossing = edges[heights[edges[:, 0]] * heights[edges[:, 1]] < 0]
    t = heights[crossing[:, 0]] / (heights[crossing[:, 0]] - heights[crossing[:, 1]])
    cut = corners[crossing[:, 0]] + t[:, None] * (corners[crossing[:, 1]] - corners[crossing[:, 0]])
    return np.concatenate([corners[heights <= 0], cut])


def _thinnest(corners: np.ndarray, faces: np.ndarray) -> tuple[Float64[np.ndarray, "3"], float]:
    """The face normal across which the piece is thinnest, and its width there."""
    t = corners[faces]
    normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    size = np.linalg.norm(normals, axis=1)
    normals = normals[size > 1e-12] / size[size > 1e-12, None]
    widths = np.ptp(normals @ corners.T, axis=1)
    return normals[int(widths.argmin())], float(widths.min())


def _longest(corners: np.ndarray) -> tuple[Float64[np.ndarray, "3"], float]:
    """Principal direction with the longest extent, and that extent."""
    directions = np.linalg.svd(corners - corners.mean(axis=0), full_matrices=False)[2]
    extents = np.ptp(corners @ directions.T, axis=0)
    return directions[int(extents.argmax())], float(extents.max())
