"""A PLY file as a painted mesh: faces and strips, colours of vertices and faces, textures of the usual spellings."""

from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.capture.survey.painting import ReadMesh, check_count, finished, painted, reduced
from lyra_sim.capture.survey.ply_file import Element, Lists, Ply, read_ply
from lyra_sim.capture.survey.polygons import triangles_of
from lyra_sim.data.given import LeftOut, PaintedMesh, ReadingNotes
from lyra_sim.errors import InputError

FACES = ("face", "faces", "triangle", "triangles")
CORNERS = ("vertex_indices", "vertex_index")
COLOURS = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"))
KNOWN = {"x", "y", "z", "nx", "ny", "nz", "alpha", "a", "diffuse_alpha", "texnumber", "texcoord"}
SPLATS = {"f_dc_0", "scale_0", "rot_0", "opacity"}


def read_ply_mesh(path: Path) -> ReadMesh:
    """All triangles of a PLY file, in its own frame and unit.

    Raises:
        InputError: It has no faces, or none that can be built from.
    """
    ply = read_ply(path)
    vertex = next((ply.elements[name] for name in ("vertex", "vertices") if name in ply.elements), None)
    if vertex is None or not {"x", "y", "z"} <= vertex.columns.keys():
        raise InputError(str(path), "no vertices with x, y and z", expected="a PLY mesh")
    face = next((ply.elements[name] for name in FACES if name in ply.elements), None)
    strips = ply.elements.get("tristrips")
    if (face is None or not face.count) and strips is None:
        splats = vertex.columns.keys() >= SPLATS
        raise InputError(
            str(path),
            f"no triangle to build from ({vertex.count} {'Gaussian splats' if splats else 'points'} without faces)",
            expected="a triangle mesh",
            likely="A point cloud, or splats: those belong under 'splats'.",
            next_step="Write 'splats:' in place of 'mesh:'." if splats else None,
        )
    vertices = np.stack([vertex.columns[axis] for axis in "xyz"], axis=1)
    left: list[LeftOut] = []
    parts: list[PaintedMesh] = []
    dropped = triangles = 0
    if face is not None and face.count:
        part, lost, count = _faces(path, ply, vertex, face, vertices, left)
        parts, dropped, triangles = [*parts, *part], dropped + lost, triangles + count
    if strips is not None:
        part, lost, count = _strips(path, vertex, strips, vertices)
        parts, dropped, triangles = [*parts, *part], dropped + lost, triangles + count
    if dropped:
        left.append(
            LeftOut(what="triangles", count=dropped, why="they have no area, or corners that aren't numbers or not there")
        )
    notes = _notes(path, ply, vertex, face, left, triangles=triangles, taken=sum(len(one.faces) for one in parts))
    mesh = finished(path, parts, dropped)
    return ReadMesh(mesh=mesh, metres_per_unit=None, up=None, source="PLY", dropped=dropped, notes=notes)


def _corners(path: Path, element: Element) -> Lists:
    for name in CORNERS:
        if name in element.lists:
            return element.lists[name]
    raise InputError(str(path), f"element {element.name} has no vertex_indices", expected="a PLY mesh")


def _faces(
    path: Path, ply: Ply, vertex: Element, face: Element, vertices: np.ndarray, left: list[LeftOut]
) -> tuple[list[PaintedMesh], int, int]:
    lists = _corners(path, face)
    check_count(path, int(np.maximum(lists.lengths - 2, 0).sum()))
    thin = int((lists.lengths < 3).sum())
    if thin:
        left.append(LeftOut(what="faces", count=thin, why="they have fewer than three corners"))
    indices = lists.values.astype(np.int64)
    corners = triangles_of(vertices, lists.lengths, indices)
    owner = np.repeat(np.arange(len(lists.lengths)), lists.lengths)[corners[:, 0]]
    faces = indices[corners]
    safe = np.where((faces >= 0) & (faces < len(vertices)), faces, 0)
    rgb = _colours(vertex)
    by_face = _colours(face)
    corner_rgb = np.repeat(by_face[owner][:, None], 3, axis=1) if by_face is not None else None if rgb is None else rgb[safe]
    uv = _uv(vertex, face, corners, safe, owner, len(indices))
    images = _images(path, ply, left) if uv is not None else []
    if not any(image is not None for image in images):
        part, lost = painted(vertices, faces, corner_rgb=corner_rgb)
        return [] if part is None else [part], lost, len(faces)
    number = (
        face.columns["texnumber"].astype(np.int64)[owner] if "texnumber" in face.columns else np.zeros(len(faces), np.int64)
    )
    parts: list[PaintedMesh] = []
    dropped = 0
    for index in np.unique(number):
        of_it = number == index
        image = images[index] if 0 <= index < len(images) else None
        white = np.full((int(of_it.sum()), 3, 3), 255, np.uint8)
        part, lost = painted(
            vertices,
            faces[of_it],
            corner_rgb=white if image is not None else None if corner_rgb is None else corner_rgb[of_it],
            uv=uv[of_it] if image is not None and uv is not None else None,
            image=image,
        )
        parts, dropped = parts + ([] if part is None else [part]), dropped + lost
    return parts, dropped, len(faces)


