"""An analytic furnished two-room flat as the mesh step would hand it on: exact surfaces, and unseen space with ragged edges."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.data.mesh import TriMesh

Box = tuple[tuple[float, float, float], tuple[float, float, float]]

HEIGHT = 2.6
DOOR = (2.0, 2.9)
"""y range of the doorway in the wall between x = 5 and x = 5.12."""
AIR: tuple[Box, ...] = (
    ((0.0, 0.0, 0.0), (5.0, 4.5, HEIGHT)),
    ((5.12, 0.0, 0.0), (9.0, 4.5, HEIGHT)),
    ((4.9, DOOR[0], 0.0), (5.3, DOOR[1], 2.05)),
)
TABLE: tuple[Box, ...] = (
    ((2.0, 1.6, 0.70), (3.4, 2.4, 0.75)),
    ((2.0, 1.6, 0.0), (2.08, 1.68, 0.7)),
    ((3.32, 1.6, 0.0), (3.4, 1.68, 0.7)),
    ((2.0, 2.32, 0.0), (2.08, 2.4, 0.7)),
    ((3.32, 2.32, 0.0), (3.4, 2.4, 0.7)),
)
SOFA: tuple[Box, ...] = (((1.2, 3.65, 0.0), (3.2, 4.4, 0.42)), ((1.2, 4.2, 0.0), (3.2, 4.4, 0.85)))
SHELF: tuple[Box, ...] = (((8.6, 0.5, 0.0), (9.0, 1.7, 1.5)),)
CRATE: tuple[Box, ...] = (((6.0, 3.7, 0.0), (6.8, 4.2, 0.5)),)
FURNITURE: tuple[Box, ...] = TABLE + SOFA + SHELF + CRATE
HIDDEN: tuple[Box, ...] = (((1.2, 4.4, 0.0), (3.2, 4.5, 0.85)), ((7.6, 3.2, 0.0), (9.0, 4.5, 1.4)))
"""Air nobody saw: a slit behind the sofa, and a corner of the second room with a ragged edge."""


@dataclass(frozen=True)
class Flat:
    """Truth plus what a carving step would know of it."""

    air: tuple[Box, ...] = AIR
    furniture: tuple[Box, ...] = FURNITURE
    hidden: tuple[Box, ...] = HIDDEN
    voxel: float = 0.04
    low: tuple[float, float, float] = (-0.5, -0.5, -0.9)
    high: tuple[float, float, float] = (9.5, 5.0, 3.1)

    def clear(self, points: np.ndarray) -> np.ndarray:
        """Signed distance to matter [m], positive in air; exact near surfaces."""
        inside = np.max([-_box_distance(points, box) for box in self.air], axis=0)
        return np.min([inside, *[_box_distance(points, box) for box in self.furniture]], axis=0)

    @cached_property
    def centres(self) -> np.ndarray:
        shape = np.round((np.array(self.high) - self.low) / self.voxel).astype(int)
        index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
        return np.array(self.low) + (index + 0.5) * self.voxel

    @cached_property
    def free_space(self) -> FreeSpace:
        clear = self.clear(self.centres)
        states = np.full(clear.shape, UNSEEN, np.uint8)
        states[(clear <= 0) & (clear > -0.14)] = SOLID
        states[clear > 0] = FREE
        rng = np.random.default_rng(5)
        for low, high in self.hidden:
            ragged = np.array(low) - rng.uniform(0, 0.12, (*self.centres.shape[:2], 1, 1)) * [1, 1, 0]
            gone = ((self.centres >= ragged) & (self.centres <= high)).all(axis=-1)
            states[gone & (states == FREE)] = UNSEEN
        # matter that no free voxel is near was never measured
        from scipy import ndimage

        near = ndimage.distance_transform_edt(states != FREE) <= 3.5
        states[(states == SOLID) & ~near] = UNSEEN
        return FreeSpace(states=states, origin=np.array(self.low, np.float64), voxel_size=self.voxel)

    @cached_property
    def mesh(self) -> TriMesh:
        from skimage.measure import marching_cubes

        states = self.free_space.states
        clear = np.clip(self.clear(self.centres), -0.1, 0.1)
        field = np.where(states == FREE, np.maximum(clear, 1e-4), np.minimum(clear, np.where(states == SOLID, -1e-4, -0.02)))
        padded = np.pad(field, 2, constant_values=-0.1)
        padded = np.pad(padded, 1, constant_values=0.1)
        vertices, faces, _, _ = marching_cubes(-padded, 0.0, method="lorensen")
        faces = faces[:, ::-1]
        vertices = (vertices - 3 + 0.5) * self.voxel + self.low
        t = vertices[faces]
        normals = np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        if np.einsum("ij,ij->", t[:, 0], np.cross(t[:, 1], t[:, 2])) < 0:
            faces, normals = faces[:, ::-1], -normals
        middle = t.mean(axis=1)
        seen = np.zeros(len(faces), bool)
        for step in (0.3, 0.6, 0.9):
            seen |= self.free_space.sample(middle - normals * step * self.voxel) == SOLID
        return TriMesh(
            vertices=vertices.astype(np.float32),
            faces=np.ascontiguousarray(faces, dtype=np.int32),
            colors=np.full((len(vertices), 3), 128, np.uint8),
            face_seen=seen,
        )

    @property
    def camera_centres(self) -> np.ndarray:
        """A walk through both rooms at 1.3 m, through the door."""
        keys = np.array([[1.0, 1.0], [1.0, 3.0], [4.2, 2.9], [4.2, 2.45], [6.2, 2.45], [7.0, 1.0], [8.0, 2.2]])
        steps = [a + s * (b - a) for a, b in itertools.pairwise(keys) for s in np.linspace(0, 1, 8)]
        return np.column_stack([steps, np.full(len(steps), 1.3)])


def _box_distance(points: np.ndarray, box: Box) -> np.ndarray:
    low, high = np.array(box[0]), np.array(box[1])
    q = np.abs(points - (low + high) / 2) - (high - low) / 2
    return np.linalg.norm(np.maximum(q, 0), axis=-1) + np.minimum(q.max(axis=-1), 0)
