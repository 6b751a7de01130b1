"""What every plug-in of kind ``physics`` keeps (:mod:`lyra_sim.physics.engine`): calls, units, order, motion."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from lyra_sim.physics.gate_stage import author_drive, author_drops
from lyra_sim.physics.request import GateRequest
from lyra_sim.physics.robots import DiffDrive
from tests.conftest import ROOT
from tests.contracts.declared import declared, must_run
from tests.physics.worlds import navigation, room, write_world

START = (-1.0, -2.0)
RADIUS = DiffDrive().wheel_radius


@pytest.fixture(scope="module", params=declared("physics"))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A robot facing +y, a big ball and a box, taken through rest, straight driving, turning and braking."""
    must_run(request.param)
    name = request.param.name
    folder = tmp_path_factory.mktemp(name)
    boxes = room()
    world = write_world(folder / "world.usda", boxes)
    way = navigation(boxes, probes=[(1.0, 1.0, 0.0), (2.0, 1.0, 0.0)], routes={"north": [START, (-1.0, 2.0)]})
    drop, hull_count = author_drops(folder / "drop.usda", world=world, navigation=way, seed=1)
    drive = author_drive(folder / "drive.usda", world=folder / "drop.usda", navigation=way, robot=DiffDrive())
    question = GateRequest(engine=name, hull_count=hull_count, drop=drop, drive=drive)
    question.save(folder / "request.json")
    done = subprocess.run(
        [sys.executable, "-m", "tests.physics.engine_contract", str(folder / "request.json")],
        capture_output=True, text=True, timeout=240, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {
        "version": found["version"],
        "positions": np.array([state["positions"] for state in found["states"]]),
        "quats_wxyz": np.array([state["quats_wxyz"] for state in found["states"]]),
    }


def yaw(quats_wxyz: np.ndarray) -> np.ndarray:
    w, x, y, z = np.moveaxis(quats_wxyz, -1, 0)
    return np.unwrap(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def test_poses_are_in_the_order_asked_for_and_start_where_the_stage_says(run: dict[str, Any]) -> None:
    expected = [(1.0, 1.0, 0.45), (*START, 0.15), (2.0, 1.0, 0.40)]
    np.testing.assert_allclose(run["positions"][0], expected, atol=1e-5)


def test_quaternions_are_scalar_first_and_unit(run: dict[str, Any]) -> None:
    np.testing.assert_allclose(np.linalg.norm(run["quats_wxyz"], axis=-1), 1.0, atol=1e-5)
    half = np.sqrt(0.5)  # the robot faces +y: a quarter turn about z
    np.testing.assert_allclose(np.abs(run["quats_wxyz"][0, 1]), [half, 0, 0, half], atol=1e-5)


def test_bodies_fall_under_standard_gravity(run: dict[str, Any]) -> None:
    fallen = run["positions"][0, 0, 2] - run["positions"][1, 0, 2]
    assert fallen == pytest.approx(0.5 * 9.81 * 0.1**2, rel=0.12)  # a first-order integrator takes one step more or less


def test_bodies_rest_on_the_floor(run: dict[str, Any]) -> None:
    np.testing.assert_allclose(run["positions"][2:, 0, 2], 0.15, atol=0.005)
    np.testing.assert_allclose(run["positions"][2:, 2, 2], 0.10, atol=0.005)


def test_equal_wheel_speeds_drive_straight_on_in_radians_per_second(run: dict[str, Any]) -> None:
    way = run["positions"][4, 1] - run["positions"][3, 1]
    assert way[1] == pytest.approx(3.0 * RADIUS * 1.0, rel=0.02)
    assert abs(way[0]) < 0.01


def test_opposite_wheel_speeds_turn_left_in_place(run: dict[str, Any]) -> None:
    headings = yaw(run["quats_wxyz"][:, 1])
    expected = 2 * 2.0 * RADIUS / DiffDrive().track * 0.5
    assert headings[6] - headings[5] == pytest.approx(expected, rel=0.15)  # wide wheels scrub, and the drives are soft
    assert np.linalg.norm(run["positions"][6, 1, :2] - run["positions"][5, 1, :2]) < 0.02


def test_zero_wheel_speeds_brake(run: dict[str, Any]) -> None:
    np.testing.assert_allclose(run["positions"][8, 1], run["positions"][7, 1], atol=0.002)


def test_version_names_engine_and_release(run: dict[str, Any]) -> None:
    assert any(character.isdigit() for character in run["version"])
