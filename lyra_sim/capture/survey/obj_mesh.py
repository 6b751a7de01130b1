"""Wavefront OBJ files with their materials. Statements that aren't surface are counted, not skipped in silence."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lyra_sim.capture.survey.painting import ReadMesh, check_count, finished, painted
from lyra_sim.capture.survey.ply_mesh import image_beside
from lyra_sim.capture.survey.polygons import triangles_of
from lyra_sim.data.given import LeftOut, PaintedMesh, ReadingNotes
from lyra_sim.errors import InputError

QUIET = {b"#", b"g", b"o", b"s", b"vn", b"mg", b"vp", b"end", b"cstype", b"deg", b"parm", b"shadow_obj", b"lod", b"bevel"}
"""Names, smoothing, normals: nothing of the surface is lost with them."""
NO_SURFACE = {
    b"l": "they are lines",
    b"p": "they are points",
    b"curv": "free-form curves aren't read",
    b"curv2": "free-form curves aren't read",
    b"surf": "free-form surfaces aren't read: tessellate them",
}
OPTIONS = {"-blendu": 1, "-blendv": 1, "-boost": 1, "-mm": 2, "-texres": 1, "-clamp": 1, "-bm": 1, "-imfchan": 1, "-type": 1}


@dataclass(frozen=True)
class _Block:
    """Faces of one material written alike: as many corners each, the same parts to a corner."""

    material: str | None
    corners: int
    slashes: int
    doubled: int
    """How often ``//`` stands for a left-out texture coordinate."""
    lines: list[bytes] = field(default_factory=list, compare=False)


@dataclass(frozen=True, kw_only=True)
class _Material:
    rgb: np.ndarray | None
    image: np.ndarray | None
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


def read_obj_mesh(path: Path) -> ReadMesh:
    """All faces of an OBJ file as triangles, in its own frame and unit."""
    blocks, vertex_lines, uv_lines, libraries, counted = _statements(path)
    table = _numbers(path, vertex_lines, "v")
    vertices, rgb = table[:, :3], _vertex_colours(vertex_lines, table)
    uv = _numbers(path, uv_lines, "vt")[:, :2] if uv_lines else None
    check_count(path, sum(len(block.lines) * max(block.corners - 2, 0) for block in blocks))
    left: list[LeftOut] = []
    materials = _materials(path, libraries, left)
    missing = {block.material for block in blocks if block.material is not None} - materials.keys()
    if missing:
        why = f"{', '.join(sorted(missing)[:3])}: no library that was found has them"
        left.append(LeftOut(what="materials", count=len(missing), why=why))
    parts, dropped, triangles = [], 0, 0
    for block in blocks:
        part, lost, count = _part(path, block, vertices, rgb, uv, materials)
        dropped, triangles = dropped + lost, triangles + count
        parts += [part] if part is not None else []
    for name, why in NO_SURFACE.items():
        if counted[name]:
            left.append(LeftOut(what=f"'{name.decode()}' statements", count=counted[name], why=why))
    odd = {name: count for name, count in counted.items() if name not in NO_SURFACE}
    if odd:
        names = ", ".join(name.decode("utf-8", "replace")[:20] for name in sorted(odd)[:6])
        left.append(LeftOut(what="statements", count=sum(odd.values()), why=f"they aren't known ({names})"))
    if dropped:
        left.append(
            LeftOut(what="triangles", count=dropped, why="they have no area, or corners that aren't numbers or not there")
        )
    notes = ReadingNotes(
        file=path.name,
        format="OBJ",
        held={"vertices": len(vertices), "faces": sum(len(block.lines) for block in blocks), "triangles": triangles},
        taken={"triangles": sum(len(part.faces) for part in parts), "materials": len(materials)},
        left_out=tuple(left),
    )
    mesh = finished(path, parts, dropped)
    return ReadMesh(mesh=mesh, metres_per_unit=None, up=None, source="OBJ", dropped=dropped, notes=notes)


