"""The textured surface as glTF: closed when read back, y-up, each corner on its own texel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh

from lyra_sim.data.mesh import Texture
from lyra_sim.exporters.glb import write_mesh_glb
from tests.boxes import box_trimesh


def test_textured_surface(tmp_path: Path) -> None:
    mesh = box_trimesh([(np.array([1.0, 2, 0]), np.array([2.0, 4, 3]))])
    seen = np.arange(len(mesh.faces)) % 3 != 0
    mesh = replace(mesh, face_seen=seen)
    index = np.flatnonzero(seen).astype(np.int32)
    rng = np.random.default_rng(0)
    texture = Texture(
        image=rng.integers(0, 255, (8, 16, 3)).astype(np.uint8),
        face_index=index,
        uv=rng.uniform(0, 1, (len(index), 3, 2)).astype(np.float32),
        metres_per_texel=0.02,
    )
    write_mesh_glb(tmp_path / "mesh.glb", mesh, texture)
    scene = trimesh.load_scene(tmp_path / "mesh.glb")
    assert set(scene.graph.nodes_geometry) == {"seen", "unseen"}
    np.testing.assert_allclose(scene.bounds, [[1, 0, -4], [2, 3, -2]], atol=1e-6)
    pictured = scene.geometry["seen"]
    np.testing.assert_array_equal(np.asarray(pictured.visual.material.baseColorTexture.convert("RGB")), texture.image)
    corners = pictured.vertices[pictured.faces].reshape(-1, 3)
    expected = mesh.vertices[mesh.faces[index]].reshape(-1, 3)
    np.testing.assert_allclose(corners, expected[:, [0, 2, 1]] * [1, 1, -1], atol=1e-6)
    np.testing.assert_allclose(pictured.visual.uv[pictured.faces].reshape(-1, 2), texture.uv.reshape(-1, 2), atol=1e-6)
    whole = trimesh.util.concatenate([trimesh.Trimesh(part.vertices, part.faces) for part in scene.geometry.values()])
    whole.merge_vertices()
    assert whole.is_watertight and np.isclose(whole.volume, 6.0)
