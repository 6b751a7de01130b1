"""Lamps hang below the roof, over free floor, close enough together; never in the open."""

from dataclasses import replace

import numpy as np

from lyra_sim.data.mesh import TriMesh
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED, OccupancyMap
from lyra_sim.usd.lamps import MOST, SPACING, lamp_places
from tests.boxes import box_trimesh
from tests.usd.worlds import AIR, TABLE, World


def hall(length: float, *, roof: float | None) -> tuple[TriMesh, OccupancyMap]:
    """A strip of free floor 3 m wide; with or without a slab above."""
    boxes = [(np.array([0, 0, -0.3]), np.array([length, 3, 0]))]
    if roof is not None:
        boxes.append((np.array([0, 0, roof]), np.array([length, 3, roof + 0.2])))
    cells = np.full((round(length / 0.1), 30), FREE_CELL, np.uint8)
    return box_trimesh(boxes), OccupancyMap(cells=cells, origin=np.zeros(2), resolution=0.1)


def test_a_room_is_lit_from_below_its_ceiling(small_world: World) -> None:
    places = lamp_places(small_world.mesh, small_world.navigation)
    assert len(places) == 2
    np.testing.assert_allclose(places[:, 2], AIR[1][2] - 0.3)
    assert (places[:, :2] > AIR[0][:2] + 0.3).all() and (places[:, :2] < AIR[1][:2] - 0.3).all()
    assert not ((places[:, :2] > TABLE[0][:2]) & (places[:, :2] < TABLE[1][:2])).all(axis=1).any()
    np.testing.assert_array_equal(places, lamp_places(small_world.mesh, small_world.navigation))


def test_a_long_hall_has_lamps_along_it(small_world: World) -> None:
    mesh, occupancy = hall(12, roof=6.0)
    places = lamp_places(mesh, replace(small_world.navigation, occupancy=occupancy))
    floor = occupancy.centres(np.argwhere(occupancy.free))
    nearest = np.linalg.norm(floor[:, None] - places[None, :, :2], axis=2).min(axis=1)
    assert nearest.max() < SPACING + 0.8 and 4 <= len(places) <= 8
    np.testing.assert_allclose(places[:, 2], 3.0)


def test_a_narrow_closet_has_its_lamp_in_the_middle(small_world: World) -> None:
    mesh, occupancy = hall(1, roof=2.4)
    cells = np.full_like(occupancy.cells, OCCUPIED)
    cells[1:9, 10:20] = FREE_CELL
    (place,) = lamp_places(mesh, replace(small_world.navigation, occupancy=replace(occupancy, cells=cells)))
    assert abs(place[0] - 0.5) <= 0.06 and 1.3 < place[1] < 1.7


def test_no_more_lamps_than_renderers_bear(small_world: World) -> None:
    mesh, occupancy = hall(80, roof=2.5)
    assert len(lamp_places(mesh, replace(small_world.navigation, occupancy=occupancy))) == MOST


def test_none_in_the_open_nor_where_nothing_is_free(small_world: World) -> None:
    mesh, occupancy = hall(6, roof=None)
    navigation = replace(small_world.navigation, occupancy=occupancy)
    assert lamp_places(mesh, navigation).shape == (0, 3)
    shut = replace(occupancy, cells=np.full_like(occupancy.cells, OCCUPIED))
    assert lamp_places(mesh, replace(navigation, occupancy=shut)).shape == (0, 3)
