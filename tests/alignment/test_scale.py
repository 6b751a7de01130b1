"""Scale settled on dense, estimated depth: heights and marked lengths measured again, weighed with what capture had."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import MarkedLength, ScaleEstimate, ScaleEvidence
from lyra_sim.errors import FrameError, GeometryError
from lyra_sim.geometry.cameras import project
from lyra_sim.geometry.floor import Floor
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.reconstructors.fuse import reconstruct
from lyra_sim.scene.sources import CameraHeightScale, KnownDistance, KnownDistanceScale, PhotoPoint, PhotosSource
from lyra_sim.scene.spec import ReconstructConfig, SceneSpec
from tests.estimated import estimated_capture
from tests.rooms import Room
from tests.scene_parts import metric_world, settled_scale

UNIT = 1 / 2.7
FRAME_FROM_ROOM = Similarity(
    scale=1 / UNIT, rotation=Rotation.from_euler("xyz", [95, 10, -30], degrees=True).as_matrix(), translation=np.ones(3)
)
PHOTOS = PhotosSource(images=Path("photos"))
MARKED = KnownDistanceScale(
    known_distance=KnownDistance(a=PhotoPoint(photo="a", pixel=(0, 0)), b=PhotoPoint(photo="b", pixel=(0, 0)), metres=1.0)
)


@pytest.fixture(scope="module")
def capture(tiny_room: Room, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    assumed = ScaleEstimate(metres_per_unit=UNIT, sigma_relative=0.5, source="assumed camera height 1.5 m")
    return estimated_capture(
        tiny_room, tmp_path_factory.mktemp("scale"), sigma=0.01, frame_from_room=FRAME_FROM_ROOM, scale=assumed
    )


@pytest.fixture(scope="module")
def floor() -> Floor:
    """The room's true floor in the capture's frame."""
    normal = FRAME_FROM_ROOM.rotation @ np.array([0, 0, 1.0])
    height = float(normal @ FRAME_FROM_ROOM.apply(np.zeros(3)))
    return Floor(
        normal=normal,
        height=height,
        support=1,
        area=1.0,
        rms=0.0,
        tilt_sigma_deg=0.0,
        wall_tilt_deg=None,
        on_floor=np.ones(1, bool),
    )


def marked(room: Room, start: list[float], end: list[float], *, metres: float) -> MarkedLength:
    """Both ends in views that see them within their middle, by truth."""
    views, rays = [], []
    for point in np.array([start, end]):
        for view, w2c in enumerate(room.cameras.w2c):
            uv, z = project(point[None], room.cameras.K[view], w2c)
            u, v = uv[0]
            if z[0] > 0.3 and 20 < u < 140 and 15 < v < 105 and abs(room.rendered[1][view][int(v), int(u)] / z[0] - 1) < 0.02:
                K = room.cameras.K[view]
                views.append(view)
                rays.append((float((u - K[0, 2]) / K[0, 0]), float((v - K[1, 2]) / K[1, 1])))
                break
    return MarkedLength(
        views=(views[0], views[1]),
        rays=(rays[0], rays[1]),
        metres=metres,
        sigma_relative=0.01,
        source=f"known distance {metres:g} m (a, b)",
    )


def test_a_marked_length_is_measured_in_depth(tiny_room: Room, capture: Capture, floor: Floor) -> None:
    start, end = [4.0, 0.7, 1.2], [0.6, 3.4, 1.0]
    length = marked(tiny_room, start, end, metres=float(np.linalg.norm(np.subtract(start, end))))
    known = replace(capture, scale=replace(capture.scale, lengths=(length,)))
    scale = settled_scale(SceneSpec(name="room", photos=PHOTOS, scale=MARKED), known, floor)
    assert abs(scale.metres_per_unit / UNIT - 1) < 2.5 * scale.sigma_relative < 0.08
    assert scale.source == length.source and not scale.assumed


@pytest.mark.parametrize("pixel", [(-30.0, 60.0), (80.0, -30.0), (170.0, 60.0), (80.0, 130.0)])
def test_a_mark_outside_the_undistorted_view_has_no_depth(
    pixel: tuple[float, float], tiny_room: Room, capture: Capture, floor: Floor
) -> None:
    """Left of the view or above it, a window counted from the far end would hold most of the image."""
    true = marked(tiny_room, [1.0, 1.0, 0.0], [3.0, 1.0, 0.0], metres=2.0)
    K = tiny_room.cameras.K[0]
    ray = (float((pixel[0] - K[0, 2]) / K[0, 0]), float((pixel[1] - K[1, 2]) / K[1, 1]))
    outside = replace(true, rays=(true.rays[0], ray))
    scale = replace(capture.scale, lengths=(outside,))
    cfg = SceneSpec(name="s", photos=PHOTOS, scale=MARKED)
    with pytest.raises(GeometryError, match="no depth at the ends"):
        settled_scale(cfg, replace(capture, scale=scale), floor)


def test_marks_without_depth_are_an_error(tiny_room: Room, capture: Capture, floor: Floor) -> None:
    length = marked(tiny_room, [4.0, 0.7, 1.2], [0.6, 3.4, 1.0], metres=4.0)
    known = replace(capture, scale=replace(capture.scale, lengths=(length,)), held_out=length.views)
    with pytest.raises(GeometryError, match="no depth at the ends"):
        settled_scale(SceneSpec(name="room", photos=PHOTOS, scale=MARKED), known, floor)


def test_the_dense_height_takes_the_place_of_the_sparse_one(tiny_room: Room, capture: Capture, floor: Floor) -> None:
    height = float(np.median(tiny_room.cameras.centres[:, 2]))
    first = ScaleEvidence(metres_per_unit=1.2 * UNIT, sigma_relative=0.02, source=f"camera height {height:g} m")
    gps = ScaleEvidence(metres_per_unit=1.01 * UNIT, sigma_relative=0.04, source="GPS, 26 fixes")
    known = replace(capture, scale=ScaleEstimate(metres_per_unit=UNIT, sigma_relative=0.02, source="", evidence=(first, gps)))
    cfg = SceneSpec(name="room", photos=PHOTOS, scale=CameraHeightScale(camera_height=height, sigma_relative=0.02))
    scale = settled_scale(cfg, known, floor)
    assert scale.metres_per_unit == pytest.approx(UNIT, rel=0.01) and len(scale.evidence) == 2
    far = replace(known, scale=replace(known.scale, evidence=(replace(gps, metres_per_unit=2 * UNIT),)))
    with pytest.raises(FrameError, match="contradicts itself"):
        settled_scale(cfg, far, floor)


@pytest.mark.parametrize("wrong", [0.05, 1.0, 5.0])
def test_an_assumed_scale_is_taken_up_whatever_the_unit(tiny_room: Room, capture: Capture, wrong: float) -> None:
    """Nothing told the scale, and the provisional one is off by a factor: floor and ceiling are found whatever the unit."""
    off = replace(
        capture,
        scale=replace(capture.scale, metres_per_unit=wrong * UNIT),
        world_from_capture=replace(capture.world_from_capture, scale=wrong * UNIT),
    )
    cfg = SceneSpec(name="room", photos=PHOTOS)
    world = metric_world(cfg, off, reconstruct(off, ReconstructConfig(splat_spacing=0.06)))
    assert world.scale.assumed and world.scale.sigma_relative == pytest.approx(0.144, abs=0.002)
    assert "usual ceiling" in world.scale.source
    assert world.evidence.ceiling_height_m == pytest.approx(2.5 * (2.4 * 1.25 / 2.5) ** 0.083, abs=0.03)
    up = world.world_from_input.rotation @ FRAME_FROM_ROOM.rotation @ [0, 0, 1]
    assert np.degrees(np.arccos(up[2])) < 0.6
