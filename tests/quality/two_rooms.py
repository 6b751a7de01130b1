"""Two rooms and the wall between them with one or two doorways: exact voxels, hulls and true mesh."""

import numpy as np

from lyra_sim.data.colliders import Hull, Label
from lyra_sim.data.grid import FREE, SOLID, FreeSpace
from lyra_sim.navigation.occupancy import FloorBand
from tests.boxes import box_mesh

HIGH = np.array([6.0, 4.0, 1.0])
"""The air box; its floor is z = 0."""
WALL_X = (3.0, 3.2)
VOXEL = 0.05
BAND = FloorBand(normal=np.array([0, 0, 1.0]), offset=0.0, low=0.1, high=0.6)
Box = tuple[np.ndarray, np.ndarray]


def boxes(*doors: tuple[float, float]) -> list[Box]:
    """Outer walls 0.2 m thick and the inner wall, open over the y ranges ``doors``; all from 0.3 m below the floor."""
    x, y, z = HIGH
    walls = [([-0.2, -0.2], [0.0, y + 0.2]), ([x, -0.2], [x + 0.2, y + 0.2]), ([0, -0.2], [x, 0.0]), ([0, y], [x, y + 0.2])]
    edges = [0.0, *[edge for door in sorted(doors) for edge in door], y]
    walls += [([WALL_X[0], a], [WALL_X[1], b]) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1e-9]
    return [(np.array([*low, -0.3]), np.array([*high, z])) for low, high in walls]


def hulls(parts: list[Box], label: Label = "wall") -> tuple[Hull, ...]:
    floor = (np.array([-0.2, -0.2, -0.3]), np.array([HIGH[0] + 0.2, HIGH[1] + 0.2, 0.0]))
    made = []
    for number, (name, box) in enumerate([("floor", floor), *[(label, part) for part in parts]]):
        vertices, faces = box_mesh([box])
        made.append(Hull(name=f"{name}_{number:03d}", label=name, vertices=vertices, faces=faces, seen=1.0))
    return tuple(made)


def voxels(parts: list[Box]) -> FreeSpace:
    low = np.array([-0.25, -0.25, -0.1])
    shape = np.round((HIGH + np.array([0.25, 0.25, 0.0]) - low) / VOXEL).astype(int)
    centres = low + (np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) + 0.5) * VOXEL
    solid = (centres[..., 2] < 0) | ((centres < 0) | (centres > HIGH))[..., :2].any(-1)
    for box_low, box_high in parts:
        solid |= ((centres > box_low) & (centres < box_high)).all(-1)
    return FreeSpace(states=np.where(solid, SOLID, FREE).astype(np.uint8), origin=low, voxel_size=VOXEL)