def _strips(path: Path, vertex: Element, strips: Element, vertices: np.ndarray) -> tuple[list[PaintedMesh], int, int]:
    """Triangle strips, parted by -1, as the Stanford scans have them."""
    indices = _corners(path, strips).values.astype(np.int64)
    check_count(path, len(indices))
    first = np.maximum.accumulate(np.where(indices < 0, np.arange(len(indices)) + 1, 0))
    k = np.arange(max(len(indices) - 2, 0))
    whole = (indices[k] >= 0) & (indices[k + 1] >= 0) & (indices[k + 2] >= 0)
    k = k[whole]
    odd = (k - first[k]) % 2
    faces = np.stack([indices[k], indices[k + 1 + odd], indices[k + 2 - odd]], axis=1)
    rgb = _colours(vertex)
    safe = np.where(faces < len(vertices), faces, 0)
    part, lost = painted(vertices, faces, corner_rgb=None if rgb is None else rgb[safe])
    return [] if part is None else [part], lost, len(faces)


def _colours(element: Element) -> np.ndarray | None:
    """Display-referred bytes; floating ones stand for 0..1."""
    for names in COLOURS:
        if all(name in element.columns for name in names):
            values = np.nan_to_num(np.stack([element.columns[name] for name in names], axis=1))
            kind = next(one.type for one in element.properties if one.name == names[0])
            scale = {"f": 255.0, "u": 1.0 if kind == "u1" else 1 / 257, "i": 1.0}[kind[0]]
            return (np.clip(values * scale, 0, 255) + 0.5).astype(np.uint8)
    return None


def _uv(
    vertex: Element, face: Element, corners: np.ndarray, safe: np.ndarray, owner: np.ndarray, corner_count: int
) -> np.ndarray | None:
    """Texture coordinates of the triangles' corners (t, 3, 2): per corner of the face, else per vertex."""
    told = face.lists.get("texcoord")
    indexed = next(face.lists[name] for name in CORNERS if name in face.lists)
    if told is not None and len(told.values) == 2 * corner_count and (told.lengths == 2 * indexed.lengths).all():
        per_corner: np.ndarray = told.values.reshape(-1, 2)[corners]
        return per_corner
    for names in UV:
        if all(name in vertex.columns for name in names):
            per_vertex: np.ndarray = np.stack([vertex.columns[name] for name in names], axis=1)[safe]
            return per_vertex
    return None


def _images(path: Path, ply: Ply, left: list[LeftOut]) -> list[np.ndarray | None]:
    """Images of the comments ``TextureFile name``, in their order."""
    found: list[np.ndarray | None] = []
    for comment in ply.comments:
        word, _, name = comment.partition(" ")
        if word.lower() == "texturefile":
            found.append(image_beside(path, name.strip(), left))
    return found


def image_beside(path: Path, name: str, left: list[LeftOut]) -> np.ndarray | None:
    """Pixels of an image in the mesh's folder or below; otherwise None, and why in ``left``: colours are no geometry."""
    folder = path.absolute().parent
    try:
        file = folder / name.replace("\\", "/")
        if not file.resolve().is_relative_to(folder.resolve()):
            why = f"'{name[:60]}' lies outside the mesh's folder"
        elif not file.is_file():
            why = f"'{name[:60]}' is missing"
        else:
            with Image.open(file) as image:
                return reduced(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        why = f"'{name[:60]}' can't be read ({type(error).__name__})"
    left.append(LeftOut(what="images", count=1, why=why))
    return None


def _notes(
    path: Path, ply: Ply, vertex: Element, face: Element | None, left: list[LeftOut], *, triangles: int, taken: int
) -> ReadingNotes:
    known = KNOWN | set(CORNERS) | {name for names in (*COLOURS, *UV) for name in names}
    for element in ply.elements.values():
        if element is vertex or element is face or element.name == "tristrips":
            odd = sorted(one.name for one in element.properties if one.name not in known)
            if odd:
                left.append(LeftOut(what=f"properties of {element.name}", count=len(odd), why=", ".join(odd[:8])))
        elif element.count:
            left.append(LeftOut(what=f"rows of element {element.name}", count=element.count, why="they are no faces"))
    return ReadingNotes(
        file=path.name,
        format=f"PLY, {ply.format}",
        held={"vertices": vertex.count, "faces": face.count if face is not None else 0, "triangles": triangles},
        taken={"triangles": taken},
        left_out=tuple(left),
    )
