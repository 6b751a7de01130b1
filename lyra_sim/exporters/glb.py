"""Binary glTF 2.0 of the surface and of the hulls, y-up as glTF is, through trimesh."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float32
from PIL import Image

from lyra_sim.conventions import GLTF_FROM_WORLD, linear_from_srgb
from lyra_sim.data.colliders import Hull
from lyra_sim.data.mesh import Texture, TriMesh
from lyra_sim.geometry.rigid import transform_points

_UNSIGNED_SHORT = 5123
"""glTF's code of 16-bit indices. Convention."""


def write_mesh_glb(path: Path, mesh: TriMesh, texture: Texture | None = None) -> None:
    """Write the closed surface: node ``seen`` with its photo texture, node ``unseen`` with vertex colours.

    Without a texture there is one node, ``world``, with vertex colours. The nodes share their border to the bit, so
    merging equal positions closes the surface again. glTF vertex colours are linear, and 8 linear bits band visibly in
    the dark, so COLOR_0 is written with 16.
    """
    scene, wide = trimesh.Scene(), {}
    plain = np.ones(len(mesh.faces), bool)
    if texture is not None:
        plain[texture.face_index] = False
        seen = trimesh.Trimesh(
            _gltf_points(mesh.vertices[mesh.faces[texture.face_index].ravel()]),
            np.arange(3 * len(texture.face_index)).reshape(-1, 3),
            process=False,
        )
        look = trimesh.visual.material.PBRMaterial(
            baseColorTexture=Image.fromarray(texture.image), metallicFactor=0.0, roughnessFactor=1.0
        )
        seen.visual = trimesh.visual.TextureVisuals(uv=texture.uv.reshape(-1, 2), material=look)
        scene.add_geometry(seen, node_name="seen", geom_name="seen")
    if plain.any():
        name = "world" if texture is None else "unseen"
        used, faces = np.unique(mesh.faces[plain], return_inverse=True)
        colors = np.ones((len(used), 4))
        colors[:, :3] = linear_from_srgb(mesh.colors[used] / 255.0)
        wide[name] = np.round(colors * 65535).astype("<u2")
        rest = trimesh.Trimesh(_gltf_points(mesh.vertices[used]), faces.reshape(-1, 3), process=False)
        rest.visual = trimesh.visual.ColorVisuals(rest, vertex_colors=np.round(colors * 255).astype(np.uint8))
        scene.add_geometry(rest, node_name=name, geom_name=name)

    def widen(buffers: dict[Any, bytes], tree: dict[str, Any]) -> None:
        for entry in tree["meshes"]:
            if entry["name"] in wide:
                values = wide[entry["name"]]
                accessor = list(tree["accessors"].values())[entry["primitives"][0]["attributes"]["COLOR_0"]]
                accessor.update(componentType=_UNSIGNED_SHORT, min=values.min(axis=0).tolist(), max=values.max(axis=0).tolist())
                buffers[list(buffers)[accessor["bufferView"]]] = values.tobytes()

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
