"""Writes glTF files for the tests, from the specification and by no library: what the bytes say is what the test says."""

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CODES = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
CUBE = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], np.float64)
CUBE_FACES = np.array(
    [
        [0, 2, 3],
        [0, 3, 1],
        [4, 5, 7],
        [4, 7, 6],
        [0, 1, 5],
        [0, 5, 4],
        [2, 6, 7],
        [2, 7, 3],
        [0, 4, 6],
        [0, 6, 2],
        [1, 3, 7],
        [1, 7, 5],
    ]
)
"""Wound outward."""
QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float64)
QUAD_FACES = np.array([[0, 1, 2], [0, 2, 3]])
QUAD_UV = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


class Glb:
    """A glTF in the making. Everything returns its index."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": []}
        self.data = bytearray()

    def add(self, name: str, entry: Any) -> int:
        self.tree.setdefault(name, []).append(entry)
        return len(self.tree[name]) - 1

    def view(self, data: bytes, **keys: Any) -> int:
        self.data += b"\0" * (-len(self.data) % 4)
        start = len(self.data)
        self.data += data
        return self.add("bufferViews", {"buffer": 0, "byteOffset": start, "byteLength": len(data), **keys})

    def accessor(self, values: np.ndarray, *, normalized: bool = False, aligned: bool = True, **keys: Any) -> int:
        """Rows of several components start at multiples of four bytes, as the specification asks."""
        values = np.ascontiguousarray(values)
        rows = values.reshape(len(values), -1)
        stride = {}
        if aligned and rows.shape[1] > 1 and (size := rows.shape[1] * rows.itemsize) % 4:
            wide = np.zeros((len(rows), (size + 3) // 4 * 4 // rows.itemsize), rows.dtype)
            wide[:, : rows.shape[1]] = rows
            stride = {"byteStride": wide.shape[1] * rows.itemsize}
            data = wide.tobytes()
        else:
            data = rows.tobytes()
        entry = {
            "bufferView": self.view(data, **stride),
            "componentType": CODES[rows.dtype.str[1:]],
            "count": len(rows),
            "type": KINDS[rows.shape[1]],
            **keys,
        }
        return self.add("accessors", entry | ({"normalized": True} if normalized else {}))

    def positions(self, values: np.ndarray) -> int:
        values = np.asarray(values, "<f4")
        return self.accessor(values, min=values.min(0).tolist(), max=values.max(0).tolist())

    def indices(self, faces: np.ndarray, dtype: str = "<u4") -> int:
        return self.accessor(np.asarray(faces, dtype).reshape(-1))

    def image(self, pixels: np.ndarray, kind: str = "PNG") -> int:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind, **({"lossless": True} if kind == "WEBP" else {}))
        return self.add("images", {"bufferView": self.view(stream.getvalue()), "mimeType": f"image/{kind.lower()}"})

    def texture(self, pixels: np.ndarray) -> int:
        return self.add("textures", {"source": self.image(pixels)})

    def material(self, factor: tuple[float, ...] | None = None, texture: dict[str, Any] | None = None, **keys: Any) -> int:
        base: dict[str, Any] = {} if factor is None else {"baseColorFactor": [*factor, 1.0]}
        if texture is not None:
            base["baseColorTexture"] = texture
        return self.add("materials", {"pbrMetallicRoughness": base, **keys})

    def primitive(self, vertices: Any, faces: Any = None, material: int | None = None, **attributes: Any) -> dict[str, Any]:
        """``vertices``: float positions, or the index of an accessor; attributes are indices of accessors."""
        entry: dict[str, Any] = {
            "attributes": {"POSITION": vertices if isinstance(vertices, int) else self.positions(vertices), **attributes}
        }
        if faces is not None:
            entry["indices"] = faces if isinstance(faces, int) else self.indices(faces)
        return entry if material is None else {**entry, "material": material}

    def mesh(self, *primitives: dict[str, Any], **keys: Any) -> int:
        return self.add("meshes", {"primitives": list(primitives), **keys})

    def node(self, *, root: bool = True, **keys: Any) -> int:
        index = self.add("nodes", keys)
        if root:
            self.tree["scenes"][0]["nodes"].append(index)
        return index

    def uses(self, *names: str, required: bool = True) -> None:
        for key in ("extensionsUsed", *(["extensionsRequired"] if required else [])):
            self.tree[key] = sorted({*self.tree.get(key, []), *names})

    def save(self, path: Path) -> Path:
        self.tree["buffers"] = [{"byteLength": len(self.data)}, *self.tree.get("buffers", [])[1:]]
        return save_tree(path, self.tree, bytes(self.data))

    def save_text(self, path: Path, *, embedded: bool) -> Path:
        """A ``.gltf`` with its buffer inside or beside it."""
        uri = "corners.bin"
        if embedded:
            uri = "data:application/octet-stream;base64," + base64.b64encode(bytes(self.data)).decode()
        else:
            (path.parent / uri).write_bytes(bytes(self.data))
        self.tree["buffers"] = [{"byteLength": len(self.data), "uri": uri}]
        path.write_text(json.dumps(self.tree), encoding="utf-8")
        return path


def save_tree(path: Path, tree: Any, data: bytes = b"") -> Path:
    """A GLB of any tree and any bytes."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(data), 0x004E4942) + data if data else b""
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def hall(glb: Glb, material: int | None = None) -> None:
    """Six slabs about a room of 4 x 2.5 x 3 m, y up, from stretched cubes."""
    cube = glb.mesh(glb.primitive(CUBE, CUBE_FACES, material))
    for low, size in (
        ((-0.1, -0.1, -0.1), (4.2, 0.1, 3.2)),
        ((-0.1, 2.5, -0.1), (4.2, 0.1, 3.2)),
        ((-0.1, 0, -0.1), (0.1, 2.5, 3.2)),
        ((4.0, 0, -0.1), (0.1, 2.5, 3.2)),
        ((0, 0, -0.1), (4.0, 2.5, 0.1)),
        ((0, 0, 3.0), (4.0, 2.5, 0.1)),
    ):
        glb.node(mesh=cube, translation=list(low), scale=list(size))
