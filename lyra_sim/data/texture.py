"""A colour atlas for the seen faces of a mesh."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from PIL import Image

from lyra_sim.data.files import read_arrays, write_arrays
from lyra_sim.errors import GeometryError


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
