"""No hull of more faces or corners than engines take as it is: corners are left out where that costs little, else it is halved.

PhysX makes hulls of more than 64 faces smaller, by centimetres, and says nothing; a limit of corners changes nothing in that.
"""

import numpy as np
from jaxtyping import Float, Float64
from scipy.spatial import ConvexHull, QhullError

from lyra_sim.collision.convex.pieces import Piece, convex_hull
from lyra_sim.collision.convex.slender import halves, without_slivers
from lyra_sim.geometry.convex_faces import face_count

ENOUGH_FACES = 56
"""Of a hull of ours. PhysX joins faces that lie nearly in one plane in its own way: of hulls with 60 to 64 faces, some were
felt up to 11 mm inside, and none with 56 by more than 2 mm. Tuned on the AWS worlds."""
MOST_HALVINGS = 4
"""A piece is halved at most this often, into sixteen; what has too many faces then is thinned whatever it costs. Convention."""


Known = dict[tuple[str, bytes], list[Piece]]
"""What became of pieces, by label and points."""


def few_faced(pieces: list[Piece], *, max_vertices: int, tolerance: float, known: Known | None = None) -> list[Piece]:
    """The same matter with every piece within the limits of engines; order is kept, and so is a piece that needs nothing.

    Args:
        pieces: None a sliver.
        max_vertices: Corners a hull may have; what has more is thinned by :func:`convex_hull` as it is.
        tolerance: A corner that is left out is at most this far outside of what stays [m].
        known: What earlier calls with the same numbers made of pieces; added to.
    """
    known = {} if known is None else known
    few: list[Piece] = []
    for piece in pieces:
        key = piece.label, np.asarray(piece.points, np.float64).tobytes()
        if key not in known:
            known[key] = _few_faced(piece, max_vertices, tolerance, MOST_HALVINGS)
        few += known[key]
    return few


def _few_faced(piece: Piece, max_vertices: int, tolerance: float, halvings: int) -> list[Piece]:
    vertices, faces = convex_hull(piece.points, max_vertices=max_vertices)
    if face_count(vertices, faces) <= ENOUGH_FACES:
        return [piece]
    thinned = _thinned(vertices.astype(np.float64))
    if halvings == 0 or _loss(np.asarray(piece.points, np.float64), thinned) <= tolerance:
        (whole, *slivers) = without_slivers([Piece(label=piece.label, points=thinned)])
        if not slivers and face_count(*convex_hull(whole.points)) <= ENOUGH_FACES:
            return [whole]
        if halvings == 0:
            return [Piece(label=piece.label, points=thinned)]
    parts = without_slivers(halves(piece))
    return [few for part in parts for few in _few_faced(part, max_vertices, tolerance, halvings - 1)]


def _thinned(corners: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "m 3"]:
    """Corners left out one by one, each time the one that stands least far out, until few enough faces are left."""
    while True:
        hull = ConvexHull(corners)
        if face_count(corners, _wound(corners, hull)) <= ENOUGH_FACES:
            return corners
        around = [np.unique(hull.simplices[(hull.simplices == corner).any(axis=1)]) for corner in range(len(corners))]
        heights = [_height(corners, corner, near[near != corner]) for corner, near in enumerate(around)]
        corners = np.delete(corners, int(np.argmin(heights)), axis=0)


def _height(corners: Float64[np.ndarray, "n 3"], corner: int, near: np.ndarray) -> float:
    """How far a corner stands outside of the hull of its neighbours, which is what takes its place [m]."""
    if len(near) < 3:
        return 0.0  # a point in an edge or a face, which leaving it out doesn't change
    flat = corners[near] - corners[near].mean(axis=0)
    normal = np.linalg.svd(flat, full_matrices=False)[2][2]
    level = abs(float(normal @ (corners[corner] - corners[near].mean(axis=0))))
    try:
        equations = ConvexHull(corners[near]).equations
    except (QhullError, ValueError):
        return level  # three neighbours, or all in one plane
    return float((equations[:, :3] @ corners[corner] + equations[:, 3]).max())


def _loss(points: Float64[np.ndarray, "n 3"], thinned: Float64[np.ndarray, "m 3"]) -> float:
    """How far the points stand out of the hull of what is left of them at the most [m]."""
    equations = ConvexHull(thinned).equations
    return float((points @ equations[:, :3].T + equations[:, 3]).max())


def _wound(corners: Float[np.ndarray, "n 3"], hull: ConvexHull) -> np.ndarray:
    """The hull's triangles, wound outward."""
    faces = hull.simplices.copy()
    triangles = corners[faces]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    inward = np.einsum("fi,fi->f", normals, hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, [0, 2, 1]]
    return faces
