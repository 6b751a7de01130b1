"""Primitives that Draco compressed (KHR_draco_mesh_compression), unpacked by DracoPy."""

from typing import Any

import numpy as np

from lyra_sim.capture.survey.gltf.accessors import Accessors
from lyra_sim.capture.survey.gltf.file import GltfFile
from lyra_sim.errors import EnvironmentNotReady

NAME = "KHR_draco_mesh_compression"
MESH = 1
"""Of the header's kinds; 0 is a point cloud. Convention."""
HEADER = 11
"""Bytes of a Draco header. Convention."""


def unpacked(
    file: GltfFile, accessors: Accessors, primitive: dict[str, Any], told: dict[str, Any], where: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Faces (f, 3) and, by the attribute's name, elements as they are stored.

    Args:
        file: The glTF.
        accessors: Of it; they say how many elements to expect.
        primitive: Whose geometry it is.
        told: What the extension says of it.
        where: The primitive, for errors.

    Raises:
        EnvironmentNotReady: DracoPy can't be imported.
    """
    try:
        import DracoPy
    except ImportError as error:
        raise EnvironmentNotReady(
            str(file.path),
            f"it is compressed with Draco, and DracoPy can't be imported ({error})",
            next_step="pip install DracoPy, or write it without: npx @gltf-transform/cli copy "
            f"{file.path.name} {file.path.stem}_plain.glb",
        ) from error
    data = bytes(accessors.view(told.get("bufferView"), named_by=where))
    wanted = file.child(primitive, "attributes", where)
    count = accessors.count(wanted.get("POSITION"), named_by=f"{where}.POSITION")
    faces = accessors.count(primitive["indices"], named_by=where) // 3 if "indices" in primitive else None
    _check_header(file, data, faces=faces, vertices=count, where=where)
    try:
        mesh: Any = DracoPy.decode(data)
        found = {one["unique_id"]: np.asarray(one["data"]) for one in mesh.attributes}
        corners = np.asarray(mesh.faces, np.int64).reshape(-1, 3)
    except (DracoPy.FileTypeException, AttributeError, ValueError, RuntimeError, MemoryError) as error:
        raise file.broken(where, f"its Draco data can't be unpacked ({type(error).__name__}: {error})") from error
    attributes = {}
    for name, unique in file.child(told, "attributes", where).items():
        if unique not in found:
            raise file.broken(where, f"its Draco data has no attribute {unique!r} for {name}")
        values = found[unique]
        attributes[name] = values.reshape(len(values), -1)
    if "POSITION" not in attributes:
        raise file.broken(where, "its Draco data has no POSITION")
    return corners, attributes


def _check_header(file: GltfFile, data: bytes, *, faces: int | None, vertices: int, where: str) -> None:
    """Counts in a Draco header are believed by its decoder, memory and all; they have to be those of the accessors."""
    if len(data) < HEADER or data[:5] != b"DRACO" or data[7] != MESH:
        raise file.broken(where, "its Draco data is no Draco mesh")
    if int.from_bytes(data[9:11], "little") & 0x8000:
        return  # metadata comes first; where it ends only the decoder knows
    start = HEADER + (1 if data[8] == 1 else 0)  # edgebreaker: the kind of traversal
    numbers = []
    for _ in range(2):
        value, shift = 0, 0
        while start < len(data) and shift < 35:
            byte = data[start]
            start, value, shift = start + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        numbers.append(value)
    said_faces, said_vertices = (numbers[1], numbers[0]) if data[8] == 1 else (numbers[0], numbers[1])
    most_faces = faces if faces is not None else 64 * len(data)
    if said_faces > most_faces or said_vertices > 3 * max(most_faces, 1) + vertices:
        raise file.broken(
            where,
            f"its Draco header says {said_faces} faces, {said_vertices} vertices",
            expected=f"at most {most_faces} faces, as its accessors have it",
        )
