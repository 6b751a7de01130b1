"""Which faces a robot could look at, and how much of them was measured."""

import numpy as np
from jaxtyping import Bool

from lyra_sim.data.grid import FREE, FreeSpace
from lyra_sim.data.mesh import TriMesh


def faces_towards_free(mesh: TriMesh, free_space: FreeSpace) -> Bool[np.ndarray, "f"]:
    """Faces a robot could see: one voxel out along the normal lies known-free space.

    The rest is the outer skin of the shell, which nobody could have seen and no figure should count.
    """
    ahead = mesh.triangles.mean(1) + free_space.voxel_size * mesh.face_normals()
    return free_space.sample(ahead) == FREE


def seen_share_of(mesh: TriMesh, room_side: Bool[np.ndarray, "f"]) -> float:
    """Share of the area of ``room_side`` faces that was measured, 0..1; NaN without any such face."""
    areas = mesh.face_areas().astype(np.float64)
    room_area = float(areas[room_side].sum())
    return float(areas[room_side & mesh.face_seen].sum()) / room_area if room_area > 0 else np.nan
