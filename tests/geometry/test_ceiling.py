"""The ceiling over a floor, and what isn't one."""

import numpy as np
import pytest

from lyra_sim.geometry.ceiling import find_ceiling
from lyra_sim.geometry.floor import Floor, find_floor

UP, DOWN = np.array([0, 0, 1.0]), np.array([0, 0, -1.0])
CAMERAS = np.array([[1.0, 1, 1.4], [3, 2, 1.5]])


def layer(rng: np.random.Generator, height: float, area: float) -> np.ndarray:
    """4 m wide, one sample per (5 cm)², 2 mm of noise."""
    count = int(area / 0.05**2)
    return np.c_[rng.uniform([0, 0], [4, area / 4], (count, 2)), rng.normal(height, 0.002, count)]


def sampled(parts: list[tuple[float, float, np.ndarray]], *, unit: float = 1.0) -> tuple[np.ndarray, np.ndarray, Floor]:
    rng = np.random.default_rng(0)
    points = np.concatenate([layer(rng, height, area) for height, area, _ in parts]) / unit
    normals = np.concatenate([np.tile(normal, (int(area / 0.05**2), 1)) for _, area, normal in parts])
    floor = find_floor(points, normals, up=UP, cameras=CAMERAS / unit, cell=0.05 / unit, metres_per_unit=unit, subject="test")
    return points, normals, floor


@pytest.mark.parametrize("unit", [1.0, 0.37])
def test_the_ceiling_is_the_largest_layer_overhead(unit: float) -> None:
    """A bulkhead, the underside of a table and of a shelf above the cameras hang lower and are smaller."""
    parts = [(0.0, 12.0, UP), (0.68, 1.5, DOWN), (1.9, 1.0, DOWN), (2.2, 3.0, DOWN), (2.6, 9.0, DOWN)]
    points, normals, floor = sampled(parts, unit=unit)
    found = find_ceiling(points, normals, floor, cameras=CAMERAS / unit, metres_per_unit=unit)
    assert found is not None
    assert found.height * unit == pytest.approx(2.6, abs=0.003) and found.share == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(
    "over",
    [[], [(1.9, 1.0, DOWN)], [(0.7, 9.0, DOWN)], [(2.6, 9.0, UP)]],
    ids=["sky", "shelf", "under the cameras", "roof from above"],
)
def test_nothing_else_is_a_ceiling(over: list[tuple[float, float, np.ndarray]]) -> None:
    points, normals, floor = sampled([(0.0, 12.0, UP), *over])
    assert find_ceiling(points, normals, floor, cameras=CAMERAS, metres_per_unit=1.0) is None
