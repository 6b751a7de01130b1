"""Box meshes with known surfaces, for tests that need triangles."""

from collections.abc import Sequence

import numpy as np

from lyra_sim.data.mesh import TriMesh

_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float64)
_FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ],
    np.int32,
)


def box_mesh(boxes: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (float32) and outward faces (int32) of axis-aligned boxes given by their low and high corners."""
    vertices = np.concatenate([low + _CORNERS * (np.asarray(high) - low) for low, high in boxes])
    faces = np.concatenate([_FACES + 8 * k for k in range(len(boxes))])
    return vertices.astype(np.float32), faces


def box_trimesh(boxes: Sequence[tuple[np.ndarray, np.ndarray]], *, inside_out: bool = False) -> TriMesh:
    """The same as a grey, fully seen TriMesh; ``inside_out`` winds it towards the inside, as the walls of a room."""
    vertices, faces = box_mesh(boxes)
    faces = np.ascontiguousarray(faces[:, ::-1]) if inside_out else faces
    return TriMesh(
        vertices=vertices,
        faces=faces,
        colors=np.full((len(vertices), 3), 150, np.uint8),
        face_seen=np.ones(len(faces), bool),
    )


def box_corners(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The eight corners (8, 3) of an axis-aligned box [m]."""
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])], np.float64)
