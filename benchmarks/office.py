"""An office building of any size, exact: closed surface, voxels, walk and splats. `scaling.py` measures in it.

Rooms of 5 × 4 × 2.6 m on a grid, a door in every wall between two, each room furnished with a table, a stool, a shelf and boxes
in places of its own. A room has about 50,000 triangles when its surface is cut to edges of 9 cm.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath

ROOM = np.array([5.0, 4.0, 2.6])
WALL = 0.15
DOOR_WIDTH, DOOR_TOP = 0.9, 2.05
RIM = 0.3
"""Matter around the building [m]."""
EYE = 1.3

Box = tuple[np.ndarray, np.ndarray]
"""Low and high corner [m]."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """Boxes of air and of matter in it."""

    columns: int
    rows: int
    air: tuple[Box, ...]
    """Rooms and doorways."""
    furniture: tuple[Box, ...]

    @property
    def size(self) -> np.ndarray:
        """Upper corner of the outermost rooms [m]; the lower one is at 0."""
        return np.array([self.columns * (ROOM[0] + WALL) - WALL, self.rows * (ROOM[1] + WALL) - WALL, ROOM[2]])

    def mesh(self, edge: float) -> TriMesh:
        """The closed surface, no edge longer than ``edge`` [m]; all but the outside was seen."""
        import manifold3d

        def union(boxes: tuple[Box, ...]) -> manifold3d.Manifold:
            solids = [manifold3d.Manifold.cube((high - low).tolist()).translate(low.tolist()) for low, high in boxes]
            return manifold3d.Manifold.batch_boolean(solids, manifold3d.OpType.Add)

        block = ((np.full(3, -RIM), self.size + RIM),)
        whole = (union(block) - (union(self.air) - union(self.furniture))).refine_to_length(edge).to_mesh()
        vertices = np.array(whole.vert_properties[:, :3], np.float32)
        faces = np.array(whole.tri_verts, np.int32)
        middles = vertices[faces].mean(axis=1)
        seen = ((middles > -RIM / 2) & (middles < self.size + RIM / 2)).all(axis=1)
        shade = 60 + 120 * (vertices[:, 2:] + RIM) / (self.size[2] + 2 * RIM)
        colors = np.repeat(shade, 3, axis=1).astype(np.uint8)
        return TriMesh(vertices=vertices, faces=faces, colors=colors, face_seen=seen)

    def free_space(self, voxel_size: float) -> FreeSpace:
        """Voxels by their centres."""
        low = np.full(3, -RIM)
        shape = np.ceil((self.size + 2 * RIM) / voxel_size).astype(int)
        states = np.full(shape, SOLID, np.uint8)
        for boxes, state in ((self.air, FREE), (self.furniture, SOLID)):
            for corner, other in boxes:
                first, last = (np.ceil((point - low) / voxel_size - 0.5).astype(int) for point in (corner, other))
                states[tuple(slice(max(a, 0), b) for a, b in zip(first, last, strict=True))] = state
        return FreeSpace(states=states, origin=low, voxel_size=voxel_size)

    def cameras(self) -> CameraPath:
        """A serpentine through all doors, a camera every 0.4 m, looking along it."""
        stops = []
        for row in range(self.rows):
            order = range(self.columns) if row % 2 == 0 else range(self.columns - 1, -1, -1)
            stops += [_middle(column, row) for column in order]
        points = np.array(stops)
        if len(points) == 1:
            points = np.concatenate([points - np.array([0.6, 0]), points + np.array([0.6, 0])])
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        places = np.arange(0, along[-1], 0.4)
        xy = np.stack([np.interp(places, along, points[:, axis]) for axis in (0, 1)], axis=1)
        ahead = np.gradient(xy, axis=0)
        c2w = np.tile(np.eye(4), (len(xy), 1, 1))
        for index, (dx, dy) in enumerate(ahead / np.linalg.norm(ahead, axis=1, keepdims=True)):
            c2w[index, :3, :3] = np.array([[dy, 0, dx], [-dx, 0, dy], [0, -1, 0]])
        c2w[:, :3, 3] = np.c_[xy, np.full(len(xy), EYE)]
        K = np.tile(np.array([[300.0, 0, 320], [0, 300, 240], [0, 0, 1]]), (len(xy), 1, 1))
        return CameraPath(c2w=c2w, K=K, width=640, height=480)


def office(columns: int, rows: int, *, seed: int = 7) -> Office:
    """A building of so many rooms; equal arguments give equal buildings."""
    rng = np.random.default_rng(seed)
    air: list[Box] = []
    furniture: list[Box] = []
    for column, row in product(range(columns), range(rows)):
        low = np.array([column * (ROOM[0] + WALL), row * (ROOM[1] + WALL), 0.0])
        air.append((low, low + ROOM))
        middle = np.array([*_middle(column, row), 0.0])
        half = DOOR_WIDTH / 2
        if column + 1 < columns:
            start = np.array([low[0] + ROOM[0], middle[1] - half, 0])
            air.append((start - _at(0.01, 0, 0), start + _at(WALL + 0.01, DOOR_WIDTH, DOOR_TOP)))
        if row + 1 < rows:
            start = np.array([middle[0] - half, low[1] + ROOM[1], 0])
            air.append((start - _at(0, 0.01, 0), start + _at(DOOR_WIDTH, WALL + 0.01, DOOR_TOP)))
        furniture += _furniture(low, rng)
    return Office(columns=columns, rows=rows, air=tuple(air), furniture=tuple(furniture))


def splats_on(mesh: TriMesh, count: int) -> Splats:
    """One grey splat on every so-and-so-many-th seen face."""
    seen = np.flatnonzero(mesh.face_seen)
    chosen = seen[np.linspace(0, len(seen) - 1, min(count, len(seen))).astype(int)]
    n = len(chosen)
    return Splats(
        means=mesh.vertices[mesh.faces[chosen]].mean(axis=1),
        quats_wxyz=np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        log_scales=np.full((n, 3), np.log(0.02), np.float32),
        opacity_logits=np.full(n, 2.0, np.float32),
        sh_coeffs=np.zeros((n, 1, 3), np.float32),
    )


def _at(x: float, y: float, z: float) -> np.ndarray:
    return np.array([x, y, z])


def _middle(column: int, row: int) -> np.ndarray:
    return np.array([column * (ROOM[0] + WALL) + ROOM[0] / 2, row * (ROOM[1] + WALL) + ROOM[1] / 2])


def _furniture(low: np.ndarray, rng: np.random.Generator) -> list[Box]:
    """A table with chairs, a shelf on the wall and two boxes, in the corners that the ways leave free."""
    x, y = low[0] + rng.uniform(0.3, 0.5), low[1] + rng.uniform(0.3, 0.4)
    pieces = _legged(np.array([x, y, 0.0]), np.array([1.4, 0.7, 0.74]))
    pieces += _legged(np.array([x + rng.uniform(0.1, 0.3), y + 0.72, 0.0]), np.array([0.4, 0.4, 0.45]))
    shelf = low + _at(rng.uniform(3.2, 3.5), ROOM[1] - 0.3, 0.0)
    for board in (0.3, 0.75, 1.2, 1.65):
        pieces.append((shelf + _at(0, 0, board), shelf + _at(1.0, 0.31, board + 0.04)))
    pieces += [(shelf + _at(side, 0, 0.0), shelf + _at(side + 0.04, 0.31, 1.75)) for side in (0.0, 0.96)]
    for corner in ([3.7, 0.3], [0.3, 3.1]):
        start = low + _at(corner[0] + rng.uniform(0, 0.3), corner[1] + rng.uniform(0, 0.2), 0.0)
        pieces.append((start - _at(0, 0, 0.01), start + rng.uniform(0.3, 0.6, 3)))
    return pieces


def _legged(low: np.ndarray, size: np.ndarray) -> list[Box]:
    top = (low + _at(0, 0, size[2] - 0.06), low + size)
    legs = [
        (low + _at(dx, dy, -0.01), low + _at(dx + 0.06, dy + 0.06, size[2] - 0.05))
        for dx, dy in product((0.0, size[0] - 0.06), (0.0, size[1] - 0.06))
    ]
    return [top, *legs]
