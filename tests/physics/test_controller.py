"""Pure pursuit against an ideal robot that does exactly what its wheels are told."""

from itertools import pairwise

import numpy as np
import pytest

from lyra_sim.physics.controller import Limits, PurePursuit, corner_angles, expected_duration
from lyra_sim.physics.robots import ROBOTS, DiffDrive

DT = 1 / 30
ROBOT, LIMITS = DiffDrive(), Limits()


def drive(routes: list[np.ndarray], *, seconds: float, yaw: float | None = None) -> tuple[np.ndarray, np.ndarray, PurePursuit]:
    """Way (t, r, 2) and wheel speeds (t, r, 2) of robots that start heading along their route, or at ``yaw``."""
    pilot = PurePursuit(routes, robot=ROBOT, limits=LIMITS, dt=DT)
    xy = np.array([route[0] for route in routes], np.float64)
    headings = np.array([np.arctan2(*(route[route.any(axis=1)][0])[::-1]) if yaw is None else yaw for route in routes])
    way, wheels = [xy], []
    for _ in range(round(seconds / DT)):
        left, right = (ROBOT.wheel_radius * (speeds := pilot.wheel_velocities(xy, headings, np.zeros(len(xy), bool)))).T
        headings = headings + (right - left) / ROBOT.track * DT
        xy = xy + ((left + right) / 2 * DT)[:, None] * np.stack([np.cos(headings), np.sin(headings)], axis=1)
        way.append(xy)
        wheels.append(speeds)
    return np.array(way), np.array(wheels), pilot


def length(way: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())


def distance_to(points: np.ndarray, polyline: np.ndarray) -> np.ndarray:
    count = [2 + int(np.linalg.norm(b - a) / 0.01) for a, b in pairwise(polyline)]
    dense = np.concatenate([np.linspace(a, b, n) for (a, b), n in zip(pairwise(polyline), count, strict=True)])
    return np.linalg.norm(points[:, None] - dense[None], axis=2).min(axis=1)


ROUTES = {
    "straight": [(0, 0), (3, 0)],
    "right angle": [(0, 0), (2, 0), (2, 2)],
    "there and back": [(0, 0), (2, 0), (0, 0)],
    "stairs": [(0, 0), (0.3, 0), (0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.9, 0.6)],
    "hairpin": [(0, 0), (2, 0), (2, 0.5), (0, 0.5)],
    "crosses itself": [(0, 0), (2, 0), (2, 1), (1, 1), (1, -1)],
    "grid diagonal": [(0.05 * i, 0.05 * (i // 2)) for i in range(40)],
    "arc": [(2 * np.sin(a), 2 - 2 * np.cos(a)) for a in np.linspace(0, np.pi / 2, 20)],
    "repeated points": [(0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (1, 1)],
}


@pytest.mark.parametrize("name", ROUTES)
def test_route_is_followed_closely_and_to_its_end(name: str) -> None:
    route = np.array(ROUTES[name], np.float64)
    way, _, pilot = drive([route], seconds=2 * expected_duration(route, LIMITS))
    assert pilot.done[0]
    assert np.linalg.norm(way[-1, 0] - route[-1]) < 0.04
    assert distance_to(way[:, 0], route).max() < 0.05
    # Steps of 5 cm are cut a little: every stop is made a centimetre early.
    assert length(way[:, 0]) == pytest.approx(length(route), rel=0.06 if name == "grid diagonal" else 0.02)


def test_expected_duration_is_enough() -> None:
    for name, points in ROUTES.items():
        route = np.array(points, np.float64)
        _, _, pilot = drive([route], seconds=expected_duration(route, LIMITS))
        assert pilot.done[0], name


def test_robot_turns_round_before_it_drives_when_it_faces_away() -> None:
    way, _, pilot = drive([np.array([(0.0, 0.0), (2.0, 0.0)])], seconds=10, yaw=np.pi - 0.01)
    assert pilot.done[0]
    assert way[:, 0, 0].min() > -0.05


def test_robots_are_independent_of_each_other() -> None:
    routes = [np.array(ROUTES[name], np.float64) for name in ("hairpin", "straight", "arc")]
    together, _, _ = drive(routes, seconds=15)
    for row, route in enumerate(routes):
        alone, _, _ = drive([route], seconds=15)
        np.testing.assert_array_equal(together[:, row], alone[:, 0])


def test_wheel_acceleration_is_limited() -> None:
    _, wheels, _ = drive([np.array(ROUTES["stairs"], np.float64)], seconds=15)
    change = np.abs(np.diff(wheels[:, 0], axis=0)).max() * ROBOT.wheel_radius / DT
    assert change <= 2 * LIMITS.acceleration * (1 + 1e-9)


def test_held_robot_brakes_to_a_stop() -> None:
    pilot = PurePursuit([np.array([(0.0, 0.0), (5.0, 0.0)])], robot=ROBOT, limits=LIMITS, dt=DT)
    here, ahead = np.zeros((1, 2)), np.zeros(1)
    for _ in range(30):
        moving = pilot.wheel_velocities(here, ahead, np.array([False]))
    assert (moving > 1).all()
    for _ in range(30):
        stopped = pilot.wheel_velocities(here, ahead, np.array([True]))
    np.testing.assert_array_equal(stopped, 0)


@pytest.mark.parametrize("grip", [0.35, 0.7, 1.0])
def test_a_robot_that_scrubs_gets_there_whatever_share_of_a_turn_comes_about(grip: float) -> None:
    robot = next(robot for robot in ROBOTS if robot.scrubs)
    route = np.array(ROUTES["stairs"], np.float64)
    pilot = PurePursuit([route], robot=robot, limits=LIMITS, dt=DT)
    xy, heading, way = route[:1].copy(), np.zeros(1), []
    for _ in range(round(3 * expected_duration(route, LIMITS) / DT)):
        left, right = (robot.wheel_radius * pilot.wheel_velocities(xy, heading, np.zeros(1, bool))).T
        heading = heading + grip * (right - left) / robot.track * DT
        xy = xy + ((left + right) / 2 * DT)[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
        way.append(xy[0])
    assert pilot.done[0] and distance_to(np.array(way), route).max() < 0.05
    assert length(np.array(way)[:, None]) == pytest.approx(length(route), rel=0.07)  # ten corners in 1.5 m


def test_corner_angles() -> None:
    np.testing.assert_allclose(corner_angles(np.array(ROUTES["right angle"], float)), [np.pi / 2])
    np.testing.assert_allclose(corner_angles(np.array(ROUTES["there and back"], float)), [np.pi])
    assert len(corner_angles(np.array(ROUTES["straight"], float))) == 0
