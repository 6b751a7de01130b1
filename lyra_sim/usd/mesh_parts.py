"""The closed mesh cut into one part per label, each fit for a renderer: arrays only, no USD."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32, Shaped, UInt8
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from lyra_sim.data.colliders import LABELS
from lyra_sim.data.mesh import TriMesh
from lyra_sim.errors import GeometryError
from lyra_sim.usd.degeneracies import nudged_into_fans

OUTER_SHELL = "outer_shell"
"""Part holding the outside of the solid: it closes the mesh, no camera was there, and it would hide the room from outside."""

CREASE_DEG = 40.0
"""Faces that meet at more than this keep a hard edge. Convention."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of the surface with one label; open where it borders on other parts."""

    name: str
    """A label, or :data:`OUTER_SHELL`."""
    vertices: Float32[np.ndarray, "v 3"]
    """[m]"""
    faces: Int32[np.ndarray, "f 3"]
    corner_normals: Float32[np.ndarray, "f 3 3"]
    """Unit normal of every face's corners, smooth across flat seams between parts too."""
    colors: UInt8[np.ndarray, "v 3"]
    """Display-referred sRGB."""
    corner_uv: Float32[np.ndarray, "f 3 2"] | None
    """Texture coordinates of every face's corners; None where not all of the part's faces have some."""


def split_by_label(
    mesh: TriMesh, face_labels: UInt8[np.ndarray, "f"], corner_uv: Float32[np.ndarray, "f 3 2"] | None = None
) -> tuple[Part, ...]:
    """Cut ``mesh`` in LABELS' order; faces nobody saw go to ``unseen`` or, on the far side of the solid, to the shell.

    Args:
        mesh: Closed surface.
        face_labels: Index into LABELS a face.
        corner_uv: Texture coordinates; NaN for faces without texture.

    Raises:
        GeometryError: There isn't one label a face, or one isn't in LABELS.
    """
    if len(face_labels) != len(mesh.faces):
        raise GeometryError("face labels", f"{len(face_labels)} of them", expected=f"{len(mesh.faces)}, one a face")
    if len(face_labels) and face_labels.max() >= len(LABELS):
        raise GeometryError("face labels", f"label {face_labels.max()}", expected=f"an index into {LABELS}")
    names = (*LABELS, OUTER_SHELL)
    group = face_labels.astype(np.int64)
    group[~mesh.face_seen] = LABELS.index("unseen")
    group[outer_shell(mesh)] = names.index(OUTER_SHELL)
    normals = crease_normals(mesh.vertices, mesh.faces)
    solid_faces = mesh.face_areas() > 0
    parts = []
    for index, name in enumerate(names):
        chosen = np.flatnonzero((group == index) & solid_faces)
        if len(chosen):
            vertices, faces, source = _manifold_piece(mesh.vertices, mesh.faces[chosen])
            uv = None if corner_uv is None or not np.isfinite(corner_uv[chosen]).all() else corner_uv[chosen]
            parts.append(
                Part(
                    name=name,
                    vertices=vertices,
                    faces=faces,
                    corner_normals=normals[chosen],
                    colors=mesh.colors[source],
                    corner_uv=uv,
                )
            )
    return tuple(parts)


def outer_shell(mesh: TriMesh) -> Bool[np.ndarray, "f"]:
    """Faces of closed pieces that enclose a cavity and lie in none, as the outside of the walls encloses the room.

    Told by signed volume: a cavity is wound so that its volume is negative. A lump inside the room encloses nothing.
    """
    links = _graph(mesh.faces, np.roll(mesh.faces, -1, axis=1), len(mesh.vertices))
    count, piece_of_vertex = connected_components(links, directed=False)
    piece = piece_of_vertex[mesh.faces[:, 0]]
    t = mesh.triangles.astype(np.float64)
    volume = np.bincount(piece, weights=np.einsum("fi,fi->f", t[:, 0], np.cross(t[:, 1], t[:, 2])) / 6, minlength=count)
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, piece_of_vertex, mesh.vertices)
    np.maximum.at(high, piece_of_vertex, mesh.vertices)
    cavities = np.flatnonzero(volume < 0)
    shell = np.zeros(count, bool)
    for candidate in np.flatnonzero(volume > 0):
        encloses = ((low[candidate] < low[cavities]) & (high[candidate] > high[cavities])).all(axis=1).any()
        enclosed = ((low[candidate] > low[cavities]) & (high[candidate] < high[cavities])).all(axis=1).any()
        shell[candidate] = encloses and not enclosed
    return shell[piece]


