"""What a file is, by its first bytes and what they lead to; its name is looked at last. What isn't read is refused by name."""

import struct
import zlib
from pathlib import Path

from lyra_sim.errors import InputError
from lyra_sim.splat_files.compressed_ply import is_compressed
from lyra_sim.splat_files.dot_splat import looks_like_dot_splat
from lyra_sim.splat_files.limits import check_size
from lyra_sim.splat_files.ply_header import PlyHeader, read_header
from lyra_sim.splat_files.raw_splats import COMMAND, Kind
from lyra_sim.splat_files.sog_files import META, names_in_zip

READ = "a 3DGS PLY, SuperSplat's compressed PLY, SPZ, SOG or .splat"
STREAMED = "lod-meta.json"
OTHERS = (
    (b"glTF", "a GLB", None),
    (b"PXR-USDC", "a USD file", None),
    (b"#usda", "a USD file", None),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "zstd -d"),
    (b"BZh", "a bzip2 archive", "bunzip2"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x"),
    (b"\xfd7zXZ", "an xz archive", "unxz"),
    (b"\x89PNG", "a PNG image", None),
    (b"\xff\xd8\xff", "a JPEG image", None),
    (b"v ", "an OBJ mesh", None),
    (b"# Blender", "an OBJ mesh", None),
    (b"LASF", "a LAS point cloud", None),
    (b"# .PCD", "a PCD point cloud", None),
)
"""First bytes of what is often given instead, and the command that unpacks it."""
CONVERTED = {
    ".ksplat": "a .ksplat of GaussianSplats3D",
    ".lcc": "an LCC capture of XGRIDS",
    ".lcc2": "an LCC2 capture of XGRIDS",
}
"""Kinds without a mark of their own that another tool converts, by suffix."""
KSPLAT = struct.Struct("<BBxxIII")
"""Version, most sections, sections, most splats; padded to 4096 bytes."""


def recognised(path: Path) -> tuple[Kind, PlyHeader | None]:
    """The kind of a file, or of a folder around a ``meta.json``; and a PLY's header.

    Raises:
        InputError: Missing, empty, or of a kind that isn't read; the message names it, and the command that converts it.
    """
    if path.is_dir():
        if (path / META).is_file():
            return "SOG", None
        if (path / STREAMED).is_file():
            raise _to_convert(path / STREAMED, "a streamed SOG in many parts")
        raise InputError(str(path), f"a folder without {META}", expected=READ)
    check_size(path)
    with path.open("rb") as stream:
        head = stream.read(64)
    if head.startswith((b"ply\n", b"ply\r")):
        header = read_header(path)
        _refuse_mesh(header)
        return ("compressed PLY" if is_compressed(header) else "3DGS PLY"), header
    if head.startswith(b"NGSP"):
        return "SPZ", None
    if head.startswith(b"\x1f\x8b"):
        return _in_gzip(path), None
    if head.startswith(b"PK"):
        return _in_zip(path), None
    if head.lstrip()[:1] == b"{" and path.name in (META, STREAMED):
        if path.name == STREAMED:
            raise _to_convert(path, "a streamed SOG in many parts")
        return "SOG", None
    for mark, name, command in OTHERS:
        if head.startswith(mark):
            raise _of_another_kind(path, name, command)
    if path.suffix.lower() in CONVERTED:
        raise _to_convert(path, CONVERTED[path.suffix.lower()])
    if _looks_like_ksplat(path, head):
        raise _to_convert(path, CONVERTED[".ksplat"])
    if looks_like_dot_splat(path):
        return ".splat", None
    raise InputError(
        str(path),
        f"nothing known: it begins with {head[:8]!r}",
        expected=READ,
        likely="Its rows make no sense as splats, or its size is no multiple of 32."
        if path.suffix.lower() == ".splat"
        else None,
        next_step=f"If splat-transform knows it: {COMMAND} {path.name} {path.stem}.ply",
    )


def _in_gzip(path: Path) -> Kind:
    with path.open("rb") as stream:
        packed = stream.read(4096)
    try:
        inside = zlib.decompressobj(wbits=31).decompress(packed, 16)
    except zlib.error as error:
        raise InputError(str(path), f"a broken gzip stream ({error})", expected=READ, likely="The file is damaged.") from error
    if inside.startswith(b"NGSP"):
        return "SPZ"
    if len(inside) < 4:
        raise InputError(str(path), "a gzip stream that ends early", expected=READ, likely="The file is truncated.")
    what = "a PLY" if inside.startswith(b"ply") else "something else"
    raise InputError(
        str(path), f"gzip, but not SPZ inside: {what}", expected=READ, next_step=f"Unpack it first: gunzip -k {path.name}"
    )


def _in_zip(path: Path) -> Kind:
    names = names_in_zip(path)
    if META in names:
        return "SOG"
    if STREAMED in names:
        raise _to_convert(path, "a streamed SOG in many parts")
    if any(name.endswith((".usda", ".usdc", ".usd")) for name in names[:1]):
        raise _of_another_kind(path, "a USDZ package", None)
    inner = next((name for name in names if name.lower().endswith((".ply", ".spz", ".splat", ".sog"))), None)
    raise InputError(
        str(path),
        f"a zip without {META}" + (f", with {inner} inside" if inner else ""),
        expected=READ,
        next_step=f"Unpack it first: unzip {path.name}" if inner else None,
    )


def _refuse_mesh(header: PlyHeader) -> None:
    faces = header.element("face")
    vertex = header.element("vertex")
    if faces is not None and faces.count and (vertex is None or "opacity" not in vertex.properties):
        raise InputError(
            str(header.path),
            f"a mesh: a PLY with {faces.count} faces",
            expected=READ,
            next_step="Give it under 'mesh' instead.",
        )


def _looks_like_ksplat(path: Path, head: bytes) -> bool:
    if len(head) < KSPLAT.size or path.stat().st_size < 4096 + 1024:
        return False
    major, minor, most, sections, splats = KSPLAT.unpack_from(head)
    return major == 0 and 1 <= minor <= 9 and 1 <= sections <= most <= 4096 and 1 <= splats <= 1 << 30


def _to_convert(path: Path, name: str) -> InputError:
    return InputError(
        str(path),
        f"it is {name}",
        expected=READ,
        next_step=f"Convert it: {COMMAND} {path.name} {path.stem.replace('.', '_')}.ply",
    )


def _of_another_kind(path: Path, name: str, command: str | None) -> InputError:
    advice = f"Unpack it first: {command} {path.name}" if command else None
    if name in ("a GLB", "an OBJ mesh", "a USD file", "a USDZ package"):
        advice = "If it is a mesh, give it under 'mesh'; splats inside it aren't read: export them as PLY."
    return InputError(str(path), f"it is {name}", expected=READ, next_step=advice)
