"""Navigable overlap of known areas, and of a room whose hulls have known faults."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyra_sim.data.colliders import Colliders, Collision, Hull
from lyra_sim.data.grid import UNSEEN, FreeSpace
from lyra_sim.navigation.build import build_navigation
from lyra_sim.navigation.occupancy import FloorGrid, main_band
from lyra_sim.quality.truth.maps import navigable_metrics, navigable_overlap, true_free
from lyra_sim.quality.truth.surface import TrueSurface
from lyra_sim.scene.spec import NavigateConfig, RobotConfig
from tests.boxes import box_mesh
from tests.quality.two_rooms import BAND, VOXEL, boxes, hulls, voxels

GRID = FloorGrid(origin=np.zeros(2), shape=(80, 60), resolution=0.05)
PATH = np.array([[1.0, 1.0, 0.5]])
ROBOT = RobotConfig(radius=0.25, band_low=0.1, band_high=0.6)
DOOR = (1.5, 2.4)


def area(x_low: float, x_high: float, y_low: float, y_high: float) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[round(x_low / 0.05) : round(x_high / 0.05), round(y_low / 0.05) : round(y_high / 0.05)] = True
    return mask


def test_overlap_of_two_rectangles_is_what_their_sides_say() -> None:
    ours, theirs = area(0, 3.8, 0, 3), area(0, 4, 0, 3)
    reach, free = navigable_overlap(ours, theirs, np.ones(GRID.shape, bool), GRID, radius=0.25, path=PATH)
    assert free.iou == pytest.approx(3.8 / 4)
    assert reach.iou == pytest.approx(3.3 / 3.5)  # 0.25 m are taken off on each side
    same, _ = navigable_overlap(theirs, theirs, np.ones(GRID.shape, bool), GRID, radius=0.25, path=PATH)
    assert same.iou == 1.0


def test_what_was_not_seen_is_not_asked_about_and_what_cannot_be_reached_does_not_count() -> None:
    theirs, ours = area(0, 4, 0, 3), area(0, 2, 0, 3)
    seen = area(0, 2, 0, 3)
    assert navigable_overlap(ours, theirs, seen, GRID, radius=0.25, path=PATH)[0].iou == 1.0
    island = ours | area(3, 4, 0, 1)
    assert navigable_overlap(island, ours, np.ones(GRID.shape, bool), GRID, radius=0.2, path=PATH)[1].iou == 1.0
    nothing = np.zeros(GRID.shape, bool)
    assert np.isnan(navigable_overlap(nothing, nothing, seen, GRID, radius=0.2, path=PATH)[0].iou)
    assert navigable_overlap(nothing, ours, seen, GRID, radius=0.2, path=PATH)[0].iou == 0.0


def true_surface(parts: list) -> TrueSurface:
    vertices, faces = box_mesh(parts)
    return TrueSurface(vertices=vertices.astype(np.float64), faces=faces)


def collision(parts: tuple[Hull, ...], free_space: FreeSpace) -> Collision:
    navigation = build_navigation(
        parts,
        free_space,
        PATH,
        band=BAND,
        robot=ROBOT,
        config=NavigateConfig(probes=4, routes=1, min_route_length=1.0),
        seed=1,
    )
    return Collision(colliders=Colliders(hulls=parts, face_labels=np.zeros(0, np.uint8), facts=None), navigation=navigation)


def figures(ours: Collision, grid: FreeSpace, truth: TrueSurface) -> dict[str, Any]:
    return {m.name: m for m in navigable_metrics(ours, grid, truth, path=PATH)}


def test_hulls_like_the_truth_score_one() -> None:
    parts = boxes(DOOR)
    found = figures(collision(hulls(parts), voxels(parts)), voxels(parts), true_surface(parts))
    assert found["truth.map.navigable_iou"].value == found["truth.map.free_iou"].value == 1.0
    assert found["truth.doorways_open"].value == 1.0 and found["truth.doorways_sealed"].value == 0


def test_a_sealed_door_costs_the_room_behind_it() -> None:
    parts, sealed = boxes(DOOR), boxes()
    found = figures(collision(hulls(sealed), voxels(parts)), voxels(parts), true_surface(parts))
    left, right = 2.5 * 3.5, 2.3 * 3.5  # centres of a robot of 0.25 m in either room
    assert found["truth.map.navigable_iou"].value == pytest.approx(left / (left + right + 0.7 * 0.4), abs=0.03)
    assert (found["truth.map.navigable_iou"].verdict, found["truth.doorways_sealed"].verdict) == ("fail", "fail")


def test_a_room_the_truth_has_and_nobody_saw_costs_nothing() -> None:
    """Everything beyond the inner wall's middle is unseen, and a fence of our own stands there."""
    parts = boxes(DOOR)
    grid = voxels(parts)
    states = grid.states.copy()
    states[round((3.1 + 0.25) / VOXEL) :] = UNSEEN
    half = FreeSpace(states=states, origin=grid.origin, voxel_size=VOXEL)
    found = figures(collision(hulls(parts), half), half, true_surface(parts))
    assert found["truth.map.navigable_iou"].value > 0.97


def test_the_inside_of_closed_things_is_not_free() -> None:
    crate = [(np.array([1.5, 1.0, 0.0]), np.array([2.5, 2.0, 0.5]))]
    free = true_free(true_surface([*boxes(), *crate]), GRID, BAND, PATH)
    assert not free[30:50, 20:40].any() and free[:28, :].any()
    assert not true_free(true_surface([*boxes(), *crate]), GRID, BAND, np.array([[9.0, 9.0, 1.0]])).any()


def test_the_band_stands_on_the_floor_that_was_found() -> None:
    parts = boxes(DOOR)
    navigation = collision(hulls(parts), voxels(parts)).navigation
    found = main_band(navigation)
    assert (found.offset, found.low, found.high) == (pytest.approx(0.0), 0.1, 0.6)
    tilted = replace(navigation, floor=np.array([0.3, 0.02, -0.01]))
    xy = np.array([[1.0, 2.0], [4.0, 0.5]])
    np.testing.assert_allclose(main_band(tilted).height(xy), tilted.floor_height(xy))
