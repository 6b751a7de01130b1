"""What a file is by its first bytes: names lie, and a parser of another format only calls a sound file damaged."""

from dataclasses import dataclass
from pathlib import Path

LOOKED_AT = 1024
"""First bytes that are read. Convention."""
BLENDER = "Export it as .glb, by Blender for one."


@dataclass(frozen=True)
class FileKind:
    name: str
    described: str
    """With its article: ``a PLY file``."""
    next_step: str | None = None


STARTS: tuple[tuple[bytes, FileKind], ...] = (
    (b"glTF", FileKind("glTF", "a binary glTF file", "Rename it to .glb.")),
    (b"ply\n", FileKind("PLY", "a PLY file", "Rename it to .ply.")),
    (b"ply\r", FileKind("PLY", "a PLY file", "Rename it to .ply.")),
    (b"PXR-USDC", FileKind("USD", "a binary USD file", "Rename it to .usdc.")),
    (b"#usda", FileKind("USD text", "a USD text file", "Rename it to .usda.")),
    (b"PK\x03\x04", FileKind("zip archive", "a zip archive", "Unpack it, and give the mesh inside.")),
    (b"NGSP", FileKind("SPZ", "splats, SPZ 4", "Give it under 'splats'.")),
    (b"\x1f\x8b", FileKind("gzip", "compressed with gzip (SPZ splats are, too)", "Unpack it, or give it under 'splats'.")),
    (b"Kaydara FBX", FileKind("FBX", "an FBX file", BLENDER)),
    (b"BLENDER", FileKind("blend", "a Blender file", BLENDER)),
    (b"DRACO", FileKind("Draco", "bare Draco data", "Export it as .glb, with Draco inside or without.")),
    (b"b3dm", FileKind("3D Tiles", "a tile of 3D Tiles", "npx 3d-tiles-tools b3dmToGlb -i IN -o OUT.glb")),
    (b"LASF", FileKind("LAS", "a LAS point cloud", "Make a mesh of it first, by CloudCompare for one.")),
    (b"\x89PNG", FileKind("PNG", "a PNG image")),
    (b"\xff\xd8\xff", FileKind("JPEG", "a JPEG image")),
    (b"\xabKTX", FileKind("KTX", "a KTX image")),
    (b"%PDF", FileKind("PDF", "a PDF document")),
    (b"version https://git-lfs", FileKind("LFS", "a Git LFS pointer, not the file itself", "git lfs pull")),
    (b"7z\xbc\xaf", FileKind("7z", "a 7z archive", "Unpack it, and give the mesh inside.")),
    (b"Rar!", FileKind("RAR", "a RAR archive", "Unpack it, and give the mesh inside.")),
)


def kind_of(path: Path) -> FileKind | None:
    """The format that a file's first bytes tell; None where they tell none."""
    with path.open("rb") as stream:
        head = stream.read(LOOKED_AT)
    for start, kind in STARTS:
        if head.startswith(start):
            return kind
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    low = text[:LOOKED_AT].lower()
    if low.startswith((b"<!doctype html", b"<html")):
        return FileKind("HTML", "a web page", "Download the file itself: the page about it was saved.")
    if low.startswith(b"<") and b"collada" in low:
        return FileKind("COLLADA", "a COLLADA file", BLENDER)
    if low.startswith(b"<"):
        return FileKind("XML", "an XML file")
    if text.startswith(b"{"):
        return FileKind("glTF text", "JSON text", "If it is a glTF, rename it to .gltf.")
    if low.startswith(b"solid ") and b"facet" in low:
        return FileKind("STL", "an STL file", BLENDER)
    return None
