"""Binary glTF 2.0 of the surface and of the hulls, y-up as glTF is, through trimesh."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float32

from lyra_sim.conventions import GLTF_FROM_WORLD, linear_from_srgb
from lyra_sim.data.colliders import Hull
from lyra_sim.data.mesh import TriMesh
from lyra_sim.geometry.rigid import transform_points

_UNSIGNED_SHORT = 5123


def write_mesh_glb(path: Path, mesh: TriMesh) -> None:
    """Write the closed surface as one node ``world`` with vertex colours.

    glTF colours are linear, and 8 linear bits band visibly in the dark, so COLOR_0 is written with 16.
    """
    colors = np.ones((len(mesh.colors), 4))
    colors[:, :3] = linear_from_srgb(mesh.colors / 255.0)
    wide = np.round(colors * 65535).astype("<u2")

    def widen(buffers: dict[Any, bytes], tree: dict[str, Any]) -> None:
        (primitive,) = tree["meshes"][0]["primitives"]
        accessor = list(tree["accessors"].values())[primitive["attributes"]["COLOR_0"]]
        accessor.update(componentType=_UNSIGNED_SHORT, min=wide.min(axis=0).tolist(), max=wide.max(axis=0).tolist())
        buffers[list(buffers)[accessor["bufferView"]]] = wide.tobytes()

    surface = trimesh.Trimesh(_gltf_points(mesh.vertices), mesh.faces, process=False)
    surface.visual = trimesh.visual.ColorVisuals(surface, vertex_colors=np.round(colors * 255).astype(np.uint8))
    scene = trimesh.Scene()
    scene.add_geometry(surface, node_name="world", geom_name="world")
    path.write_bytes(trimesh.exchange.gltf.export_glb(scene, include_normals=False, buffer_postprocessor=widen))


def write_hulls_glb(path: Path, hulls: Iterable[Hull]) -> None:
    """Write one node per hull, named as in USD, with ``label`` and ``seen`` in its extras."""
    scene, extras = trimesh.Scene(), {}
    for hull in hulls:
        piece = trimesh.Trimesh(_gltf_points(hull.vertices), hull.faces, process=False)
        scene.add_geometry(piece, node_name=hull.name, geom_name=hull.name)
        extras[hull.name] = {"label": hull.label, "seen": float(hull.seen)}

    def annotate(tree: dict[str, Any]) -> None:
        for node in tree["nodes"]:
            if node.get("name") in extras:
                node["extras"] = extras[node["name"]]

    path.write_bytes(trimesh.exchange.gltf.export_glb(scene, include_normals=False, tree_postprocessor=annotate))


def _gltf_points(points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    return transform_points(GLTF_FROM_WORLD, points).astype(np.float32)
