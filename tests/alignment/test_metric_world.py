"""A capture in any frame and unit comes out metric, level, on the floor, and says why."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import METRIC_SIGMA, ScaleEstimate
from lyra_sim.data.world import Reconstruction
from lyra_sim.errors import FrameError
from lyra_sim.geometry.cameras import unproject
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.frame import gravity_metrics
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.scene.sources import CameraHeightScale, RgbdSource
from lyra_sim.scene.spec import CaptureConfig, ReconstructConfig, SceneSpec
from tests.rooms import Room
from tests.scene_parts import captured, metric_world

SPACING = ReconstructConfig(splat_spacing=0.05)


@pytest.fixture(scope="module")
def files(tiny_room_files: Path) -> RgbdSource:
    return RgbdSource(
        frames=tiny_room_files / "rgb", depth=tiny_room_files / "depth_mm", cameras=tiny_room_files / "transforms.json"
    )


@pytest.fixture(scope="module")
def capture(files: RgbdSource, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    scene = SceneSpec(name="room", rgbd=files, scale="metric", up="z", capture=CaptureConfig(hold_out_every=0))
    return captured(scene, tmp_path_factory.mktemp("c") / "out")


def moved(capture: Capture, other_from_world: Similarity, *, up_source: str) -> Capture:
    """The same capture as another tool would have written it: other axes, other unit."""
    views = replace(capture.views, units_per_depth_count=capture.views.units_per_depth_count * other_from_world.scale)
    tilted = Similarity(scale=1.0, rotation=other_from_world.rotation.T, translation=np.zeros(3))
    return replace(
        capture, views=views, cameras=capture.cameras.moved(other_from_world), world_from_capture=tilted, up_source=up_source
    )


def test_a_metric_level_input_is_kept_to_the_bit(capture: Capture, files: RgbdSource) -> None:
    cfg = SceneSpec(name="room", rgbd=files, scale="metric", up="z")
    world = metric_world(cfg, capture, reconstruct(capture, SPACING))
    np.testing.assert_array_equal(world.world_from_input.matrix, np.eye(4))
    assert world.scale.sigma_relative == METRIC_SIGMA and "kept" in world.evidence.frame
    assert world.evidence.ceiling_height_m == pytest.approx(2.4, abs=0.01)
    assert world.scale.metres_per_unit == 1.0 and not any(piece.used for piece in world.scale.evidence if piece.custom)


def test_only_the_height_moves_when_only_the_height_is_off(capture: Capture, files: RgbdSource) -> None:
    raised = moved(
        capture, Similarity(scale=1.0, rotation=np.eye(3), translation=np.array([3.0, -2, 0.7])), up_source="declared z"
    )
    cfg = SceneSpec(name="room", rgbd=files, scale="metric", up="z")
    world = metric_world(cfg, raised, reconstruct(raised, SPACING))
    np.testing.assert_allclose(world.world_from_input.translation, [0, 0, -0.7], atol=0.003)
    np.testing.assert_array_equal(world.world_from_input.rotation, np.eye(3))


def test_a_tilted_input_is_levelled_by_its_floor(capture: Capture, files: RgbdSource, tiny_room: Room) -> None:
    rotation = Rotation.from_euler("xyz", [8, -11, 40], degrees=True)
    provisional_error = Rotation.from_euler("x", 6, degrees=True)  # what the mean camera up would be off by
    tilted = moved(
        capture,
        Similarity(scale=1.0, rotation=rotation.as_matrix(), translation=np.array([5.0, 1, -2])),
        up_source="mean camera up",
    )
    tilted = replace(
        tilted,
        world_from_capture=Similarity(
            scale=1.0, rotation=(provisional_error * rotation.inv()).as_matrix(), translation=np.zeros(3)
        ),
    )
    cfg = SceneSpec(name="room", rgbd=files, scale="metric")
    world = metric_world(cfg, tilted, reconstruct(tilted, SPACING))
    _, depths = tiny_room.rendered
    floor_view = 0  # pitched down 32°: its lower rows show floor
    points = unproject(world.z_depth(floor_view), world.cameras.K[floor_view], world.cameras.c2w[floor_view])[-10:].reshape(
        -1, 3
    )
    true = unproject(depths[floor_view], tiny_room.cameras.K[floor_view], tiny_room.cameras.c2w[floor_view])[-10:].reshape(
        -1, 3
    )
    on_floor = np.abs(true[:, 2]) < 0.002
    assert on_floor.sum() > 200
    assert np.abs(points[on_floor, 2]).max() < 0.006
    # the origin is free floor: the true world point under it is air above floor
    origin_in_room = rotation.inv().apply(np.linalg.inv(world.world_from_input.matrix)[:3, 3] - [5.0, 1, -2])
    assert abs(origin_in_room[2]) < 0.01
    assert not tiny_room.solid(np.array([[*origin_in_room[:2], z] for z in (0.1, 0.5, 1.0)])).any()


def test_scale_from_camera_height(capture: Capture, files: RgbdSource, tiny_room: Room) -> None:
    """An input in units of 0.37 m is brought to metres by a known camera height."""
    shrunk = moved(capture, Similarity(scale=1 / 0.37, rotation=np.eye(3), translation=np.zeros(3)), up_source="declared z")
    height = float(np.median(tiny_room.cameras.centres[:, 2]))
    cfg = SceneSpec(name="room", rgbd=files, scale=CameraHeightScale(camera_height=height), up="z")
    stated = ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.03, source="camera height")
    capture_in_units = replace(shrunk, scale=stated)
    world = metric_world(cfg, capture_in_units, reconstruct(capture_in_units, ReconstructConfig(splat_spacing=0.12)))
    assert world.scale.metres_per_unit == pytest.approx(0.37, rel=0.005)
    assert world.scale.sigma_relative >= 0.03
    np.testing.assert_allclose(
        world.cameras.centres[:, :2] - world.cameras.centres[0, :2],
        (tiny_room.cameras.centres - tiny_room.cameras.centres[0])[list(capture.used), :2],
        atol=0.02,
    )


def test_a_depth_unit_and_a_camera_height_that_contradict_it_are_an_error_naming_both(
    files: RgbdSource, tiny_room: Room, tmp_path: Path
) -> None:
    height = float(np.median(tiny_room.cameras.centres[:, 2]))
    agreeing = SceneSpec(name="room", rgbd=files, scale=CameraHeightScale(camera_height=1.02 * height), up="z")
    capture = captured(agreeing, tmp_path / "out")
    reconstruction = reconstruct(capture, SPACING)
    scale = metric_world(agreeing, capture, reconstruction).scale
    assert 1.0 < scale.metres_per_unit < 1.02 and scale.sigma_relative < 0.02
    assert {piece.source.split()[0] for piece in scale.evidence if piece.used} == {"depth", "camera"}
    wrong = agreeing.model_copy(update={"scale": CameraHeightScale(camera_height=2 * height)})
    with pytest.raises(FrameError, match=r"depth unit mm: 1 m per unit ± 2 %, but camera height 2\.4"):
        metric_world(wrong, capture, reconstruction)
    unsure = SceneSpec(name="room", rgbd=files.model_copy(update={"depth_unit_sigma": None}), scale=wrong.scale, up="z")
    capture = captured(unsure, tmp_path / "unsure")
    assert metric_world(unsure, capture, reconstruct(capture, SPACING)).scale.metres_per_unit == pytest.approx(2, rel=0.01)


def test_no_evidence_is_said_so(files: RgbdSource, tiny_room: Room, tmp_path: Path) -> None:
    """Cameras at 1.2 m under a ceiling of 2.4 m: the assumed 1.5 m would make it 3, so custom pulls back and stays weak."""
    cfg = SceneSpec(name="room", rgbd=files, scale="unknown", up="z")
    capture = captured(cfg, tmp_path / "out")
    world = metric_world(cfg, capture, reconstruct(capture, SPACING))
    assert world.scale.assumed and world.scale.source == "assumed camera height 1.5 m + usual ceiling 2.5 m"
    assert 0.14 < world.scale.sigma_relative < 0.15
    assert world.scale.metres_per_unit == pytest.approx(1.5 / 1.2 * (2.5 / 2.4 / (1.5 / 1.2)) ** 0.917, rel=0.01)


@pytest.mark.parametrize("slope_deg", [0.0, 4.0])
def test_a_floor_that_walls_and_cameras_outvote_is_a_ramp(capture: Capture, files: RgbdSource, slope_deg: float) -> None:
    """The floor's samples turned against the rest of the room: the world stays plumb and says by how much the floor slopes."""
    cfg = SceneSpec(name="room", rgbd=files, scale="metric", up="z")
    reconstruction = reconstruct(capture, SPACING)
    world = metric_world(cfg, capture, sloped(reconstruction, slope_deg))
    up = world.world_from_input.rotation[2]
    assert np.degrees(np.arccos(np.clip(up[2], -1, 1))) < 0.01
    assert world.gravity is not None and world.gravity.used("floor") == (slope_deg == 0)
    assert world.evidence.floor_slope_deg == pytest.approx(slope_deg, abs=0.1)
    found = {metric.name: metric for metric in gravity_metrics(world.gravity)}
    residual = found["gravity.residual_deg"]
    assert residual.verdict == ("warn" if slope_deg else "pass")
    if slope_deg:
        assert residual.value == pytest.approx(slope_deg, abs=0.1) and residual.note.startswith("floor plane, left out")
        assert "declared z 0.00° off" in found["gravity.tilt_sigma_deg"].note


def sloped(reconstruction: Reconstruction, slope_deg: float) -> Reconstruction:
    """Everything below 20 cm turned about the room's middle."""
    splats = reconstruction.splats
    turn = Rotation.from_euler("y", slope_deg, degrees=True)
    middle = np.array([3.5, 2.0, 0.0])
    low = (splats.means[:, 2] < 0.2) & (splats.means[:, 2] > -0.2)
    normals = Rotation.from_quat(splats.quats_wxyz, scalar_first=True)
    means, quats = splats.means.copy(), splats.quats_wxyz.copy()
    means[low] = turn.apply(means[low] - middle) + middle
    quats[low] = (turn * normals[low]).as_quat(scalar_first=True)
    return replace(reconstruction, splats=replace(splats, means=means, quats_wxyz=quats))
