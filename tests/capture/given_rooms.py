"""Rooms as files of other tools: the boxes of ``tests/rooms.py`` as meshes, and as splats that lie in their faces."""

import gzip
import struct
from pathlib import Path

import numpy as np
import trimesh

from lyra_sim.data.splats import Splats
from tests.rooms import Room

GRID = 0.08
"""Edge of the squares that faces are cut in [m]."""


def boxes(room: Room) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(room.air_low, room.air_high), *room.boxes.values()]


def mesh_of(room: Room, *, ceiling: bool = True) -> trimesh.Trimesh:
    """Faces of all boxes as an open soup: nothing is closed to anything else, winding is whatever it is."""
    parts = []
    for low, high in boxes(room):
        part = trimesh.creation.box(bounds=np.stack([low, high]))
        if not ceiling and low is room.air_low:
            part.update_faces(part.triangles_center[:, 2] < high[2] - 1e-6)
        parts.append(part)
    return trimesh.util.concatenate(parts)


def splats_of(room: Room, *, degree: int = 0) -> Splats:
    """Flat opaque splats on a grid over every face, coloured by where they are."""
    means, normals = [], []
    for low, high in boxes(room):
        for axis in range(3):
            others = [k for k in range(3) if k != axis]
            lines = [np.arange(low[k] + GRID / 2, high[k], GRID) for k in others]
            a, b = (values.ravel() for values in np.meshgrid(*lines, indexing="ij"))
            for value in (low[axis], high[axis]):
                points = np.empty((len(a), 3))
                points[:, axis], points[:, others[0]], points[:, others[1]] = value, a, b
                means.append(points)
                normals.append(np.full(len(a), axis))
    means, axis = np.concatenate(means), np.concatenate(normals)
    flat = np.full((len(means), 3), np.log(0.6 * GRID))
    flat[np.arange(len(means)), axis] = np.log(0.004)
    rng = np.random.default_rng(5)
    return Splats(
        means=means.astype(np.float32),
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (len(means), 1)),
        log_scales=flat.astype(np.float32),
        opacity_logits=np.full(len(means), 4, np.float32),
        sh_coeffs=rng.normal(0, 0.3, (len(means), (degree + 1) ** 2, 3)).astype(np.float32),
    )


def write_spz(path: Path, splats: Splats, *, version: int = 3, fractional_bits: int = 12, count: int | None = None) -> None:
    """The format as published, written plainly and from the other side than the reader."""
    n, k, _ = splats.sh_coeffs.shape
    fixed = np.round(splats.means.astype(np.float64) * (1 << fractional_bits)).astype(np.int64) & 0xFFFFFF
    body = b"".join(int(value).to_bytes(3, "little") for value in fixed.ravel())
    body += np.round(splats.opacities * 255).astype(np.uint8).tobytes()
    body += np.clip(np.round((splats.sh_coeffs[:, 0] * 0.15 + 0.5) * 255), 0, 255).astype(np.uint8).tobytes()
    body += np.clip(np.round((splats.log_scales + 10) * 16), 0, 255).astype(np.uint8).tobytes()
    for w, x, y, z in splats.quats_wxyz.astype(np.float64):
        body += packed_rotation(np.array([x, y, z, w]), version)
    body += np.clip(np.round(splats.sh_coeffs[:, 1:] * 128 + 128), 0, 255).astype(np.uint8).tobytes()
    head = struct.pack(
        "<IIIBBBB", 0x5053474E, version, n if count is None else count, int(np.sqrt(k)) - 1, fractional_bits, 0, 0
    )
    path.write_bytes(gzip.compress(head + body, mtime=0))


def packed_rotation(xyzw: np.ndarray, version: int) -> bytes:
    if version == 2:
        xyzw = xyzw if xyzw[3] >= 0 else -xyzw
        return np.round((xyzw[:3] + 1) * 127.5).astype(np.uint8).tobytes()
    largest = int(np.abs(xyzw).argmax())
    xyzw = xyzw if xyzw[largest] >= 0 else -xyzw
    word = largest
    for axis in range(4):
        if axis != largest:
            word = word << 10 | int(xyzw[axis] < 0) << 9 | round(abs(xyzw[axis]) / np.sqrt(0.5) * 511)
    return word.to_bytes(4, "little")