def _statements(path: Path) -> tuple[list[_Block], list[bytes], list[bytes], list[str], Counter[bytes]]:
    blocks: dict[_Block, _Block] = {}
    vertices: list[bytes] = []
    uv: list[bytes] = []
    libraries: list[str] = []
    counted: Counter[bytes] = Counter()
    material: str | None = None
    text = path.read_bytes().replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    if b"\0" in text[:4096]:
        raise _wrong(path, "it holds bytes that are no text")
    for line in text.splitlines():
        key, _, rest = line.strip().partition(b" ") if b"\t" not in line else line.strip().replace(b"\t", b" ").partition(b" ")
        if key == b"v":
            vertices.append(rest)
        elif key == b"f":
            rest = rest.partition(b"#")[0]
            if b"-" in rest:
                rest = _from_start(rest, len(vertices), len(uv))
            block = _Block(material, len(rest.split()), rest.count(b"/"), rest.count(b"//"))
            blocks.setdefault(block, block).lines.append(rest)
        elif key == b"vt":
            uv.append(rest)
        elif key == b"usemtl":
            material = rest.strip().decode("utf-8", "replace")
        elif key == b"mtllib":
            libraries.append(rest.strip().decode("utf-8", "replace"))
        elif key and key not in QUIET and not key.startswith(b"#"):
            counted[key] += 1
    if not vertices:
        raise _wrong(path, "it has no vertices")
    return list(blocks.values()), vertices, uv, libraries, counted


def _from_start(face: bytes, vertex_count: int, uv_count: int) -> bytes:
    """A face whose negative indices, which count back from here, count from the file's start."""
    corners = []
    for corner in face.split():
        parts = corner.split(b"/")
        for k, count in enumerate((vertex_count, uv_count)[: len(parts)]):
            if parts[k].startswith(b"-") and parts[k][1:].isdigit():
                parts[k] = str(count + int(parts[k]) + 1).encode()
        corners.append(b"/".join(parts))
    return b" ".join(corners)


def _numbers(path: Path, lines: list[bytes], name: str) -> np.ndarray:
    """Rows of numbers, as many columns as the first has and at least two or three; shorter rows end in NaN."""
    least = 3 if name == "v" else 2
    width = max(len(lines[0].split()), least)
    try:
        rows = [line.split()[:width] for line in lines]
        rows = [row if len(row) == width else row + [b"nan"] * (width - len(row)) for row in rows]
        table: np.ndarray = np.array(rows, dtype=bytes).astype(np.float64)
    except ValueError as error:
        raise _wrong(path, f"a '{name}' isn't numbers ({error})") from error
    return table


def _vertex_colours(lines: list[bytes], table: np.ndarray) -> np.ndarray | None:
    """``v x y z r g b`` in 0..1, or 0..255 as some scanners write them."""
    if table.shape[1] < 6:
        return None
    values = np.nan_to_num(table[:, 3:6], nan=0.7)
    return (np.clip(values * (255 if values.max() <= 1 else 1), 0, 255) + 0.5).astype(np.uint8)


def _part(
    path: Path,
    block: _Block,
    vertices: np.ndarray,
    rgb: np.ndarray | None,
    uv: np.ndarray | None,
    materials: dict[str, _Material],
) -> tuple[PaintedMesh | None, int, int]:
    indices, uv_index = _indices(path, block)
    count = np.full(len(block.lines), block.corners, np.int64)
    corners = triangles_of(vertices, count, indices)
    faces = indices[corners]
    material = materials.get(block.material) if block.material is not None else None
    image, uv_corners = (material.image if material is not None else None), None
    if image is not None and uv is not None and uv_index is not None and material is not None:
        found = (uv_index >= 0) & (uv_index < len(uv))
        uv_corners = (uv[np.where(found, uv_index, 0)] * material.scale + material.offset)[corners]
    elif image is not None:
        image = None
    if image is not None:
        colour: np.ndarray | None = np.full((len(faces), 3, 3), 255, np.uint8)  # Kd is a stand-in where there is a map
    elif rgb is not None:
        colour = rgb[np.where((faces >= 0) & (faces < len(vertices)), faces, 0)]
    else:
        flat = material.rgb if material is not None else None
        colour = None if flat is None else np.broadcast_to(flat, (len(faces), 3, 3))
    part, lost = painted(vertices, faces, corner_rgb=colour, uv=uv_corners, image=image)
    return part, lost, len(faces)


