"""The heading of buildings whose walls are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_sim.geometry.heading import heading_of_walls


def walls_at(degrees: float, *, noise_deg: float = 2.0, odd: float = 0.2, count: int = 4000) -> np.ndarray:
    """Normals of a room turned by ``degrees``, unequal walls, a share ``odd`` of them facing anywhere, and its floor."""
    rng = np.random.default_rng(0)
    sides = rng.choice([0, 90, 180, 270], count, p=[0.5, 0.2, 0.2, 0.1]) + degrees + rng.normal(0, noise_deg, count)
    sides[: int(odd * count)] = rng.uniform(0, 360, int(odd * count))
    angle = np.radians(sides)
    walls = np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=1)
    return np.concatenate([walls, np.tile([0.0, 0, 1], (count, 1))])


@given(degrees=st.floats(-180, 180))
def test_the_turn_brings_walls_onto_the_axes(degrees: float) -> None:
    turn = heading_of_walls(walls_at(degrees))
    assert turn is not None and abs(turn) <= np.pi / 4 + 1e-9
    left = (np.degrees(turn) + degrees + 45) % 90 - 45
    assert abs(left) < 0.5


def test_a_round_tower_has_no_heading() -> None:
    assert heading_of_walls(walls_at(0, odd=1.0)) is None


@pytest.mark.parametrize("normals", [np.zeros((0, 3)), np.tile([0.0, 0, 1], (5000, 1)), walls_at(10, count=100)])
def test_without_walls_there_is_none(normals: np.ndarray) -> None:
    assert heading_of_walls(normals) is None
