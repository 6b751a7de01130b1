"""Fields that break surface makers: noise, ties, zeros, NaN, checkerboards, saddles, sheets, touching cubes."""

import numpy as np
from scipy.ndimage import gaussian_filter

from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.meshing.carve import Carved
from tests.facts import CARVED

VOXEL = 0.05
KINDS = (
    "white noise",
    "smoothed noise",
    "binary",
    "ties and zeros",
    "all zeros",
    "nan",
    "single voxels",
    "checkerboard",
    "saddles",
    "sheets",
    "touching cubes",
    "wrong signs",
)


def hostile(seed: int) -> Carved:
    """A decided grid whose distances are as bad as the kind allows; kinds take turns."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    shape = tuple(int(n) for n in rng.integers(9, 19, 3))
    field = gaussian_filter(rng.normal(size=shape), {"smoothed noise": 1.2, "nan": 0.7, "wrong signs": 0.7}.get(kind, 0.0))
    i, j, k = np.indices(shape)
    if kind == "binary":
        field = np.sign(field)
    elif kind == "ties and zeros":
        field = np.round(field, 0)
    elif kind == "single voxels":
        field = np.where(rng.random(shape) < 0.02, 1.0, -1.0)
    elif kind == "checkerboard":
        field = np.where((i + j + k) % 2 == 0, 1.0, -1.0)
    elif kind == "saddles":
        field = np.where((i // 2 + j // 2) % 2 == 0, 1.0, -1.0) * np.where(k % 4 < 2, 1, rng.choice([-1, 1]))
    elif kind == "sheets":
        field = np.where(np.stack([i, j, k])[rng.integers(3)] % int(rng.integers(2, 5)) == 0, -1.0, 1.0)
    elif kind == "touching cubes":
        edge = int(rng.integers(1, 4))
        odd = (i // edge + j // edge + k // edge) % 2 == 0
        field = np.where(odd & (rng.random(shape) < 0.9 if edge == 1 else True), 1.0, -1.0)
    free = field > 0
    free[tuple(n // 2 for n in shape)] = True
    distance = np.where(free, np.abs(field), -np.abs(field)) * VOXEL
    if kind == "all zeros":
        distance = np.zeros(shape)
    elif kind == "nan":
        distance[rng.random(shape) < 0.3] = np.nan
        distance[rng.random(shape) < 0.05] = np.inf
        distance[rng.random(shape) < 0.05] = -np.inf
    elif kind == "wrong signs":
        distance = np.where(rng.random(shape) < 0.3, -distance, distance)
    states = np.where(free, FREE, np.where(rng.random(shape) < rng.choice([0.0, 0.5, 1.0]), SOLID, UNSEEN)).astype(np.uint8)
    grid = FreeSpace(states=states, origin=rng.uniform(-5, 5, 3), voxel_size=VOXEL)
    return Carved(free_space=grid, distance=distance.astype(np.float32), measured=~free, facts=CARVED)