def _indices(path: Path, block: _Block) -> tuple[np.ndarray, np.ndarray | None]:
    """Vertex and, where the corners name them, texture coordinate of every corner, from 0; -1 is none."""
    if block.corners == 0:
        return np.zeros(0, np.int64), None
    per_corner, odd = divmod(block.slashes, block.corners)
    if odd or per_corner > 2 or block.doubled not in (0, block.corners):
        raise _wrong(path, f"a face is written '{block.lines[0][:60].decode('utf-8', 'replace')}'")
    text = b" ".join(block.lines)
    normal_only = block.doubled > 0
    words = (text.replace(b"//", b"/0/") if normal_only else text).replace(b"/", b" ").split()
    if len(words) != len(block.lines) * block.corners * (per_corner + 1):
        raise _wrong(path, f"a face is written '{block.lines[0][:60].decode('utf-8', 'replace')}'")
    try:
        table = np.array(words, dtype=bytes).astype(np.int64).reshape(-1, per_corner + 1)
    except (ValueError, OverflowError) as error:
        raise _wrong(path, f"a face names what isn't a number ({error})") from error

    vertex = table[:, 0] - 1
    return np.maximum(vertex, -1), np.maximum(table[:, 1] - 1, -1) if per_corner and not normal_only else None


def _materials(path: Path, libraries: list[str], left: list[LeftOut]) -> dict[str, _Material]:
    materials: dict[str, _Material] = {}
    images: dict[str, np.ndarray | None] = {}
    folder = path.absolute().parent
    for name in libraries:
        file = folder / name.replace("\\", "/")
        try:
            inside = file.resolve().is_relative_to(folder.resolve())
            text = file.read_text("utf-8", "replace") if inside and file.is_file() else None
        except (OSError, ValueError):
            text, inside = None, True
        if text is None:
            why = f"'{name[:60]}' {'is missing' if inside else 'lies outside the folder of the mesh'}"
            left.append(LeftOut(what="material libraries", count=1, why=why))
            continue
        current = ""
        for line in text.splitlines():
            key, _, rest = line.strip().replace("\t", " ").partition(" ")
            rest = rest.strip()
            old = materials.get(current, _Material(rgb=None, image=None))
            if key == "newmtl":
                current = rest
                materials[current] = _Material(rgb=None, image=None)
            elif key == "Kd":
                colour = _floats(rest.split()[:3])
                if colour is not None and len(colour) == 3:
                    rgb = (np.clip(colour, 0, 1) * 255 + 0.5).astype(np.uint8)
                    materials[current] = _Material(rgb=rgb, image=old.image, scale=old.scale, offset=old.offset)
            elif key.lower() == "map_kd" and rest:
                image, scale, offset = _map(rest)
                if image not in images:
                    images[image] = image_beside(path, image, left)
                materials[current] = _Material(rgb=old.rgb, image=images[image], scale=scale, offset=offset)
    return materials


def _map(rest: str) -> tuple[str, tuple[float, float], tuple[float, float]]:
    """Name of a map, and how its options scale and move coordinates. Names may hold spaces."""
    scale, offset = (1.0, 1.0), (0.0, 0.0)
    words = rest.split(" ")
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-s", "-o", "-t"):
            values: list[float] = []
            while words and len(values) < 3 and (one := _floats(words[:1])) is not None:
                values.append(float(one[0]))
                words.pop(0)
            if option == "-s" and values:
                scale = (values[0], values[1] if len(values) > 1 else values[0])
            elif option == "-o" and values:
                offset = (values[0], values[1] if len(values) > 1 else 0.0)
        else:
            del words[: OPTIONS.get(option, 1)]
    return " ".join(words).strip(), scale, offset


def _floats(words: list[str]) -> np.ndarray | None:
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        return None
    return values if len(values) and np.isfinite(values).all() else None


def _wrong(path: Path, found: str) -> InputError:
    return InputError(str(path), found, expected="an OBJ file", likely="The file is truncated or of another type.")
