"""What readers of meshes share: parts without faulty triangles, images of strangers, colours in sRGB."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from lyra_sim.data.given import PaintedMesh, ReadingNotes
from lyra_sim.errors import InputError

Up = Literal["x", "y", "z", "-x", "-y", "-z"]
MOST_TRIANGLES = 30_000_000
"""More are refused. Convention."""
MOST_TEXELS = 2048
"""Images are reduced to this side: views are a few hundred pixels wide. Convention."""
MOST_IMAGE_PIXELS = 16384 * 16384
"""A larger texture is refused. Convention."""
GREY = (178, 178, 178)
"""Of surface that says nothing of its colour. Convention."""


@dataclass(frozen=True, kw_only=True)
class ReadMesh:
    """A mesh in its file's frame, and what the format says of that frame."""

    mesh: PaintedMesh
    metres_per_unit: float | None
    """None: the format has no unit."""
    up: Up | None
    """None: the format has no up axis."""
    source: str
    """What the two rest on: ``glTF``, ``USD stage metadata``."""
    dropped: int
    """Triangles without area, or with corners that aren't numbers."""
    notes: ReadingNotes
    """What the file holds, what was taken of it and what not."""


def finished(path: Path, parts: list[PaintedMesh], dropped: int) -> PaintedMesh:
    """Parts as one mesh; an error where nothing is left.

    Raises:
        InputError: No triangle is left, or too many are.
    """
    if not parts:
        raise InputError(
            str(path),
            f"no triangle to build from ({dropped} without area or with corners that aren't numbers)",
            expected="a triangle mesh",
            likely="A point cloud, or splats: those belong under 'splats'." if path.suffix.lower() == ".ply" else None,
        )
    check_count(path, sum(len(part.faces) for part in parts))
    return PaintedMesh.joined(parts)


def check_count(path: Path, triangles: int) -> None:
    """Refuse more triangles than are surveyed in reasonable memory.

    Raises:
        InputError: There are more.
    """
    if triangles > MOST_TRIANGLES:
        raise InputError(
            str(path),
            f"{triangles} triangles, instances counted each",
            expected=f"at most {MOST_TRIANGLES}",
            next_step="Decimate the mesh first, or split off what isn't needed.",
        )


def flipped(part: PaintedMesh) -> PaintedMesh:
    """The same triangles wound the other way: a mirrored part keeps its outside so."""
    return replace(
        part, faces=part.faces[:, ::-1].copy(), corner_rgb=part.corner_rgb[:, ::-1].copy(), uv=part.uv[:, ::-1].copy()
    )


def painted(
    vertices: np.ndarray,
    faces: np.ndarray,
    *,
    corner_rgb: np.ndarray | None = None,
    uv: np.ndarray | None = None,
    image: np.ndarray | None = None,
) -> tuple[PaintedMesh | None, int]:
    """One part, without its triangles that have no area or no finite corners, and how many those were."""
    vertices = np.asarray(vertices, np.float64).reshape(-1, 3)
    faces = np.asarray(faces, np.int64).reshape(-1, 3)
    inside = np.asarray(((faces >= 0) & (faces < len(vertices))).all(axis=1))
    corners = vertices[np.where(inside[:, None], faces, 0)] if len(vertices) else np.zeros((len(faces), 3, 3))
    with np.errstate(invalid="ignore", over="ignore"):
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    kept = inside & np.isfinite(corners).all(axis=(1, 2)) & np.isfinite(area) & (area > 0)
    if not kept.any():
        return None, len(faces)
    count = int(kept.sum())
    used, renumbered = np.unique(faces[kept], return_inverse=True)
    textured = image is not None and uv is not None
    return PaintedMesh(
        vertices=vertices[used],
        faces=renumbered.reshape(-1, 3).astype(np.int32),
        corner_rgb=np.ascontiguousarray(corner_rgb[kept], np.uint8)
        if corner_rgb is not None
        else np.tile(np.array(GREY, np.uint8), (count, 3, 1)),
        image_index=np.full(count, 0 if textured else -1, np.int32),
        uv=np.nan_to_num(uv[kept]).astype(np.float32) if textured and uv is not None else np.zeros((count, 3, 2), np.float32),
        images=(image,) if textured and image is not None else (),
    ), len(faces) - count


def reduced(image: Image.Image) -> np.ndarray:
    """Pixels of an image from a stranger, opaque sRGB, no larger than needed.

    Raises:
        InputError: It has more than ``MOST_IMAGE_PIXELS``.
    """
    if image.width * image.height > MOST_IMAGE_PIXELS:
        raise InputError("texture", f"{image.width}x{image.height} pixels", expected=f"at most {MOST_IMAGE_PIXELS} in all")
    image = image.convert("RGB")
    if max(image.size) > MOST_TEXELS:
        image.thumbnail((MOST_TEXELS, MOST_TEXELS), Image.Resampling.BOX)
    return np.asarray(image)
