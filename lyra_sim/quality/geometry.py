"""Is the surface closed, consistent with where the cameras were, and how much of it was ever seen?"""

import numpy as np
from jaxtyping import Int32

from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.report import Metric
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.meshing.room_side import faces_towards_free, seen_share_of
from lyra_sim.quality.figures.metrics import measured


def surface_metrics(mesh: TriMesh, free_space: FreeSpace, cameras: CameraPath) -> list[Metric]:
    """Closedness, orientation, pieces, size, seen share, and cameras that ended in matter."""
    status, volume = manifold_status(mesh)
    inside = free_space.sample(cameras.centres) != FREE
    room_side = faces_towards_free(mesh, free_space)
    seen_share = seen_share_of(mesh, room_side)
    extent = float((mesh.vertices.max(0) - mesh.vertices.min(0)).max())
    faces = len(mesh.faces)
    return [
        measured(
            "mesh.watertight",
            edges_closed(mesh.faces),
            n=faces,
            note="every edge lies in two faces that run against each other",
        ),
        measured("mesh.manifold", status == "NoError", n=faces, note=f"manifold3d: {status}"),
        measured("mesh.signed_volume", volume, n=faces),
        measured("mesh.cameras_in_solid", float(inside.mean()), n=len(cameras), note=_first_camera(inside)),
        measured("mesh.seen_share", seen_share, n=int(room_side.sum()), note="by area, of faces that look into free space"),
        measured("mesh.components", component_count(mesh), n=faces),
        measured("mesh.faces", faces, n=faces),
        measured("mesh.extent", extent, n=len(mesh.vertices)),
    ]


def edges_closed(faces: Int32[np.ndarray, "f 3"]) -> bool:
    """True if every directed edge occurs once and its reverse once: closed, edge-manifold and consistently wound."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    base = int(faces.max()) + 1
    forward, backward = np.sort(edges @ [base, 1]), np.sort(edges @ [1, base])
    return bool((np.diff(forward) > 0).all() and np.array_equal(forward, backward))


def manifold_status(mesh: TriMesh) -> tuple[str, float]:
    """manifold3d's verdict (``NoError`` if it accepts the mesh) and the signed volume [m^3] by the divergence theorem."""
    import manifold3d

    body = manifold3d.Manifold(manifold3d.Mesh(mesh.vertices, mesh.faces.astype(np.uint32)))
    corners = mesh.triangles.astype(np.float64) - mesh.vertices.mean(0, dtype=np.float64)
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    return body.status().name, float(volume)


def component_count(mesh: TriMesh) -> int:
    """Pieces that share no vertex."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel()
    graph = coo_array((np.ones(len(a), bool), (a, b)), shape=(len(mesh.vertices),) * 2)
    _, labels = connected_components(graph, directed=False)
    return len(np.unique(labels[mesh.faces[:, 0]]))


def _first_camera(inside: np.ndarray) -> str:
    return f"first: camera {int(np.flatnonzero(inside)[0])}" if inside.any() else ""
