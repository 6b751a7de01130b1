"""The whole line on the analytic room, physics in both engines included, against its exact truth."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from lyra_sim.data.colliders import Colliders
from lyra_sim.data.grid import FREE, SOLID
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.report import Report
from lyra_sim.data.solid import Solid
from tests.boxes import box_mesh
from tests.house.files import ROOT
from tests.rooms import Room, furnished_room

pytestmark = [pytest.mark.physics, pytest.mark.timeout(600)]

SCENES = """version: 1
defaults: {seed: 7}
scenes:
  - name: tiny_room
    rgbd: {frames: rgb, depth: depth_mm, cameras: transforms.json}
    scale: metric
    up: z
    truth: {mesh: [truth.ply]}
    mesh: {voxel_size: 0.04}
    reconstruct: {splat_spacing: 0.03}
    navigate: {probes: 30, routes: 4, min_route_length: 2.0}
    assess: {pictures: 2}
"""


@pytest.fixture(scope="module")
def room() -> Room:
    """Twice the usual views, so that most of the room is seen."""
    return furnished_room(views=72)


def build(room: Room, folder: Path, **environment: str) -> Path:
    room.write_rgbd(folder)
    vertices, faces = box_mesh([(room.air_low, room.air_high), *room.boxes.values()])
    trimesh.Trimesh(vertices, faces, process=False).export(folder / "truth.ply")
    (folder / "scenes.yaml").write_text(SCENES, encoding="utf-8")
    command = [sys.executable, "-m", "lyra_sim.command.cli", "build", str(folder / "scenes.yaml"), "--out", str(folder / "out")]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "out" / "tiny_room"


@pytest.fixture(scope="module")
def built(room: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(room, tmp_path_factory.mktemp("first") / "room")


def step(built: Path, name: str) -> Path:
    (folder,) = (built / "steps").glob(f"*_{name}")
    return folder


def test_the_world_is_proven(built: Path) -> None:
    report = Report.load(built)
    assert not [metric for metric in report.metrics if metric.verdict == "fail"]
    assert report["mesh.watertight"].value == 1
    assert report["truth.f_score_5cm"].value > 0.97 and report["truth.f_score_2cm"].value > 0.9
    assert report["depth.held_out.median"].value < 0.005
    assert report["usd.errors"].value == 0
    for engine in ("physx", "newton"):
        assert report[f"physics.{engine}.routes_driven"].value == 1.0 and report[f"physics.{engine}.routes_driven"].n == 4
        assert report[f"physics.{engine}.probes_fell"].value == 0
        assert report[f"physics.{engine}.on_floor"].value == 1.0 and report[f"physics.{engine}.settle_error"].value < 0.02


def test_voxels_are_the_rooms(built: Path, room: Room) -> None:
    grid = Solid.load(step(built, "mesh")).free_space
    free = grid.centres(np.argwhere(grid.states == FREE))
    depth = room.distance(free[room.solid(free)])
    assert (depth > 0.005).sum() < 0.001 * len(free) and depth.max(initial=0) < grid.voxel_size
    solid = grid.centres(np.argwhere(grid.states == SOLID))
    assert (~room.solid(solid)).mean() < 0.02


def test_no_free_cell_of_the_map_has_matter_over_it(built: Path, room: Room) -> None:
    """Sampled every 5 cm through the robot's height band, cell centres: what the map calls free is air in truth."""
    occupancy = Navigation.load(step(built, "collide")).occupancy
    centres = occupancy.centres(np.argwhere(occupancy.free))
    for z in np.arange(0.1, 0.62, 0.05):
        matter = room.solid(np.column_stack([centres, np.full(len(centres), z)]))
        assert matter.mean() < 0.005
    assert len(centres) * occupancy.resolution**2 > 15.0  # of 28 m², less furniture and what nobody saw


def test_a_route_goes_through_the_door(built: Path) -> None:
    routes = Navigation.load(step(built, "collide")).routes
    through = [route for route in routes if route.waypoints[:, 0].min() < 3.8 and route.waypoints[:, 0].max() > 4.3]
    assert through, "both rooms are reachable, so some route must use the door"


def test_hulls_leave_the_camera_path_and_cover_the_walls(built: Path, room: Room) -> None:
    hulls = Colliders.load(step(built, "collide")).hulls
    planes = [hull.planes() for hull in hulls]

    def inside(points: np.ndarray) -> np.ndarray:
        return np.any([(points @ each[:, :3].T + each[:, 3] <= 0).all(axis=1) for each in planes], axis=0)

    assert not inside(room.cameras.centres).any()
    behind_walls = np.array([[-0.1, 2.0, 1.0], [3.5, -0.1, 1.0], [7.1, 2.0, 1.0], [3.0, 2.0, -0.15], [4.06, 0.7, 1.0]])
    assert inside(behind_walls).all()
    assert not inside(np.array([[4.06, 1.85, z] for z in (0.1, 0.5, 1.0, 1.5)])).any(), "the doorway is open"


def test_the_manifest_is_free_of_times_and_places(built: Path) -> None:
    text = (built / "world" / "manifest.json").read_text(encoding="utf-8")
    assert str(built.parent) not in text
    np.testing.assert_array_equal(json.loads(text)["world_from_input"], np.eye(4))


def test_a_build_elsewhere_gives_the_same_bytes(built: Path, room: Room, tmp_path: Path) -> None:
    """Every file of every step, physics results and report included, whatever number of threads the first build had."""
    again = build(room, tmp_path / "elsewhere", OMP_NUM_THREADS="2")
    for manifest in sorted((built / "steps").glob("*/manifest.json")):
        first = json.loads(manifest.read_text(encoding="utf-8"))
        second = json.loads((again / "steps" / manifest.parent.name / "manifest.json").read_text(encoding="utf-8"))
        differing = [name for name in first["files"] if first["files"][name] != second["files"].get(name)]
        assert not differing, f"{manifest.parent.name}: {differing}"
        assert first["key"] == second["key"]
