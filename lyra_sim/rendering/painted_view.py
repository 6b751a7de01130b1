"""What a camera sees of a painted mesh: unlit colours and exact z-depth, by ray casting."""

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.data.given import PaintedMesh
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.rendering.mesh_view import BACKGROUND_RGB
from lyra_sim.rendering.ray_casting import Hits, RayCaster

WHOLE = 255.0
"""A texel is multiplied by its face's colour in these parts. Derived."""


class PaintedScene:
    """A painted mesh, ready to be looked at many times. Both sides of a face are alike."""

    def __init__(self, mesh: PaintedMesh) -> None:
        self.caster = RayCaster(mesh.vertices, mesh.faces)
        self._mesh = mesh

    def view(
        self, cameras: CameraPath, index: int, *, near: float = 0.0, smooth: int = 1
    ) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
        """Colours (``BACKGROUND_RGB`` where nothing is) and z-depth (NaN there) through every pixel centre.

        Args:
            cameras: In the frame of the mesh.
            index: Of the camera.
            near: Rays start at this z-depth.
            smooth: Colours are the mean over so many rays a side of each pixel.
        """
        hits = self.caster.cast_camera(cameras, index, near=near)
        if smooth == 1:
            return _bytes(self.colours(hits)), hits.t
        fine = cameras.resized(cameras.width * smooth, cameras.height * smooth)
        rgb = self.colours(self.caster.cast_camera(fine, index, near=near))
        return _bytes(rgb.reshape(cameras.height, smooth, cameras.width, smooth, 3).mean(axis=(1, 3))), hits.t

    def colours(self, hits: Hits) -> Float32[np.ndarray, "*n 3"]:
        """Display-referred sRGB 0..255 at the hits."""
        rgb = np.empty((*hits.face.shape, 3), np.float32)
        rgb[:] = BACKGROUND_RGB
        hit = hits.hit
        face, weights, mesh = hits.face[hit], hits.barycentric[hit], self._mesh
        colour = np.einsum("nk,nkc->nc", weights, mesh.corner_rgb[face].astype(np.float32))
        uv = np.einsum("nk,nkc->nc", weights, mesh.uv[face])
        image = mesh.image_index[face]
        for number in np.unique(image[image >= 0]):
            of_it = image == number
            colour[of_it] *= _texels(mesh.images[number], uv[of_it]) / np.float32(WHOLE)
        rgb[hit] = colour
        return rgb


def _texels(image: UInt8[np.ndarray, "h w 3"], uv: Float32[np.ndarray, "n 2"]) -> UInt8[np.ndarray, "n 3"]:
    """Nearest texels; the image repeats, as glTF's default sampler has it."""
    height, width = image.shape[:2]
    x = np.floor(uv[:, 0].astype(np.float64) * width).astype(np.int64) % width
    y = np.floor((1 - uv[:, 1].astype(np.float64)) * height).astype(np.int64) % height
    return image[y, x]


def _bytes(rgb: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    return np.clip(rgb + 0.5, 0, 255).astype(np.uint8)
