"""What a reader makes of somebody else's file: a mesh with its colours, and an account of what the file holds, what was taken
and what was left out. Nothing is left out in silence."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, UInt8

from lyra_sim.errors import GeometryError, LyraSimError
from lyra_sim.geometry.rigid import Similarity


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One kind of thing that the file holds and the world doesn't get."""

    what: str
    """In the words of the format, plural: ``line primitives``."""
    count: int
    why: str
    """A clause: ``they have no surface``."""

    def __str__(self) -> str:
        return f"{self.count} {self.what} left out: {self.why}"


@dataclass(frozen=True, kw_only=True)
class ReadingNotes:
    """A file's contents against what was taken of them, for the console, the report and ``capture.json``."""

    file: str
    """Name of the file, without its folder."""
    format: str
    """``glTF 2.0, binary``."""
    held: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind the file holds."""
    taken: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind of ``held`` the world gets, instances counted each."""
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    """What was taken otherwise than the file means it: ``1 skinned mesh stands in its rest pose``."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What a user has to be told: what was left out and what was taken otherwise; empty where all was taken."""
        return tuple(f"{self.file}: {said}" for said in (*map(str, self.left_out), *self.remarks))

    def to_json(self) -> dict[str, Any]:
        """Plain values; :meth:`from_json` gives the same notes back."""
        return {
            "file": self.file,
            "format": self.format,
            "held": dict(sorted(self.held.items())),
            "taken": dict(sorted(self.taken.items())),
            "left_out": [{"what": one.what, "count": one.count, "why": one.why} for one in self.left_out],
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ReadingNotes":
        return cls(
            file=value["file"],
            format=value["format"],
            held=value["held"],
            taken=value["taken"],
            left_out=tuple(LeftOut(**one) for one in value["left_out"]),
            remarks=tuple(value["remarks"]),
        )


@contextmanager
def told_on_failure(notes: Sequence[ReadingNotes]) -> Iterator[None]:
    """Tell what a reader left out along with an error that comes after: the cause may lie there."""
    try:
        yield
    except LyraSimError as error:
        lines = [line for one in notes for line in one.lines]
        if not lines:
            raise
        steps = [error.next_step] if error.next_step else []
        raise type(error)(
            error.subject,
            error.found,
            expected=error.expected,
            likely=error.likely,
            next_step="\n  ".join([*steps, "Read with this left out or changed:", *lines]),
        ) from error


@dataclass(frozen=True, kw_only=True)
class PaintedMesh:
    """Triangles as another tool left them, open or closed, in any number of parts, in the frame and unit of their file; winding
    means nothing.

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
    images: tuple[UInt8[np.ndarray, "_ _ 3"], ...]
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
