"""Triangles with their colours, as another tool left them: open or closed, in any number of parts."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, UInt8

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity


@dataclass(frozen=True, kw_only=True)
class PaintedMesh:
    """A triangle soup in the frame and unit of its file; winding and closedness mean nothing.

    Raises:
        GeometryError: It has no triangles, a face names no vertex or image, a vertex isn't finite, or lengths differ.
    """

    vertices: Float64[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    corner_rgb: UInt8[np.ndarray, "f 3 3"]
    """Display-referred sRGB of every face's corners; what the texture is multiplied by where there is one."""
    image_index: Int32[np.ndarray, "f"]
    """Which of ``images`` colours the face; -1: none."""
    uv: Float32[np.ndarray, "f 3 2"]
    """Texture coordinates of the corners, v up; they may leave 0..1 and then repeat."""
    images: tuple[UInt8[np.ndarray, "h w 3"], ...]
    """Display-referred sRGB; row 0 is the top."""

    def __post_init__(self) -> None:
        count = len(self.faces)
        if count == 0:
            raise GeometryError("mesh", "it has no triangles", expected="a surface")
        if not np.isfinite(self.vertices).all():
            raise GeometryError("mesh", "a vertex isn't finite", expected="finite positions")
        if self.faces.min() < 0 or self.faces.max() >= len(self.vertices):
            raise GeometryError("mesh", "a face names a vertex that isn't there")
        if not len(self.corner_rgb) == len(self.image_index) == len(self.uv) == count:
            raise GeometryError("mesh", "colours, images or texture coordinates of another length than the faces")
        if self.image_index.max() >= len(self.images):
            raise GeometryError("mesh", "a face names an image that isn't there")

    @property
    def textured(self) -> Bool[np.ndarray, "f"]:
        """Faces that an image colours."""
        return self.image_index >= 0

    def moved(self, new_from_frame: Similarity) -> "PaintedMesh":
        """The same mesh in another frame."""
        return replace(self, vertices=new_from_frame.apply(self.vertices))

    @classmethod
    def joined(cls, parts: Sequence["PaintedMesh"]) -> "PaintedMesh":
        """Several meshes of one frame as one; images of the same pixels are kept once, for parts of a file share them."""
        vertex_start = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
        images: dict[Hashable, tuple[int, np.ndarray]] = {}
        known: dict[int, Hashable] = {}
        numbers = []
        for part in parts:
            keys = []
            for image in part.images:
                if id(image) not in known:
                    known[id(image)] = (image.shape, sha256(image.tobytes()).digest())
                keys.append(known[id(image)])
                images.setdefault(keys[-1], (len(images), image))
            numbers.append(np.array([*(images[key][0] for key in keys), -1], np.int32))  # -1 stays -1
        return cls(
            vertices=np.concatenate([part.vertices for part in parts]),
            faces=np.concatenate([part.faces + start for part, start in zip(parts, vertex_start, strict=True)]).astype(
                np.int32
            ),
            corner_rgb=np.concatenate([part.corner_rgb for part in parts]),
            image_index=np.concatenate([number[part.image_index] for part, number in zip(parts, numbers, strict=True)]),
            uv=np.concatenate([part.uv for part in parts]),
            images=tuple(image for _, image in images.values()),
        )
