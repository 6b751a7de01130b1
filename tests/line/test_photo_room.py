"""The whole line on photos of an analytic room: with the cameras given, and with photos alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.files import read_json
from lyra_sim.data.grid import FREE, SOLID
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.report import Report
from lyra_sim.data.solid import Solid
from lyra_sim.geometry.similarity_fit import fit_similarity
from tests.house.files import ROOT
from tests.photo_rooms import PhotoRoom, photo_room

pytestmark = pytest.mark.timeout(600)

CAMERA_HEIGHT = 1.3
"""Median of the walk [m]."""
SMALL = """capture: {hold_out_every: 8}
    depth: {side: 256, planes: 48}
    mesh: {voxel_size: 0.08}
    reconstruct: {splat_spacing: 0.05}
    navigate: {probes: 12, routes: 2, min_route_length: 1.0}
    assess: {pictures: 1, engines: [newton]}"""
GIVEN = f"""version: 1
scenes:
  - name: photo_room
    transforms: transforms.json
    scale: metric
    up: z
    poses: {{features: 800}}
    {SMALL}
"""
FOUND = f"""version: 1
scenes:
  - name: photo_room
    photos: photos
    scale: {{camera_height: {CAMERA_HEIGHT}}}
    truth: {{cameras: transforms.json}}
    poses: {{POSES}}
    {SMALL}
"""


def build(room: PhotoRoom, folder: Path, scenes: str, *arguments: str) -> Path:
    """The scene's folder after the command line has built it."""
    room.write(folder)
    (folder / "scenes.yaml").write_text(scenes, encoding="utf-8")
    command = [sys.executable, "-m", "lyra_sim.command.cli", "build", str(folder / "scenes.yaml"), "--out", str(folder / "out")]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "out" / "photo_room"


def step(built: Path, name: str) -> Path:
    (folder,) = (built / "steps").glob(f"*_{name}")
    return folder


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the photos and their true cameras."""
    return build(photo_room(), tmp_path_factory.mktemp("given") / "room", GIVEN)


@pytest.mark.physics
def test_the_world_is_proven(given: Path) -> None:
    report = Report.load(given)
    assert not [metric for metric in report.metrics if metric.verdict == "fail"]
    assert report["mesh.watertight"].value == 1 and report["usd.errors"].value == 0
    assert report["navigation.routes"].value == 2
    assert report["physics.newton.routes_driven"].value == 1.0 and report["physics.newton.probes_fell"].value == 0
    assert report["photo_depth.measured"].value > 0.9
    assert report["photo_depth.moving"].value < 0.005 and report["photo_depth.sky"].value == 0


def test_the_floor_lies_at_zero(given: Path) -> None:
    """The given cameras are metric and z-up, so nothing may be turned, moved or scaled, and the floor's faces lie at 0."""
    np.testing.assert_array_equal(json.loads((given / "world" / "manifest.json").read_text())["world_from_input"], np.eye(4))
    mesh = Solid.load(step(given, "mesh")).mesh
    middle = mesh.triangles.mean(axis=1)
    floor = mesh.face_seen & (mesh.face_normals()[:, 2] > 0.9) & (np.abs(middle[:, 2]) < 0.2)
    areas, heights = mesh.face_areas()[floor], np.abs(middle[floor, 2])
    assert areas.sum() > 10.0
    assert areas[heights < 0.02].sum() > 0.98 * areas.sum()
    assert abs(np.average(middle[floor, 2], weights=areas)) < 0.005


def test_free_space_is_the_rooms(given: Path) -> None:
    room, grid = photo_room().room, Solid.load(step(given, "mesh")).free_space
    free = grid.centres(np.argwhere(grid.states == FREE))
    in_matter = room.distance(free[room.solid(free)])
    assert (in_matter > 0.02).sum() < 0.002 * len(free) and in_matter.max(initial=0) < grid.voxel_size
    air = np.prod(room.air_high - room.air_low) - sum(np.prod(high - low) for low, high in room.boxes.values())
    assert 0.75 * air < len(free) * grid.voxel_size**3 < 1.02 * air  # half a voxel along all walls is an eighth
    solid = grid.centres(np.argwhere(grid.states == SOLID))
    assert room.distance(solid[~room.solid(solid)]).max(initial=0) < 2 * grid.voxel_size