def crease_normals(vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Float32[np.ndarray, "f 3 3"]:
    """Area-weighted mean of the face normals around each corner that lie within CREASE_DEG of the corner's own face.

    Rounded surfaces come out smooth and room corners sharp, without a vertex being doubled.
    """
    t = vertices[faces].astype(np.float64)
    areas = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
    length = np.linalg.norm(areas, axis=1, keepdims=True)
    flat = np.divide(areas, length, out=np.tile([0.0, 0.0, 1.0], (len(faces), 1)), where=length > 0)
    corner_vertex = faces.ravel()
    by_vertex = np.argsort(corner_vertex, kind="stable")
    valence = np.bincount(corner_vertex, minlength=len(vertices))
    first = np.concatenate([[0], np.cumsum(valence)[:-1]])
    pairs = valence[corner_vertex]  # corners that share this corner's vertex, itself among them
    starts = np.concatenate([[0], np.cumsum(pairs)[:-1]])
    corner = np.repeat(np.arange(len(corner_vertex)), pairs)
    other = by_vertex[np.repeat(first[corner_vertex] - starts, pairs) + np.arange(len(corner))]
    face, other_face = corner // 3, other // 3
    near = np.einsum("pi,pi->p", flat[face], flat[other_face]) > np.cos(np.radians(CREASE_DEG))
    sums = np.add.reduceat(np.where(near[:, None], areas[other_face], 0.0), starts, axis=0)
    size = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = np.where(size > 0, sums / np.maximum(size, 1e-300), np.repeat(flat, 3, axis=0))
    return unit.reshape(-1, 3, 3).astype(np.float32)


def _manifold_piece(
    vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]
) -> tuple[Float32[np.ndarray, "w 3"], Int32[np.ndarray, "f 3"], Int[np.ndarray, "w"]]:
    """Vertices, faces and source vertices of a cut-out piece in which every vertex has one fan of faces.

    Cutting leaves fans that touch in a single point. Such a vertex is doubled and the copies are parted into
    their own fans; otherwise mesh tools (and NVIDIA's manifold and weld rules) take the piece for broken.
    """
    corners = np.arange(faces.size).reshape(-1, 3)
    edges = np.stack([faces[:, [0, 1, 2]], faces[:, [1, 2, 0]]], axis=-1).reshape(-1, 2).astype(np.int64)
    ends = np.stack([corners[:, [0, 1, 2]], corners[:, [1, 2, 0]]], axis=-1).reshape(-1, 2)
    flipped = edges[:, 0] > edges[:, 1]
    edges[flipped], ends[flipped] = edges[flipped][:, ::-1], ends[flipped][:, ::-1]
    key = edges[:, 0] * len(vertices) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    _, first, uses = np.unique(key[order], return_index=True, return_counts=True)
    one, two = ends[order[first[uses == 2]]], ends[order[first[uses == 2] + 1]]
    count, fan = connected_components(_graph(one, two, faces.size), directed=False)
    source = np.zeros(count, np.int64)
    source[fan] = faces.ravel()
    pieces = fan.reshape(-1, 3).astype(np.int32)
    torn = np.flatnonzero(np.bincount(source, minlength=len(vertices))[source] > 1)
    return nudged_into_fans(vertices[source], pieces, torn), pieces, source


def _graph(one: Shaped[np.ndarray, "..."], two: Shaped[np.ndarray, "..."], nodes: int) -> coo_matrix:
    return coo_matrix((np.ones(one.size, np.int8), (one.ravel(), two.ravel())), shape=(nodes, nodes))
