"""Figures about the map: what the physics gate takes for granted is judged here."""

from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.data.navigation import Navigation, Route
from lyra_sim.data.occupancy import FREE_CELL, OccupancyMap
from lyra_sim.quality.navigation import navigation_metrics

FLOOR = np.array([0.02, 0.01, -0.02])
POINTS = np.array([[1.0, 0.5], [2.0, 1.5], [0.5, 2.5]])


def walked(heights: np.ndarray) -> Navigation:
    return Navigation(
        occupancy=OccupancyMap(cells=np.full((60, 60), FREE_CELL, np.uint8), origin=np.zeros(2), resolution=0.05),
        robot_radius=0.25,
        reachable_area=6.0,
        spawns=np.zeros((1, 3)),
        probes=np.column_stack([POINTS, heights]),
        probe_room=np.full(len(POINTS), 0.3),
        routes=(Route(name="r", waypoints=POINTS[:2]),),
        floor=FLOOR,
        band=(0.1, 0.6),
        doorways=(),
        probe_gap=0.4,
        route_coverage=1.0,
    )


@pytest.mark.parametrize(("off", "verdict"), [(0.0, "pass"), (0.02, "warn"), (-0.04, "fail")])
def test_hulls_that_lie_beside_the_measured_floor_are_told(off, verdict):
    heights = FLOOR[0] + POINTS @ FLOOR[1:]
    heights[1] += off
    judged = {metric.name: metric for metric in navigation_metrics(walked(heights))}
    assert judged["navigation.floor_error"].value == pytest.approx(abs(off), abs=1e-9)
    assert judged["navigation.floor_error"].verdict == verdict


def test_without_a_probe_the_floor_isnt_judged():
    bare = replace(walked(np.zeros(3)), probes=np.zeros((0, 3)), probe_room=np.zeros(0), probe_gap=None)
    judged = {metric.name: metric for metric in navigation_metrics(bare)}
    assert judged["navigation.floor_error"].verdict == "not-measured"
