"""One primitive of a glTF mesh as triangles: indices or none, lists, strips and fans, Draco or plain."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from lyra_sim.capture.survey.gltf import draco
from lyra_sim.capture.survey.gltf.accessors import Accessors, as_numbers
from lyra_sim.capture.survey.gltf.file import GltfFile

MODES = ("point", "line", "line loop", "line strip", "triangle", "triangle strip", "triangle fan")
TRIANGLES = (4, 5, 6)
"""Of the format. Convention."""
MOST_UV_SETS = 8
"""Sets of texture coordinates that are read. Convention."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Geometry of a primitive in its mesh's frame; vertices that no face names are gone."""

    vertices: Float64[np.ndarray, "v 3"]
    faces: Int64[np.ndarray, "f 3"]
    used: Int64[np.ndarray, "v"]
    """Where each vertex stood in the file's attributes."""
    uv_sets: dict[int, Float64[np.ndarray, "v 2"]]
    """As stored, v down."""
    linear_rgb: Float64[np.ndarray, "v 3"] | None
    packed: dict[str, np.ndarray]
    """What Draco unpacked, as stored; empty for plain primitives."""


def triangle_count(file: GltfFile, accessors: Accessors, primitive: dict[str, Any], mode: int, where: str) -> int:
    """How many triangles the accessors promise."""
    attributes = file.child(primitive, "attributes", where)
    if "POSITION" not in attributes and "indices" not in primitive:
        return 0
    corners = accessors.count(primitive.get("indices", attributes.get("POSITION")), named_by=where)
    return corners // 3 if mode == 4 else max(corners - 2, 0)


def shape_of(file: GltfFile, accessors: Accessors, primitive: dict[str, Any], mode: int, where: str) -> Shape:
    """Read a primitive of one of the triangle modes."""
    named = file.child(primitive, "attributes", where)
    told = file.extension(primitive, draco.NAME, where)
    packed: dict[str, np.ndarray] = {}
    if told is not None:
        faces, packed = draco.unpacked(file, accessors, primitive, told, where)
    if "POSITION" not in named:
        raise file.broken(where, "it has no POSITION", expected="vertices")

    def attribute(name: str, kinds: tuple[str, ...], *, colour: bool = False) -> np.ndarray:
        if name in packed:
            entry = file.item("accessors", named[name], named_by=f"{where}.{name}")
            return as_numbers(packed[name], normalized=colour or entry.get("normalized") is True)
        return accessors.numbers(named[name], kinds, named_by=f"{where}.{name}", always_normalized=colour)

    vertices = attribute("POSITION", ("VEC3",))
    if told is None:
        corners = (
            accessors.indices(primitive["indices"], named_by=where) if "indices" in primitive else np.arange(len(vertices))
        )
        faces = _faces(corners, mode)
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise file.broken(where, f"an index is {int(faces.max())}", expected=f"below {len(vertices)}, its vertices")
    used, renumbered = np.unique(faces, return_inverse=True)

    def of_used(values: np.ndarray, name: str) -> np.ndarray:
        if len(values) != len(vertices):
            raise file.broken(where, f"{len(values)} elements of {name}", expected=f"{len(vertices)}, as many as POSITION")
        return values[used]

    uv_sets = {
        k: of_used(attribute(f"TEXCOORD_{k}", ("VEC2",)), f"TEXCOORD_{k}")
        for k in range(MOST_UV_SETS)
        if f"TEXCOORD_{k}" in named
    }
    colours = attribute("COLOR_0", ("VEC3", "VEC4"), colour=True) if "COLOR_0" in named else None
    return Shape(
        vertices=vertices[used],
        faces=renumbered.reshape(-1, 3),
        used=used,
        uv_sets=uv_sets,
        linear_rgb=None if colours is None else of_used(colours, "COLOR_0")[:, :3],
        packed=packed,
    )


def _faces(corners: Int64[np.ndarray, "n"], mode: int) -> Int64[np.ndarray, "f 3"]:
    """Triangles of a list, a strip (every other one turned over) or a fan (glTF 2.0, 3.7.2.1)."""
    if mode == 4:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    count = max(len(corners) - 2, 0)
    k = np.arange(count)
    if mode == 5:
        odd = k % 2
        return np.stack([corners[k], corners[k + 1 + odd], corners[k + 2 - odd]], axis=1)
    return np.stack([corners[k + 1], corners[k + 2], np.broadcast_to(corners[:1], count)], axis=1)
