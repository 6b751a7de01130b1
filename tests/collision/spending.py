"""Small voxel worlds whose budget is spent: lumps in, parts out."""

import numpy as np

from lyra_sim.collision.clutter.clutter_hulls import spend_on_clutter
from lyra_sim.collision.clutter.hull_budget import Spending
from lyra_sim.collision.clutter.lasting_slabs import surface_worth
from lyra_sim.collision.clutter.parts import Part, part_of_voxels
from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.collision.measured.free_air import AirField
from lyra_sim.data.grid import FreeSpace
from lyra_sim.scene.spec import CollideConfig

FLOOR = (np.array([0.0, 0.0, 1.0]), 0.0)
BAND_HIGH = 0.62


def field_of(free_space: FreeSpace, camera_centres: np.ndarray | None = None) -> AirField:
    centres = np.zeros((0, 3)) if camera_centres is None else camera_centres
    return AirField.of(free_space, centres, floor=FLOOR, band_high=BAND_HIGH)


def part(indices: np.ndarray, free_space: FreeSpace, field: AirField) -> Part:
    return part_of_voxels(indices, surface_worth(indices, free_space, FLOOR, BAND_HIGH), field)


def account(free_space: FreeSpace, field: AirField, *, surface_price: float = 10.0) -> Spending:
    return Spending(air=field, heading=0.0, price=2.0, surface_price=surface_price)


def spend(lumps: list[np.ndarray], free_space: FreeSpace, *, budget: int, **config) -> tuple[HullSet, dict, Spending]:
    """Hulls of lumps of voxels on a budget, how they were made, and the account."""
    field = field_of(free_space)
    spending = account(free_space, field)
    facts = spend_on_clutter(
        [part(indices, free_space, field) for indices in lumps],
        free_space,
        spending,
        config=CollideConfig(**config),
        budget=budget,
        seed=7,
    )
    return hulls_of(list(spending.parts.values())), facts, spending


def hulls_of(parts: list[Part]) -> HullSet:
    return HullSet.of(named([Piece(label=one.label, points=one.points) for one in parts]))
