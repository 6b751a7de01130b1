"""Ramps and stairs between two levels become floors that are where they were measured; furniture doesn't."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import named
from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.plane_finding import find_planes
from lyra_sim.collision.planes.slabs import make_slabs
from tests.collision.flat import AIR, Flat

RISE, RUN, TOP = 0.18, 0.3, 0.72
"""Of the stairs: four steps up to a platform."""
SLOPE = np.radians(14.0)
PLATFORM = ((3.4, 0.0, 0.0), (5.0, 4.5, TOP))
STEPS = tuple(((3.4 - RUN * (4 - k), 0.4, 0.0), (3.4, 1.4, RISE * k)) for k in (1, 2, 3))
TABLE_AND_BED = (((0.3, 3.3, 0.0), (1.0, 4.4, 0.45)), ((0.2, 0.2, 0.3), (0.6, 0.6, 0.34)))


@dataclass(frozen=True)
class Ramped(Flat):
    """One room with a platform that stairs and a ramp lead up to, and furniture that is neither."""

    def clear(self, points: np.ndarray) -> np.ndarray:
        rise = (points[..., 2] - TOP) * np.cos(SLOPE) - (points[..., 0] - 3.4) * np.sin(SLOPE)
        wedge = np.max([rise, points[..., 0] - 3.4, 2.4 - points[..., 1], points[..., 1] - 3.4], axis=0)
        return np.minimum(super().clear(points), wedge)

    @property
    def camera_centres(self) -> np.ndarray:
        keys = np.linspace([0.5, 1.8], [4.6, 1.8], 20)
        return np.column_stack([keys, np.where(keys[:, 0] > 3.4, TOP, 0.0) + 1.3])


@cache
def scene() -> Ramped:
    return Ramped(
        air=(AIR[0],), furniture=(PLATFORM, *STEPS, *TABLE_AND_BED), hidden=(), high=(5.5, 5.0, 3.1), low=(-0.5, -0.5, -0.6)
    )


@cache
def planes() -> tuple[Plane, ...]:
    return find_planes(scene().mesh, scene().free_space, scene().camera_centres)


@cache
def floors() -> HullSet:
    pieces = make_slabs(planes(), scene().free_space, thickness=0.3, max_count=200)
    return HullSet.of(named([piece for piece in pieces if piece.label == "floor"]))


def of(role: str) -> list[Plane]:
    return [plane for plane in planes() if plane.kind == "floor" and plane.role == role]


def height_of_floors(xy: np.ndarray) -> np.ndarray:
    """Top of the floor hulls at x, y, to 2 mm."""
    z = np.arange(-0.05, 1.2, 0.002)
    inside = np.array([floors().contains(np.column_stack([xy, np.full(len(xy), level)])) for level in z])
    return z[len(z) - 1 - inside[::-1].argmax(axis=0)]


def test_two_levels_one_ramp_three_steps() -> None:
    assert [round(plane.height, 2) for plane in of("level")] == [0.0, TOP]
    (ramp,) = of("ramp")
    assert np.degrees(np.arccos(ramp.normal[2])) == pytest.approx(14.0, abs=0.3)
    assert [plane.height for plane in of("step")] == pytest.approx([RISE, 2 * RISE, 3 * RISE], abs=0.004)


def test_the_ramp_is_where_it_was_measured() -> None:
    """From floor to platform without a step or a pit that a wheel would notice."""
    x = np.arange(-0.6, 3.9, 0.03)
    x = x[x > 0.05]
    for y in (2.6, 2.9, 3.2):
        truth = np.clip(TOP + (x - 3.4) * np.tan(SLOPE), 0.0, TOP)
        off = height_of_floors(np.column_stack([x, np.full(len(x), y)])) - truth
        assert np.abs(off).max() < 0.02


def test_a_probe_rests_on_every_step() -> None:
    for k in (1, 2, 3):
        x, y = np.meshgrid(np.arange(3.4 - RUN * (4 - k) + 0.05, 3.4 - RUN * (3 - k) - 0.04, 0.04), np.arange(0.5, 1.3, 0.1))
        assert height_of_floors(np.column_stack([x.ravel(), y.ravel()])) == pytest.approx(RISE * k, abs=0.006)


def test_steps_and_ramp_take_no_air() -> None:
    free = scene().free_space.centres(np.argwhere(scene().free_space.states == 2))
    assert not floors().contains(free, margin=-0.6 * scene().voxel).any()


def test_a_bed_and_a_shelf_are_no_steps() -> None:
    for plane in (*of("step"), *of("ramp"), *of("level")[1:]):
        assert plane.points[:, 0].min() > 0.0 and not ((plane.points[:, 0] < 1.05) & (plane.points[:, 1] > 3.5)).any()
        assert not ((plane.points[:, :2] > 0.15) & (plane.points[:, :2] < 0.65)).all(axis=1).any()
