"""A closed triangle mesh that remembers which of its faces were ever seen, and the colour atlas of those."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8
from PIL import Image

from lyra_sim.data.files import read_arrays, write_arrays
from lyra_sim.errors import GeometryError


@dataclass(frozen=True, kw_only=True)
class TriMesh:
    """Triangles wound outward: normals point from matter into air.

    Raises:
        GeometryError: It has no faces, a face names no vertex, a vertex isn't finite, or lengths differ.
    """

    vertices: Float32[np.ndarray, "v 3"]
    """Positions in the metric world [m]."""
    faces: Int32[np.ndarray, "f 3"]
    colors: UInt8[np.ndarray, "v 3"]
    """Display-referred sRGB per vertex; neutral grey where no photo saw it."""
    face_seen: Bool[np.ndarray, "f"]
    """True where the matter behind the face was measured; False where space is solid only because nobody looked."""

    def __post_init__(self) -> None:
        if len(self.faces) == 0:
            raise GeometryError("mesh", "it has no faces", expected="a surface")
        if not np.isfinite(self.vertices).all():
            raise GeometryError("mesh", "a vertex isn't finite", expected="finite positions")
        if self.faces.min() < 0 or self.faces.max() >= len(self.vertices):
            raise GeometryError("mesh", "a face names a vertex that isn't there")
        if len(self.colors) != len(self.vertices) or len(self.face_seen) != len(self.faces):
            raise GeometryError("mesh", "colours or seen flags of another length than vertices or faces")

    @property
    def triangles(self) -> Float32[np.ndarray, "f 3 3"]:
        return self.vertices[self.faces]

    def face_normals(self) -> Float32[np.ndarray, "f 3"]:
        """Unit outward normals; zero for a degenerate face."""
        t = self.triangles.astype(np.float64)
        normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
        return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)).astype(np.float32)

    def face_areas(self) -> Float32[np.ndarray, "f"]:
        """Areas [m^2]."""
        t = self.triangles.astype(np.float64)
        return (np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1) / 2).astype(np.float32)

    def save(self, folder: Path) -> None:
        write_arrays(
            folder / "mesh.npz", vertices=self.vertices, faces=self.faces, colors=self.colors, face_seen=self.face_seen
        )

    @classmethod
    def load(cls, folder: Path) -> "TriMesh":
        return cls(**read_arrays(folder / "mesh.npz"))


@dataclass(frozen=True, kw_only=True)
class Texture:
    """One square-texel image and where the corners of each textured face lie in it.

    Raises:
        GeometryError: Coordinates don't fit the faces or lie outside the image.
    """

    image: UInt8[np.ndarray, "h w 3"]
    """Display-referred sRGB; row 0 is the top."""
    face_index: Int32[np.ndarray, "t"]
    """The mesh faces that are textured, ascending."""
    uv: Float32[np.ndarray, "t 3 2"]
    """Texture coordinates of their corners in 0..1; v runs up, as USD and glTF viewers' ``st`` expects after their own flip."""
    metres_per_texel: float

    def __post_init__(self) -> None:
        if len(self.face_index) != len(self.uv):
            raise GeometryError("texture", f"{len(self.uv)} uv rows for {len(self.face_index)} faces")
        if len(self.uv) and (self.uv.min() < 0 or self.uv.max() > 1):
            raise GeometryError("texture", "coordinates outside the image", expected="0..1")

    def save(self, folder: Path) -> None:
        Image.fromarray(self.image).save(folder / "texture.png", optimize=False, compress_level=6)
        write_arrays(
            folder / "texture.npz", face_index=self.face_index, uv=self.uv, metres_per_texel=np.array(self.metres_per_texel)
        )

    @classmethod
    def load(cls, folder: Path) -> "Texture":
        arrays = read_arrays(folder / "texture.npz")
        with Image.open(folder / "texture.png") as image:
            pixels = np.asarray(image.convert("RGB"))
        return cls(
            image=pixels, face_index=arrays["face_index"], uv=arrays["uv"], metres_per_texel=float(arrays["metres_per_texel"])
        )
