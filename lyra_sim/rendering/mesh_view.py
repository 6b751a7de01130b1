"""Pictures of coloured triangle meshes: from a capture's cameras, and cut open from above.

A cut view works on closed surfaces: rays start on the cut plane, and one that starts inside matter leaves it
through the back of a face, so it is painted as section. Walls then read as in an architect's plan.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from lyra_sim.data.mesh import Texture
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.ray_casting import Hits, RayCaster

BACKGROUND_RGB = (246, 246, 244)
"""Where a ray meets nothing. Convention."""
SECTION_RGB = (58, 62, 68)
"""Matter cut by the plane. Convention."""
_LIGHT = np.array([0.35, 0.25, 0.9]) / np.linalg.norm([0.35, 0.25, 0.9])
"""Direction the light comes from, in the metric world. Convention."""


@dataclass(frozen=True, kw_only=True)
class MeshView:
    """What one camera sees of a mesh."""

    rgb: UInt8[np.ndarray, "h w 3"]
    """Unlit; BACKGROUND_RGB where nothing was hit."""
    z_depth: Float32[np.ndarray, "h w"]
    """[m]; NaN where nothing was hit."""
    face: Int32[np.ndarray, "h w"]
    """-1 where nothing was hit."""


class MeshScene:
    """A coloured mesh, ready to be looked at many times."""

    def __init__(
        self,
        vertices: Float[np.ndarray, "v 3"],
        faces: Int32[np.ndarray, "f 3"],
        colors: UInt8[np.ndarray, "v 3"],
        texture: Texture | None = None,
    ) -> None:
        """Faces that ``texture`` names take their colour from it, all others from their corners."""
        self.caster = RayCaster(vertices, faces)
        self._faces, self._colors, self._texture = faces, colors, texture
        self._textured = np.full(len(faces), -1, np.int64)
        if texture is not None:
            self._textured[texture.face_index] = np.arange(len(texture.face_index))
        corners = np.asarray(vertices, np.float64)[faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self._normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
        self.low, self.high = corners.reshape(-1, 3).min(0), corners.reshape(-1, 3).max(0)

    def view(self, cameras: CameraPath, index: int, *, near: float = 0.0) -> MeshView:
        """Colours, z-depth and faces through every pixel centre of one camera, from the z-depth ``near`` on."""
        hits = self.caster.cast_camera(cameras, index, near=near)
        rgb = self._unlit(hits)
        rgb[~hits.hit] = BACKGROUND_RGB
        return MeshView(rgb=_bytes(rgb), z_depth=hits.t, face=hits.face)

    def top_down(
        self, *, low: Float[np.ndarray, "2"], high: Float[np.ndarray, "2"], metres_per_pixel: float, cut_z: float
    ) -> UInt8[np.ndarray, "h w 3"]:
        """Orthographic plan of a world rectangle, x right and y up, without anything above ``cut_z`` [m]."""
        width, height = np.maximum(np.ceil((np.asarray(high) - low) / metres_per_pixel).astype(int), 1)
        origins = np.empty((height, width, 3))
        origins[..., 0] = low[0] + (np.arange(width) + 0.5) * metres_per_pixel
        origins[..., 1] = (low[1] + (np.arange(height) + 0.5) * metres_per_pixel)[::-1, None]
        origins[..., 2] = cut_z
        directions = np.broadcast_to(np.array([0.0, 0.0, -1.0]), origins.shape)
        return self._shaded(origins, directions)

    def cutaway(self, *, azimuth: float, elevation: float, width: int, cut_z: float) -> UInt8[np.ndarray, "h w 3"]:
        """Orthographic view of the whole mesh from above, without anything above ``cut_z``; as high as it needs to be.

        Args:
            azimuth: Direction the viewer stands in, from +x towards +y [rad].
            elevation: Angle of the line of sight below the horizon, in (0, pi/2] [rad].
            width: Image width [px].
            cut_z: Height of the cut plane [m].
        """
        ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
        right, up, towards = np.array([-sa, ca, 0]), np.array([-ca * se, -sa * se, ce]), np.array([ca * ce, sa * ce, se])
        top = min(cut_z, float(self.high[2]))
        box = np.array(list(product(*zip(self.low, (*self.high[:2], top), strict=True))))
        spans = np.stack([box @ right, box @ up], axis=1)
        middle = (spans.min(0) + spans.max(0)) / 2
        size = spans.max(0) - spans.min(0)
        pixel = 1.04 * float(size[0]) / width
        height = max(1, math.ceil(1.04 * float(size[1]) / pixel))
        u = (np.arange(width) + 0.5 - width / 2) * pixel + middle[0]
        v = (height / 2 - np.arange(height) - 0.5) * pixel + middle[1]
        start = u[None, :, None] * right + v[:, None, None] * up
        distance = (top - 1e-4 - start[..., 2]) / se
        origins = start + distance[..., None] * towards
        directions = np.broadcast_to(-towards, origins.shape)
        return self._shaded(origins, directions)

    def _shaded(self, origins: np.ndarray, directions: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
        """Diffuse shading; section colour where a ray starts in matter.

        Looking both ways along the ray makes that hold for overlapping closed pieces too: inside one piece, the
        next surface ahead may be the front of another, but the one behind is then its own back.
        """
        hits = self.caster.cast(origins, directions)
        normals = self._normals[np.maximum(hits.face, 0)]
        shade = 0.62 + 0.38 * np.clip(normals @ _LIGHT, 0, 1)
        rgb = self._unlit(hits) * shade[..., None]
        rgb[~hits.hit] = BACKGROUND_RGB
        behind = self.caster.cast(origins, -directions)
        rgb[self._leaves_matter(hits, directions) | self._leaves_matter(behind, -directions)] = SECTION_RGB
        return _bytes(rgb)

    def _unlit(self, hits: Hits) -> Float32[np.ndarray, "*n 3"]:
        rgb = hits.interpolate(self._faces, self._colors)
        if self._texture is not None:
            row = np.where(hits.hit, self._textured[np.maximum(hits.face, 0)], -1)
            hit = row >= 0
            uv = np.einsum("nk,nkc->nc", hits.barycentric[hit], self._texture.uv[row[hit]])
            height, width = self._texture.image.shape[:2]
            x = (uv[:, 0] * width).astype(int).clip(0, width - 1)
            y = ((1 - uv[:, 1]) * height).astype(int).clip(0, height - 1)
            rgb[hit] = self._texture.image[y, x]
        return rgb

    def _leaves_matter(self, hits: Hits, directions: np.ndarray) -> Bool[np.ndarray, "*n"]:
        normals = self._normals[np.maximum(hits.face, 0)]
        return hits.hit & (np.einsum("...k,...k->...", normals, directions) > 0)


def _bytes(rgb: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    return np.clip(rgb + 0.5, 0, 255).astype(np.uint8)
