"""Rays and nearest points against a triangle mesh.

Embree by way of Open3D: 307,200 camera rays on 60,000 faces take 17 ms on two cores, where the single-threaded
wheel ``embreex`` takes 32 ms (same hits, distances equal to 7e-7), and Open3D answers nearest-point queries as well.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, Shaped

from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.rendering.open3d_loader import load_open3d


@dataclass(frozen=True, kw_only=True)
class Hits:
    """First intersections; the leading shape is that of the rays."""

    t: Float32[np.ndarray, "*n"]
    """Ray parameter in lengths of the direction given: ``ray_distance`` for unit directions, ``z_depth`` for
    directions whose camera z is 1. NaN where nothing was hit."""
    face: Int32[np.ndarray, "*n"]
    """Face that was hit; -1 for a miss."""
    barycentric: Float32[np.ndarray, "*n 3"]
    """Weights of the face's three corners; 0 for a miss."""

    @property
    def hit(self) -> Bool[np.ndarray, "*n"]:
        return self.face >= 0

    def interpolate(
        self, faces: Int32[np.ndarray, "f 3"], per_vertex: Shaped[np.ndarray, "v c"]
    ) -> Float32[np.ndarray, "*n c"]:
        """Vertex values carried to the hits; 0 for a miss."""
        corners = per_vertex[faces[np.maximum(self.face, 0)]].astype(np.float32)
        return np.einsum("...k,...kc->...c", self.barycentric, corners)


class RayCaster:
    """A fixed mesh, indexed once and then asked many times; answers don't depend on the number of threads."""

    def __init__(self, vertices: Float[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> None:
        self._core = load_open3d().core
        self._scene = load_open3d().t.geometry.RaycastingScene()
        self._scene.add_triangles(self._tensor(vertices), self._core.Tensor(np.ascontiguousarray(faces, np.uint32)))

    def _tensor(self, values: np.ndarray):
        return self._core.Tensor(np.ascontiguousarray(values, np.float32))

    def cast(self, origins: Float[np.ndarray, "*#n 3"], directions: Float[np.ndarray, "*#n 3"]) -> Hits:
        """First hit of each ray; both arrays are in the mesh's frame and broadcast against each other."""
        origins, directions = np.broadcast_arrays(origins, directions)
        answer = self._scene.cast_rays(self._tensor(np.concatenate([origins, directions], axis=-1)))
        face = answer["primitive_ids"].numpy().astype(np.int64)
        uv = answer["primitive_uvs"].numpy()
        t = answer["t_hit"].numpy()
        hit = np.isfinite(t)
        barycentric = np.concatenate([1 - uv.sum(-1, keepdims=True), uv], axis=-1) * hit[..., None]
        return Hits(
            t=np.where(hit, t, np.float32(np.nan)).astype(np.float32),
            face=np.where(hit, face, -1).astype(np.int32),
            barycentric=barycentric.astype(np.float32),
        )

    def cast_camera(self, cameras: CameraPath, index: int, *, near: float = 0.0) -> Hits:
        """Hits through every pixel centre of one camera; ``t`` is the z-depth image.

        Rays start at the z-depth ``near``, so that what lies closer can't hide the scene.
        """
        c2w = cameras.c2w[index]
        rays = pixel_rays(cameras.K[index], cameras.width, cameras.height).astype(np.float64) @ c2w[:3, :3].T
        hits = self.cast(c2w[:3, 3] + near * rays, rays)
        return replace(hits, t=hits.t + np.float32(near))

    def distances(self, points: Float[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n"]:
        """Unsigned distance from each point to the nearest point of the surface."""
        return np.asarray(self._scene.compute_distance(self._tensor(points)).numpy(), np.float32)
