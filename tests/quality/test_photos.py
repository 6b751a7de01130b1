"""Figures that only photos have: true cameras, pose trust, estimated depth; each where the answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.capture.cameras.camera_files import CameraTable
from lyra_sim.data.capture import DepthFacts
from lyra_sim.data.report import Metric
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.depth import ViewSet, estimated_depth_metrics
from lyra_sim.quality.frame import depth_source_metrics, pose_metrics
from lyra_sim.quality.image import image_metrics
from lyra_sim.quality.truth.cameras import TrueCameras, true_camera_metrics
from lyra_sim.quality.truth.surface import TrueSurface, seen_by_cameras
from lyra_sim.rendering.ray_casting import RayCaster
from tests.quality.worlds import as_photos, capture_of, room_surface, room_world
from tests.rooms import Room


def by_name(metrics: list[Metric]) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


def table_of(path: CameraPath, names: tuple[str, ...]) -> CameraTable:
    return CameraTable(
        keys=names,
        named=True,
        c2w=path.c2w,
        K=path.K,
        width=path.width,
        height=path.height,
        distortion=np.zeros(4),
        axes="opencv",
    )


@pytest.fixture
def names(tiny_room: Room) -> tuple[str, ...]:
    return tuple(f"{index:04d}" for index in range(len(tiny_room.cameras)))


def test_a_scale_three_percent_off_is_found_and_judged_by_its_own_sigma(tiny_room: Room, names: tuple[str, ...]) -> None:
    """Ours are the true cameras turned, shifted and 3 % too large: no trajectory error, all of it scale."""
    ours_from_truth = Similarity(
        scale=1.03, rotation=Rotation.from_euler("z", 40, degrees=True).as_matrix(), translation=np.array([1.0, 2, 0])
    )
    ours = tiny_room.cameras.moved(ours_from_truth)
    truth = TrueCameras.matched(table_of(tiny_room.cameras, names), names, ours, subject="truth")
    found = by_name(true_camera_metrics(truth, ours, sigma_relative=0.01))
    assert found["truth.cameras.ate"].value == pytest.approx(0.0, abs=1e-9)
    assert found["truth.cameras.rotation"].value == pytest.approx(0.0, abs=1e-4)
    assert found["truth.cameras.scale_error"].value == pytest.approx(0.03)
    assert found["truth.cameras.scale_error_sigmas"].value == pytest.approx(3.0)
    assert found["truth.cameras.scale_error_sigmas"].verdict == "warn"
    np.testing.assert_allclose(truth.world_from_truth.matrix, ours_from_truth.matrix, atol=1e-9)


def test_one_camera_half_a_metre_off_is_the_worst(tiny_room: Room, names: tuple[str, ...]) -> None:
    c2w = tiny_room.cameras.c2w.copy()
    c2w[7, :3, 3] += [0.0, 0.5, 0.0]
    ours = replace(tiny_room.cameras, c2w=c2w)
    truth = TrueCameras.matched(table_of(tiny_room.cameras, names), names, ours, subject="truth")
    found = by_name(true_camera_metrics(truth, ours, sigma_relative=0.03))
    assert found["truth.cameras.ate_worst"].value == pytest.approx(0.5, rel=0.1)
    assert found["truth.cameras.ate"].value == pytest.approx(0.5 / np.sqrt(len(c2w)), rel=0.1)


def test_only_the_posed_photos_are_compared(tiny_room: Room, names: tuple[str, ...]) -> None:
    some = np.array([3, 9, 1, 20])
    ours = tiny_room.cameras.select(some)
    truth = TrueCameras.matched(
        table_of(tiny_room.cameras, names), tuple(names[index] for index in some), ours, subject="truth"
    )
    assert by_name(true_camera_metrics(truth, ours, sigma_relative=0.0))["truth.cameras.ate"].value < 1e-9
    with pytest.raises(InputError, match="no camera for image 'x'"):
        TrueCameras.matched(table_of(tiny_room.cameras, names), ("x", "0001", "0002"), ours, subject="truth")


def test_pose_and_depth_figures_come_from_what_capture_wrote(tiny_room: Room, tmp_path: Path) -> None:
    world, capture = as_photos(room_world(tiny_room, tmp_path / "views"), tmp_path / "depth")
    found = by_name([*pose_metrics(capture), *depth_source_metrics(capture)])
    assert found["poses.registered"].value == pytest.approx(0.9) and found["poses.registered"].verdict == "pass"
    assert found["poses.gps_rms"].value == 4.8 and found["poses.weakest_scale_points"].value == 17
    assert found["photo_depth.sigma_relative"].value == 0.011 and found["photo_depth.planar_prior"].value == 0.46
    guess = replace(capture, poses=None, depth=DepthFacts(kind="layout prior", sigma_relative=0.5, figures={}))
    (warned,) = [*pose_metrics(guess), *depth_source_metrics(guess)]
    assert (warned.name, warned.value, warned.verdict) == ("photo_depth.guessed", 1, "warn")
    assert [*pose_metrics(capture_of(world)), *depth_source_metrics(capture_of(world))] == []


def test_estimated_depth_is_judged_as_a_fraction(tiny_room: Room, tmp_path: Path) -> None:
    """Depth 3 % too large everywhere: the median says 3 % of it, which a metre and eight metres share."""
    world, _ = as_photos(room_world(tiny_room, tmp_path / "views"), tmp_path / "depth")
    far = replace(world, views=replace(world.views, units_per_depth_count=1.03 * world.views.units_per_depth_count))
    mesh = room_surface(tiny_room)
    caster, views = RayCaster(mesh.vertices, mesh.faces), ViewSet(name="input", indices=(0, 5, 9))
    right = by_name(estimated_depth_metrics(caster, mesh, world, views))
    off = by_name(estimated_depth_metrics(caster, mesh, far, views))
    assert right["depth.estimated.median"].value < 0.001 and right["depth.estimated.completeness"].value > 0.99
    assert off["depth.estimated.median"].value == pytest.approx(0.03 / 1.03, rel=0.02)
    assert off["depth.estimated.median"].verdict == "warn"


def test_sky_does_not_count_against_the_splats(tiny_room: Room, tmp_path: Path) -> None:
    """What was masked has no splats; judged over it the picture would be worse."""
    world = room_world(tiny_room, tmp_path / "views")
    masked, _ = as_photos(world, tmp_path / "depth")
    for name in world.views.names[:2]:
        path = tmp_path / "depth" / "mask" / f"{name}.png"
        from PIL import Image

        mask = np.zeros((world.cameras.height, world.cameras.width), np.uint8)
        mask[:, 80:] = 1
        Image.fromarray(mask).save(path)
    views = ViewSet(name="input", indices=(0, 1))
    half = by_name(image_metrics(masked, views))["image.input.psnr"].value
    assert half != by_name(image_metrics(world, views))["image.input.psnr"].value


def test_truth_is_asked_for_where_it_stands_in_view_not_where_we_found_something(tiny_room: Room) -> None:
    """One camera in the west room looking east: the door's far wall is asked for only through the door."""
    surface = room_surface(tiny_room)
    truth = TrueSurface(vertices=surface.vertices.astype(np.float64), faces=surface.faces)
    camera = tiny_room.cameras.select(np.array([0]))
    c2w = np.eye(4)
    c2w[:3, :3] = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    c2w[:3, 3] = [1.0, 1.85, 1.2]
    camera = CameraPath(c2w=c2w[None], K=camera.K, width=camera.width, height=camera.height)
    points = np.array([[7.0, 1.85, 1.2], [7.0, 3.5, 1.2], [4.0, 3.0, 1.2], [0.0, 1.85, 1.2]])
    seen = seen_by_cameras(points, RayCaster(truth.vertices, truth.faces), camera)
    np.testing.assert_array_equal(seen, [True, False, True, False])
