"""Convex pieces before they get names: points in, a wound hull with few corners out."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32

from lyra_sim.data.colliders import Hull, Label
from lyra_sim.errors import GeometryError


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A labelled convex point set; :func:`named` makes hulls of them."""

    label: Label
    points: Float[np.ndarray, "n 3"]
    """Any points spanning the piece [m]; its hull is meant."""


def convex_hull(points: np.ndarray, *, max_vertices: int = 60) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Vertices and outward triangles of the convex hull, thinned to ``max_vertices`` corners.

    Engines limit a hull to 64 corners. Thinning keeps the extreme points of a fixed, even set of directions, which
    loses the least width for a given count and needs no randomness.

    Raises:
        GeometryError: The points span no volume.
    """
    from scipy.spatial import ConvexHull, QhullError

    points = np.asarray(points, np.float64)
    try:
        corners = np.sort(ConvexHull(points).vertices)
        if len(corners) > max_vertices:
            corners = _extreme_corners(points, corners, max_vertices)
        kept = points[corners].astype(np.float32)
        hull = ConvexHull(kept.astype(np.float64))
    except (QhullError, ValueError) as error:
        raise GeometryError(
            "convex hull", f"{len(points)} points span no volume ({str(error).splitlines()[0]})", expected="a solid piece"
        ) from error
    used = np.sort(hull.vertices)
    lookup = np.full(len(kept), -1, np.int32)
    lookup[used] = np.arange(len(used), dtype=np.int32)
    faces = lookup[hull.simplices]
    vertices = kept[used]
    triangles = vertices[faces].astype(np.float64)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    inward = np.einsum("fi,fi->f", normals, hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, [0, 2, 1]]
    order = np.lexsort(np.sort(faces, axis=1).T)
    return vertices, np.ascontiguousarray(faces[order], dtype=np.int32)


def _extreme_corners(points: np.ndarray, corners: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` corners that win most often over a Fibonacci lattice of directions, axes always included."""
    n = 64 * count
    i = np.arange(n) + 0.5
    z, turn = 1 - 2 * i / n, np.pi * (1 + 5**0.5) * i
    directions = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
    must = np.unique(np.argmax(np.concatenate([np.eye(3), -np.eye(3)]) @ points[corners].T, axis=1))
    wins = np.bincount(np.argmax(directions @ points[corners].T, axis=1), minlength=len(corners))
    wins[must] = n
    return np.sort(corners[np.argsort(-wins, kind="stable")[:count]])


def named(pieces: Iterable[Piece], *, max_vertices: int = 60) -> tuple[Hull, ...]:
    """Hulls called ``<label>_<running number>`` in the order given; ``seen`` starts at 0, see :mod:`.seen`."""
    counts: dict[str, int] = {}
    hulls = []
    for piece in pieces:
        number = counts[piece.label] = counts.get(piece.label, -1) + 1
        vertices, faces = convex_hull(piece.points, max_vertices=max_vertices)
        hulls.append(Hull(name=f"{piece.label}_{number:03d}", label=piece.label, vertices=vertices, faces=faces, seen=0.0))
    return tuple(hulls)


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Enclosed volume [m^3] by the divergence theorem."""
    t = vertices[faces].astype(np.float64)
    t = t - t[0, 0]
    return float(np.einsum("fi,fi->f", t[:, 0], np.cross(t[:, 1], t[:, 2])).sum() / 6)
