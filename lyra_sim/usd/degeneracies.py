"""Zero-area triangles flipped or collapsed away and touching vertices parted, without opening the surface."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt8

from lyra_sim.data.mesh import TriMesh

FLAT = 1e-6
"""A triangle lower than this over its longest edge has no usable normal [m]; about the float32 step at 10 m. Derived."""

NUDGE = 1e-5
"""Distance by which vertices in one place are parted [m]; ten times the float32 step at 10 m. Derived."""

_PASSES = 10
"""Rounds of repair, at most. Convention."""


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


def without_needles(
    mesh: TriMesh, face_labels: UInt8[np.ndarray, "f"], corner_uv: Float32[np.ndarray, "f 3 2"]
) -> tuple[TriMesh, UInt8[np.ndarray, "g"], Float32[np.ndarray, "g 3 2"]]:
    """Collapse edges shorter than FLAT: two vertices become one, and the two slivers between them go.

    Such edges come from a mesh made in double precision: its ends, distinct there, lie a rounding step of float32 apart.
    An edge is collapsed only where its ends have exactly the two slivers' tips as common neighbours (the link condition,
    Dey et al. 1999) and no face would be doubled, so that the surface stays a closed manifold; the others stay.
    """
    faces, gone = mesh.faces.copy(), np.zeros(len(mesh.faces), bool)
    for _ in range(_PASSES):
        around = _Fans(faces, gone, len(mesh.vertices))
        touched: set[int] = set()
        for keep, drop in _short_edges(mesh, faces[~gone]):
            ring, other = around.faces_of(keep), around.faces_of(drop)
            if not touched.isdisjoint(faces[ring + other].ravel().tolist()) or not _collapsible(faces, ring, other, keep, drop):
                continue
            touched.update(faces[ring + other].ravel().tolist())
            gone[sorted(set(ring) & set(other))] = True
            rows = faces[other]
            faces[other] = np.where(rows == drop, keep, rows)
        if not touched:
            break
    if not gone.any():
        return mesh, face_labels, corner_uv
    used, renumbered = np.unique(faces[~gone], return_inverse=True)
    whole = TriMesh(
        vertices=mesh.vertices[used],
        faces=renumbered.reshape(-1, 3).astype(np.int32),
        colors=mesh.colors[used],
        face_seen=mesh.face_seen[~gone],
    )
    return whole, face_labels[~gone], corner_uv[~gone]


def without_caps(
    mesh: TriMesh, face_labels: UInt8[np.ndarray, "f"], corner_uv: Float32[np.ndarray, "f 3 2"]
) -> tuple[TriMesh, UInt8[np.ndarray, "f"], Float32[np.ndarray, "f 3 2"]]:
    """Flip the longest edge of every cap (a corner on its opposite edge); both new triangles take after the neighbour.

    Merging coplanar faces leaves such triangles. Dropping them would open the surface; engines and renderers want
    normals of all. Vertices, face count and, to FLAT, the surface itself stay. Needles are for :func:`without_needles`.
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


class _Fans:
    """Faces around each vertex, as of one pass."""

    def __init__(self, faces: Int32[np.ndarray, "f 3"], gone: Bool[np.ndarray, "f"], vertex_count: int) -> None:
        alive = np.flatnonzero(~gone)
        corners = faces[alive].ravel()
        self._face = np.repeat(alive, 3)[np.argsort(corners, kind="stable")]
        self._start = np.concatenate([[0], np.cumsum(np.bincount(corners, minlength=vertex_count))])

    def faces_of(self, vertex: int) -> list[int]:
        rows: list[int] = self._face[self._start[vertex] : self._start[vertex + 1]].tolist()
        return rows


def _short_edges(mesh: TriMesh, faces: Int32[np.ndarray, "f 3"]) -> list[tuple[int, int]]:
    """Ends of the edges shorter than FLAT, lower index first, sorted."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    length = np.linalg.norm(mesh.vertices[ends[:, 0]].astype(np.float64) - mesh.vertices[ends[:, 1]], axis=1)
    short = np.unique(np.sort(ends[length < FLAT], axis=1), axis=0)
    return [(int(a), int(b)) for a, b in short]


def _collapsible(faces: Int32[np.ndarray, "f 3"], ring: list[int], other: list[int], keep: int, drop: int) -> bool:
    slivers = set(ring) & set(other)
    tips = {*faces[sorted(slivers)].ravel().tolist()} - {keep, drop}
    common = ({*faces[ring].ravel().tolist()} & {*faces[other].ravel().tolist()}) - {keep, drop}
    sides = [{frozenset(row) - {apex} for row in faces[rows].tolist()} for rows, apex in ((ring, keep), (other, drop))]
    doubled = any(len(edge) == 2 for edge in sides[0] & sides[1])
    return len(slivers) == len(tips) == 2 and common == tips and not doubled


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
