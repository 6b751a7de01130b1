"""Which slabs last as structure, and which are loose: small ones, which have to earn their hull like clutter does."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from lyra_sim.collision.clutter.components import free_facing
from lyra_sim.collision.clutter.parts import Part, part_of_points
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.collision.measured.free_air import BAND, AirField
from lyra_sim.collision.measured.measured_voxels import VoxelSurface
from lyra_sim.data.grid import SOLID, FreeSpace

LASTING_AREA = 1.2
"""A slab that explains this much measured surface which no slab before it does keeps its hull [m^2].
Tuned on the AWS worlds."""
FLOOR_AREA = 0.1
"""The same for other floors: a tread is small [m^2]. Tuned on the AWS worlds."""
MOST_LASTING = 0.5
"""Share of the hull budget that lasting slabs may take; of more, the smallest compete with the rest.
Tuned on the AWS worlds."""


def skin_of(free_space: FreeSpace) -> Int64[np.ndarray, "n 3"]:
    """Measured voxels that face free air: the surface that hulls are to cover."""
    solid = np.argwhere(free_space.states == SOLID)
    return solid[free_facing(free_space.states, solid)]


def surface_worth(
    indices: np.ndarray, free_space: FreeSpace, floor: tuple[np.ndarray, float], band_high: float
) -> Float64[np.ndarray, "n"]:
    """Weight of the measured surface of every voxel: none inside or unseen, more where a robot's body goes."""
    facing = free_facing(free_space.states, indices) & (free_space.states[tuple(indices.T)] == SOLID)
    centres = free_space.centres(indices)
    height = centres[:, 2] - (floor[1] - centres[:, :2] @ floor[0][:2]) / floor[0][2]
    in_band = (height > -free_space.voxel_size) & (height < band_high + free_space.voxel_size)
    return facing * np.where(in_band, float(BAND), 1.0)


def lasting_and_loose(
    slabs: Sequence[Piece],
    free_space: FreeSpace,
    field: AirField,
    *,
    worth: np.ndarray,
    skin: np.ndarray,
    surface: VoxelSurface,
    floor: tuple[np.ndarray, float],
    budget: int,
) -> tuple[list[Piece], list[Part]]:
    """Slabs that stay, in their order, and the others as parts that may be joined, traded or left out.

    The main floor always stays. Every other slab is measured by the skin whose surface lies within a voxel of it and of no slab
    before it. Ceilings never stay for good: nobody drives on one, and a vaulted roof comes as dozens of slabs, few of them
    worth a hull.

    Args:
        slabs: The main floor first, other floors, walls from large to small, ceilings.
        free_space: The voxels.
        field: Air that hulls must not take.
        worth: Weight of each voxel of ``skin`` (n,).
        skin: Grid indices of measured voxels that face free air (n, 3).
        surface: Where the surface before each voxel lies.
        floor: Unit normal and offset [m] of the main floor.
        budget: Hulls in all; lasting slabs take a share of it at most.
    """
    places = surface.of(skin, free_space)
    unexplained = np.ones(len(skin), bool)
    mine: list[np.ndarray] = []
    for hull in named(slabs):
        chosen = np.zeros(len(skin), bool)
        chosen[unexplained] = HullSet.of([hull]).contains(places[unexplained], margin=free_space.voxel_size)
        unexplained &= ~chosen
        mine.append(np.flatnonzero(chosen))
    areas = [len(own) * free_space.voxel_size**2 for own in mine]
    stays = {i for i, slab in enumerate(slabs) if slab.label == "floor" and (_is_main(slab, floor) or areas[i] >= FLOOR_AREA)}
    for i in sorted(range(len(slabs)), key=lambda i: (-areas[i], i)):
        if areas[i] >= LASTING_AREA and slabs[i].label != "ceiling" and len(stays) < MOST_LASTING * budget:
            stays.add(i)
    loose = []
    for i, slab in enumerate(slabs):
        if i not in stays and len(mine[i]):
            label = "clutter" if slab.label == "floor" else slab.label
            part = part_of_points(slab.points, skin[mine[i]], worth[mine[i]], field, label=label)
            if part is not None:
                loose.append(replace(part, indices=skin[mine[i]], worth=worth[mine[i]]))
    return [slab for i, slab in enumerate(slabs) if i in stays], loose


def _is_main(slab: Piece, floor: tuple[np.ndarray, float]) -> bool:
    """Its top is the main floor's surface."""
    return bool(abs(float((slab.points @ floor[0]).max()) - floor[1]) < 0.01)
