"""A mesh file of any kind, USD or not: read, and the files it names."""

from collections.abc import Iterable
from pathlib import Path

from lyra_sim.capture.survey.mesh_companions import files_named_by
from lyra_sim.capture.survey.mesh_files import USD_SUFFIXES, read_given_mesh
from lyra_sim.capture.survey.painting import ReadMesh


def read_any_mesh(path: Path) -> ReadMesh:
    """All triangles of a glTF, OBJ, PLY or USD file, in the file's own frame and unit.

    Raises:
        InputError: The file is missing, of another kind, broken, or holds no triangle.
    """
    if path.suffix.lower() not in USD_SUFFIXES:
        return read_given_mesh(path)
    from lyra_sim.usd.given_mesh import read_usd_mesh

    return read_usd_mesh(path)


def files_beside(meshes: Iterable[Path]) -> tuple[Path, ...]:
    """Files that meshes name in their turn and that exist: materials, images and buffers, layers of USD."""
    found: set[Path] = set()
    for mesh in meshes:
        if mesh.suffix.lower() not in USD_SUFFIXES:
            found |= set(files_named_by(mesh))
        elif mesh.is_file():
            from lyra_sim.usd.given_mesh import files_of_usd

            found |= set(files_of_usd(mesh))
    return tuple(sorted(found - set(meshes)))
