"""Faces of convex bodies as engines count them: triangles of one plane are one face."""

import numpy as np
from jaxtyping import Float, Int, Int64

MOST_FACES, MOST_CORNERS = 64, 64
"""Of a hull that every engine collides with as it is: PhysX makes a hull of more faces smaller, Newton one of more corners
(docs/engines.md). 34 corners never have more than 64 faces: 2 n - 4. Derived."""
COPLANAR = 1e-4
"""Corners this far from a face's plane still lie in it [m]: what an engine makes of them differs by no more. Convention."""


def face_of_triangles(
    points: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"], *, tolerance: float = COPLANAR
) -> Int64[np.ndarray, "t"]:
    """Number of the plane that each triangle lies in, the largest triangles first; -1 for one without an area.

    Only triangles whose normals point alike are held against each other, so that both sides of a thin plate are two faces.

    Args:
        points: Corners of a convex body [m].
        triangles: Its surface, wound one way.
        tolerance: How far from a plane all corners of a triangle may be [m].
    """
    corners = np.asarray(points, np.float64)[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    faces = np.full(len(triangles), -1, np.int64)
    left = np.argsort(-areas, kind="stable")
    left = left[areas[left] > 1e-12]
    normals[left] /= areas[left, None]
    number = 0
    while len(left):
        normal, through = normals[left[0]], corners[left[0], 0]
        away = np.abs((corners[left] - through) @ normal).max(axis=1)
        same = (away <= tolerance) & (normals[left] @ normal > 0)
        same[0] = True
        faces[left[same]] = number
        left, number = left[~same], number + 1
    return faces


def face_count(points: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "t 3"]) -> int:
    """How many faces a convex body has."""
    return int(face_of_triangles(points, triangles).max(initial=-1)) + 1
