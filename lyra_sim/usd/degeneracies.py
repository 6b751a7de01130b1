"""Zero-area triangles flipped away and touching vertices parted, without opening the surface."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8

from lyra_sim.data.mesh import TriMesh

FLAT = 1e-6
"""A triangle lower than this over its longest edge has no usable normal [m]; about the float32 step at 10 m."""

NUDGE = 1e-5
"""Distance by which vertices in one place are parted [m]; ten times the float32 step at 10 m."""

_PASSES = 10


def with_parted_vertices(mesh: TriMesh) -> TriMesh:
    """Move vertices that share a place apart, each into its own fan of faces.

    Where matter touches itself in an edge or a point, a manifold mesh has one vertex for each side. Tools that weld by
    position (NVIDIA's rules, many importers) would join them and make the surface non-manifold.
    """
    _, place, uses = np.unique(mesh.vertices, axis=0, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(uses[place.ravel()] > 1)
    return replace(mesh, vertices=nudged_into_fans(mesh.vertices, mesh.faces, shared)) if len(shared) else mesh


def nudged_into_fans(
    points: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"], chosen: Int64[np.ndarray, "c"]
) -> Float32[np.ndarray, "v 3"]:
    """Points with the ``chosen`` ones moved by NUDGE towards the middle of the faces that use them."""
    middles = np.repeat(points[faces].mean(axis=1, dtype=np.float64), 3, axis=0)
    sums = np.stack([np.bincount(faces.ravel(), middles[:, axis], minlength=len(points)) for axis in range(3)], axis=1)
    uses = np.bincount(faces.ravel(), minlength=len(points))[chosen, None]
    inward = sums[chosen] / np.maximum(uses, 1) - points[chosen]
    length = np.linalg.norm(inward, axis=1, keepdims=True)
    moved = points.astype(np.float64)
    moved[chosen] += np.where(uses > 0, inward / np.maximum(length, NUDGE) * NUDGE, 0.0)
    return moved.astype(np.float32)


def without_caps(
    mesh: TriMesh, face_labels: UInt8[np.ndarray, "f"], corner_uv: Float32[np.ndarray, "f 3 2"]
) -> tuple[TriMesh, UInt8[np.ndarray, "f"], Float32[np.ndarray, "f 3 2"]]:
    """Flip the longest edge of every cap (a corner on its opposite edge); both new triangles take after the neighbour.

    Merging coplanar faces leaves such triangles. Dropping them would open the surface; engines and renderers want
    normals of all. Vertices, face count and, to FLAT, the surface itself stay. Needles (two corners in one place) stay too.
    """
    faces, labels, seen, uv = mesh.faces.copy(), face_labels.copy(), mesh.face_seen.copy(), corner_uv.copy()
    owner: dict[tuple[int, int], int] = {}
    for _ in range(_PASSES):
        flipped = 0
        for cap in np.flatnonzero(_heights(mesh, faces) < FLAT).tolist():
            owner = owner or _edge_owners(faces)
            a, b, c = _longest_edge_first(mesh, faces[cap])
            neighbour = owner.get((b, a))
            if neighbour is None:
                continue
            d = int(faces[neighbour].sum()) - a - b
            if d == c or (c, d) in owner or (d, c) in owner:
                continue
            at = dict(zip(faces[neighbour].tolist(), uv[neighbour].copy(), strict=True))
            at[c] = at[a] + (at[b] - at[a]) * _fraction(mesh, a, b, c)
            del owner[a, b], owner[b, a]
            for face, corners in ((cap, (c, a, d)), (neighbour, (d, b, c))):
                faces[face], uv[face] = corners, [at[corner] for corner in corners]
                owner |= {(corners[k], corners[(k + 1) % 3]): face for k in range(3)}
            labels[cap], seen[cap] = labels[neighbour], seen[neighbour]
            flipped += 1
        if not flipped:
            break
    return replace(mesh, faces=faces, face_seen=seen), labels, uv


def _fraction(mesh: TriMesh, a: int, b: int, c: int) -> np.float32:
    """How far along the edge from ``a`` to ``b`` the vertex ``c`` lies, 0..1."""
    edge, reach = (mesh.vertices[[b, c]] - mesh.vertices[a]).astype(np.float64)
    return np.float32(edge @ reach / (edge @ edge))


def _heights(mesh: TriMesh, faces: Int32[np.ndarray, "f 3"]) -> np.ndarray:
    """Of each triangle over its longest edge [m]."""
    t = mesh.vertices[faces].astype(np.float64)
    edges = t - np.roll(t, -1, axis=1)
    longest = np.linalg.norm(edges, axis=2).max(axis=1)
    return np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / np.maximum(longest, 1e-300)


def _edge_owners(faces: Int32[np.ndarray, "f 3"]) -> dict[tuple[int, int], int]:
    """Face that runs through each directed edge."""
    rows = faces.tolist()
    return {(row[k], row[(k + 1) % 3]): index for index, row in enumerate(rows) for k in range(3)}


def _longest_edge_first(mesh: TriMesh, face: Int32[np.ndarray, "3"]) -> tuple[int, int, int]:
    t = mesh.vertices[face].astype(np.float64)
    k = int(np.linalg.norm(t - np.roll(t, -1, axis=0), axis=1).argmax())
    return int(face[k]), int(face[(k + 1) % 3]), int(face[(k + 2) % 3])
