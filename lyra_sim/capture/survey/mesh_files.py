"""Meshes of other tools, read with their colours: glTF, OBJ and PLY. USD is read in the usd room, which alone knows pxr."""

from pathlib import Path

from lyra_sim.capture.survey.file_kinds import kind_of
from lyra_sim.capture.survey.painting import ReadMesh
from lyra_sim.errors import InputError

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".ply")
USD_SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
MOST_BYTES = 4 << 30
"""A larger file is refused before it is opened. Convention."""
KINDS = {
    ".glb": ("glTF", "glTF text"),
    ".gltf": ("glTF", "glTF text"),
    ".obj": (),
    ".ply": ("PLY",),
    **dict.fromkeys(USD_SUFFIXES, ("USD", "USD text", "zip archive")),
}
"""What a file of each name has to be; a kind that isn't told by its first bytes is left to the reader."""
TOLD_BY_BYTES = (".glb", ".gltf", ".ply")
"""Kinds that always begin alike."""
BLENDER_STEPS = (".fbx", ".dae", ".stl", ".3ds", ".blend", ".3mf", ".wrl", ".x3d", ".abc", ".off")


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
        found = f"unknown kind of file '{path.suffix}'"
        raise InputError(str(path), found, expected=", ".join(suffixes), next_step=_step_for(path.suffix.lower(), path))
    size = path.stat().st_size
    if size == 0:
        raise InputError(str(path), "the file is empty", expected=expected)
    if size > MOST_BYTES:
        raise InputError(str(path), f"{size / 1e9:.1f} GB", expected=f"at most {MOST_BYTES / 1e9:.1f} GB")


def check_kind(path: Path) -> None:
    """Refuse a file whose first bytes are those of another format, by that format's name.

    Raises:
        InputError: They are, or are of no format known for this name.
    """
    kind = kind_of(path)
    allowed = KINDS.get(path.suffix.lower(), ())
    if kind is None and path.suffix.lower() in TOLD_BY_BYTES:
        raise InputError(
            str(path),
            "it can't be read as a mesh: it doesn't begin as such a file does",
            expected=f"a {path.suffix.lower()[1:].upper()} file",
            likely="The file is of another type, or damaged from its start.",
        )
    if kind is None or kind.name in allowed:
        return
    raise InputError(
        str(path),
        f"it is {kind.described}, whatever its name says",
        expected=f"a {path.suffix.lower()[1:].upper()} file",
        next_step=kind.next_step,
    )


def read_given_mesh(path: Path) -> ReadMesh:
    """All triangles of a glTF, OBJ or PLY file, node transforms applied, and an account of what the file holds.

    Raises:
        InputError: The file is missing, of another kind, broken, or holds no triangle with finite corners and an area.
    """
    check_file(path, MESH_SUFFIXES, expected="a mesh in a glTF, OBJ, PLY or USD file")
    check_kind(path)
    match path.suffix.lower():
        case ".ply":
            from lyra_sim.capture.survey.ply_mesh import read_ply_mesh as read
        case ".obj":
            from lyra_sim.capture.survey.obj_mesh import read_obj_mesh as read
        case _:
            from lyra_sim.capture.survey.gltf.read import read_gltf as read
    return read(path)


def _step_for(suffix: str, path: Path) -> str | None:
    if suffix in BLENDER_STEPS:
        return f"Export it as {path.stem}.glb, by Blender for one."
    return None
