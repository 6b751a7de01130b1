"""Meshes of other tools, read with their colours: GLB, OBJ and PLY. USD is read in the usd room, which alone knows pxr."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from lyra_sim.conventions import srgb_bytes_from_linear
from lyra_sim.data.painted_mesh import PaintedMesh
from lyra_sim.errors import InputError

Up = Literal["x", "y", "z", "-x", "-y", "-z"]
MESH_SUFFIXES = (".glb", ".obj", ".ply")
USD_SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
MOST_BYTES = 4 << 30
"""A larger file is refused before it is opened. Convention."""
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


def check_file(path: Path, suffixes: tuple[str, ...], *, expected: str) -> None:
    """Refuse what is missing, empty, huge or of another kind, by name and size.

    Raises:
        InputError: It is one of these.
    """
    if not path.is_file():
        raise InputError(
            str(path),
            "a folder" if path.is_dir() else "the file is missing",
            expected=expected,
            next_step="Check the path; it is relative to the scene file.",
        )
    if path.suffix.lower() not in suffixes:
        likely = "A glTF in several files: export it as one .glb." if path.suffix.lower() == ".gltf" else None
        raise InputError(str(path), f"unknown kind of file '{path.suffix}'", expected=", ".join(suffixes), likely=likely)
    size = path.stat().st_size
    if size == 0:
        raise InputError(str(path), "the file is empty", expected=expected)
    if size > MOST_BYTES:
        raise InputError(str(path), f"{size / 1e9:.1f} GB", expected=f"at most {MOST_BYTES / 1e9:.1f} GB")


def read_given_mesh(path: Path) -> ReadMesh:
    """All triangles of a GLB, OBJ or PLY file, node transforms applied.

    Raises:
        InputError: The file is missing, of another kind, broken, or holds no triangle with finite corners and an area.
    """
    import trimesh

    check_file(path, MESH_SUFFIXES, expected="a mesh in a GLB, OBJ, PLY or USD file")
    kind = path.suffix.lower()
    try:
        scene: Any = trimesh.load_scene(path, process=False)
        parts, dropped = [], 0
        images: dict[int, np.ndarray] = {}
        for node in sorted(scene.graph.nodes_geometry):
            matrix, name = scene.graph[node]
            part, lost = _part(scene.geometry[name], np.asarray(matrix, np.float64), images, linear=kind == ".glb")
            dropped += lost
            parts += [part] if part is not None else []
    except InputError:
        raise
    except Exception as error:  # trimesh's readers raise whatever the broken byte leads to
        raise _unreadable(path, error) from error
    return finished(path, parts, dropped, glb=kind == ".glb")


def finished(path: Path, parts: list[PaintedMesh], dropped: int, *, glb: bool) -> ReadMesh:
    """Parts as one mesh; an error where nothing is left.

    Raises:
        InputError: No triangle is left, or there are more than ``MOST_TRIANGLES``.
    """
    if not parts:
        raise InputError(
            str(path),
            f"no triangle to build from ({dropped} without area or with corners that aren't numbers)",
            expected="a triangle mesh",
            likely="A point cloud, or splats: those belong under 'splats'." if path.suffix.lower() == ".ply" else None,
        )
    mesh = PaintedMesh.joined(parts)
    if len(mesh.faces) > MOST_TRIANGLES:
        raise InputError(
            str(path),
            f"{len(mesh.faces)} triangles",
            expected=f"at most {MOST_TRIANGLES}",
            next_step="Decimate the mesh first, or split off what isn't needed.",
        )
    return ReadMesh(
        mesh=mesh,
        metres_per_unit=1.0 if glb else None,
        up="y" if glb else None,
        source="glTF" if glb else path.suffix.lower()[1:].upper(),
        dropped=dropped,
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
        InputError: The image has more than ``MOST_IMAGE_PIXELS``.
    """
    if image.width * image.height > MOST_IMAGE_PIXELS:
        raise InputError("texture", f"{image.width}x{image.height} pixels", expected=f"at most {MOST_IMAGE_PIXELS} in all")
    image = image.convert("RGB")
    if max(image.size) > MOST_TEXELS:
        image.thumbnail((MOST_TEXELS, MOST_TEXELS), Image.Resampling.BOX)
    return np.asarray(image)


def _part(geometry: Any, matrix: np.ndarray, images: dict[int, np.ndarray], *, linear: bool) -> tuple[PaintedMesh | None, int]:
    """``images`` holds what was read so far, by the identity of the file's image: parts share materials."""
    faces = np.asarray(getattr(geometry, "faces", np.zeros((0, 3))), np.int64)
    if len(faces) == 0:
        return None, 0
    vertices = np.asarray(geometry.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    rgb, uv, image = _looks(geometry, faces, images, linear=linear)
    return painted(vertices, faces, corner_rgb=rgb, uv=uv, image=image)


def _looks(
    geometry: Any, faces: np.ndarray, images: dict[int, np.ndarray], *, linear: bool
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Corner colours, corner texture coordinates and image, each None where the file has none."""
    visual = geometry.visual
    if visual.kind in ("vertex", "face"):
        if visual.kind == "face":
            return np.repeat(np.asarray(visual.face_colors)[:, None, :3], 3, axis=1), None, None
        colours = np.asarray(visual.vertex_colors)[:, :3]
        return (srgb_bytes_from_linear(colours / 255) if linear else colours)[faces], None, None
    material = getattr(visual, "material", None)
    factor = getattr(material, "baseColorFactor", None)
    if factor is None:
        factor = getattr(material, "diffuse", None)
    flat = None if factor is None else np.asarray(factor)[:3].astype(np.float64) / 255
    texture = getattr(material, "baseColorTexture", None)
    texture = getattr(material, "image", None) if texture is None else texture
    uv = getattr(visual, "uv", None)
    if texture is not None and uv is not None and len(uv):
        rgb = None if flat is None or (not linear) else srgb_bytes_from_linear(flat)  # OBJ: Kd stands in for the map
        rows = np.broadcast_to(np.array([255, 255, 255], np.uint8) if rgb is None else rgb, (len(faces), 3, 3))
        if id(texture) not in images:
            images[id(texture)] = reduced(texture)
        return rows, np.asarray(uv, np.float64)[faces], images[id(texture)]
    if flat is None:
        return None, None, None
    rgb = srgb_bytes_from_linear(flat) if linear else (flat * 255 + 0.5).astype(np.uint8)
    return np.broadcast_to(rgb, (len(faces), 3, 3)), None, None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        str(path),
        f"it can't be read as a mesh ({type(error).__name__}: {error})",
        expected="a GLB, OBJ or PLY file",
        likely="The file is truncated or of another type.",
    )
