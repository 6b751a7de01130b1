"""Files that a given mesh names in its turn: an image that was changed makes another world, so it belongs to the key.

Only names are read here, as the reader of the mesh will read them; what is broken is left for it to say.
"""

import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

MOST_HEADER = 64 << 10
"""Bytes of a PLY file in which its header ends. Convention."""
MOST_JSON = 4 << 30
"""Bytes of a text glTF that are looked at. Convention."""
GLTF_MAGIC, GLTF_JSON = b"glTF", 0x4E4F534A


def files_named_by(mesh: Path) -> tuple[Path, ...]:
    """Materials, images and buffers that an OBJ, PLY or glTF file names and that exist; none for any other kind."""
    if not mesh.is_file():
        return ()
    named = {".obj": _of_obj, ".ply": _of_ply, ".glb": _of_gltf, ".gltf": _of_gltf}.get(mesh.suffix.lower(), lambda _: [])(mesh)
    return tuple(dict.fromkeys(file for file in named if _exists(file)))


def _of_obj(mesh: Path) -> list[Path]:
    libraries = _after(mesh, b"mtllib")
    images = [file for library in libraries if _exists(library) for file in _after(library, b"map_kd")]
    return libraries + images


def _after(text: Path, key: bytes) -> list[Path]:
    """Names after ``key`` on every line that begins with it: all that follows, for names hold spaces, and its last word,
    for options may precede them."""
    with text.open("rb") as stream:
        lines = [line.split(maxsplit=1) for line in stream if line.lstrip()[: len(key)].lower() == key]
    names = [words[1].decode("utf-8", "replace").strip() for words in lines if len(words) == 2 and words[0].lower() == key]
    return [text.parent / name for rest in names for name in (rest, rest.split()[-1])]


def _of_ply(mesh: Path) -> list[Path]:
    with mesh.open("rb") as stream:
        header = stream.read(MOST_HEADER).partition(b"end_header")[0].decode("utf-8", "replace")
    lines = [line for line in header.splitlines() if "texturefile" in line.lower()]
    return [mesh.parent / line[line.lower().index("texturefile") + len("texturefile") :].strip() for line in lines]


def _of_gltf(mesh: Path) -> list[Path]:
    """Of images and buffers that aren't in the file itself (glTF 2.0, GLB layout); names may be percent-encoded."""
    with mesh.open("rb") as stream:
        head = stream.read(20)
        if head[:4] != GLTF_MAGIC:
            text = head + stream.read(MOST_JSON) if head.lstrip().startswith(b"{") else b""
        else:
            size, kind = struct.unpack("<II", head[12:]) if len(head) == 20 else (0, 0)
            text = stream.read(min(size, mesh.stat().st_size)) if kind == GLTF_JSON else b""
    try:
        tree: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    pieces = [piece for key in ("images", "buffers") for piece in _list(tree, key)]
    names = [piece["uri"] for piece in pieces if isinstance(piece, dict) and isinstance(piece.get("uri"), str)]
    return [mesh.parent / name for uri in names if not uri.startswith("data:") for name in (uri, unquote(uri))]


def _list(tree: Any, key: str) -> list[Any]:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, list) else []


def _exists(file: Path) -> bool:
    """Names of strangers may be too long, or hold what no file name may: those don't exist."""
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False