def test_the_map_is_free_where_the_room_is(given: Path) -> None:
    room, occupancy = photo_room().room, Navigation.load(step(given, "collide")).occupancy
    centres = occupancy.centres(np.argwhere(occupancy.free))
    for z in np.arange(0.12, 0.62, 0.05):
        assert room.solid(np.column_stack([centres, np.full(len(centres), z)])).mean() < 0.005
    x, y = np.meshgrid(np.arange(0.5, 4.1, 0.1), np.arange(1.2, 3.0, 0.1))
    middle = np.column_stack([x.ravel(), y.ravel()])
    nearest = np.linalg.norm(middle[:, None] - centres[None], axis=2).min(axis=1)
    assert nearest.max() < occupancy.resolution, "the middle of the room is free, without a hole"


def test_held_out_photos_have_no_depth_and_judge_the_splats(given: Path) -> None:
    capture = PosedDepth.load(step(given, "depth"), Capture.load(step(given, "capture")))
    assert capture.held_out == tuple(range(0, len(photo_room().photos), 8))
    known = [np.isfinite(capture.views.z_depth(index)).mean() for index in range(len(capture.views))]
    assert all((share == 0) == (index in capture.held_out) for index, share in enumerate(known)), known
    report = Report.load(given)
    assert report["image.held_out.psnr"].value > 18 and report["image.held_out.covered"].value > 0.9


def test_depth_is_the_rooms(given: Path) -> None:
    """Against the analytic z-depth of the photo's own pixels: no worse than a hundredth nearly everywhere."""
    capture = PosedDepth.load(step(given, "depth"), Capture.load(step(given, "capture")))
    truth = photo_room().depths
    for index in capture.used[::5]:
        z = capture.views.z_depth(index)
        off = np.abs(z / truth[index] - 1)[np.isfinite(z)]
        assert np.median(off) < 0.003 and (off < 0.02).mean() > 0.95, index


def test_report_and_manifest_say_photos(given: Path) -> None:
    page = (given / "report.html").read_text(encoding="utf-8")
    assert "Photos, cameras and depth" in page
    assert f"{len(photo_room().photos)} of {len(photo_room().photos)} photos have a camera" in page
    text = (given / "world" / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(text)["provenance"]["source"].startswith("photos")
    assert str(given.parent) not in text


def close_to_the_truth(folder: Path, room: PhotoRoom) -> Capture:
    """The capture in ``folder``, its cameras compared with the room's after the similarity that fits them."""
    capture = Capture.load(folder)
    assert capture.views.names == room.names
    ours = capture.cameras.moved(capture.world_from_capture)
    fit = fit_similarity(room.cameras.centres, ours.centres)
    off = np.linalg.norm(fit.apply(room.cameras.centres) - ours.centres, axis=1)
    path = np.linalg.norm(np.diff(room.cameras.centres, axis=0), axis=1).sum()
    assert np.sqrt((off**2).mean()) < 0.02 * path * fit.scale
    assert 0 < capture.scale.sigma_relative < 0.1
    assert abs(np.log(fit.scale)) < 2 * capture.scale.sigma_relative
    assert np.degrees(np.arccos(fit.rotation[2, 2])) < 1.0, "up"
    assert abs(fit.translation[2]) < 0.03, "the floor is at 0 already"
    return capture


def test_photos_alone_give_cameras_and_scale_again_and_again(tmp_path: Path) -> None:
    """Every second photo, one mapper: true cameras but for a similarity, the scale within its sigma, twice the same bytes."""
    room = photo_room(every=2)
    scenes = FOUND.replace("{POSES}", "{features: 800, mappers: [global], focal: free}")
    first, second = (step(build(room, tmp_path / name, scenes, "--until", "capture"), "capture") for name in ("a", "b"))
    close_to_the_truth(first, room)
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert files == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    for file in files - {Path("manifest.json")}:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    assert read_json(first / "manifest.json")["files"] == read_json(second / "manifest.json")["files"]


@pytest.mark.nightly
@pytest.mark.physics
def test_photos_alone_become_a_proven_world(tmp_path: Path) -> None:
    room = photo_room()
    built = build(room, tmp_path / "room", FOUND.replace("{POSES}", "{}"))
    capture = close_to_the_truth(step(built, "capture"), room)
    report = Report.load(built)
    assert not [metric for metric in report.metrics if metric.verdict == "fail"]
    assert report["physics.newton.routes_driven"].value == 1.0
    assert report["truth.cameras.ate"].value < 0.02 and report["truth.cameras.scale_error_sigmas"].value < 2
    assert report["scale.sigma_relative"].value <= capture.scale.sigma_relative * 1.5
    mesh = Solid.load(step(built, "mesh")).mesh
    middle = mesh.triangles.mean(axis=1)
    floor = mesh.face_seen & (mesh.face_normals()[:, 2] > 0.9) & (np.abs(middle[:, 2]) < 0.2)
    assert abs(np.average(middle[floor, 2], weights=mesh.face_areas()[floor])) < 0.02
