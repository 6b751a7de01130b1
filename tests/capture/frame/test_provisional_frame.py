"""Photos of a room in any frame and unit: metres and up before there is depth."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lyra_sim.capture.frame.provisional_frame import provisional_frame, provisional_frame_of_photos
from lyra_sim.data.posed import PosedPhotos
from lyra_sim.data.scale import ASSUMED_SIGMA, METRIC_SIGMA, ScaleEstimate
from lyra_sim.errors import FrameError, InputError, SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.scene.sources import (
    CameraHeightScale,
    KnownDistance,
    KnownDistanceScale,
    MetricScale,
    PhotoPoint,
    PhotosSource,
    RgbdSource,
)
from lyra_sim.scene.spec import SceneSpec
from tests.capture.photo_sets import feature_near, posed_photos
from tests.rooms import Room
from tests.scene_parts import stated

PHOTOS = PhotosSource(images=Path("photos"))
RGBD = RgbdSource(frames=Path("rgb"), depth=Path("depth"), cameras=Path("transforms.json"))
UNIT = 0.37
"""Metres of one unit of the frame the cameras are given in."""
FRAME_FROM_ROOM = Similarity(
    scale=1 / UNIT,
    rotation=Rotation.from_euler("xyz", [100, 20, -60], degrees=True).as_matrix(),
    translation=np.array([3.0, -5, 8]),
)


@pytest.fixture(scope="module")
def posed(tiny_room: Room) -> PosedPhotos:
    return posed_photos(tiny_room, frame_from_room=FRAME_FROM_ROOM)


def settle(cfg: SceneSpec, posed: PosedPhotos, geo: np.ndarray | None = None) -> tuple[Similarity, ScaleEstimate, str]:
    lens = posed.lenses[0]
    cameras = CameraPath(c2w=posed.c2w, K=np.tile(lens.K, (len(posed), 1, 1)), width=lens.width, height=lens.height)
    sparse = posed.sparse if len(posed.sparse.points) else None
    found = cfg.photos.cameras is None
    return provisional_frame_of_photos(stated(cfg), cameras, sparse, geo, posed, found=found, seed=cfg.seed)


def camera_height(room: Room) -> float:
    return float(np.median(room.cameras.centres[:, 2]))


def test_camera_height_gives_metres_level_and_floor(tiny_room: Room, posed: PosedPhotos) -> None:
    scale = CameraHeightScale(camera_height=camera_height(tiny_room), sigma_relative=0.01)
    world, estimate, up_source = settle(SceneSpec(name="room", photos=PHOTOS, scale=scale), posed)
    assert estimate.metres_per_unit == pytest.approx(UNIT, rel=0.01)
    assert abs(estimate.metres_per_unit / UNIT - 1) < 2 * estimate.sigma_relative
    assert world.scale == estimate.metres_per_unit
    up = world.rotation @ FRAME_FROM_ROOM.rotation @ [0, 0, 1]
    assert np.degrees(np.arccos(up[2])) < 1.0 and "floor" in up_source
    heights = world.apply(posed.centres)[:, 2]
    np.testing.assert_allclose(heights, tiny_room.cameras.centres[:, 2], atol=0.06)


def test_a_known_distance_is_measured_between_features(tiny_room: Room, posed: PosedPhotos) -> None:
    ends = np.array([[1.2, 3.6, 1.0], [4.0, 0.7, 1.2]])
    (photo_a, a), (photo_b, b) = (feature_near(posed, end, FRAME_FROM_ROOM) for end in ends)
    known = KnownDistance(a=PhotoPoint(photo=photo_a, pixel=a), b=PhotoPoint(photo=photo_b, pixel=b), metres=1.0)
    rows = [
        posed.sparse.points[np.argmin(np.linalg.norm(posed.sparse.points - FRAME_FROM_ROOM.apply(end), axis=1))] for end in ends
    ]
    true = float(np.linalg.norm(rows[0] - rows[1])) * UNIT
    known = known.model_copy(update={"metres": true})
    _, estimate, _ = settle(SceneSpec(name="room", photos=PHOTOS, scale=KnownDistanceScale(known_distance=known)), posed)
    assert estimate.metres_per_unit == pytest.approx(UNIT, rel=1e-3)
    assert estimate.sigma_relative >= 0.02 and estimate.source.startswith("known distance")
    assert len(estimate.lengths) == 1


def test_a_known_distance_without_features_near_waits_for_depth(posed: PosedPhotos) -> None:
    known = KnownDistance(a=PhotoPoint(photo="0001", pixel=(80, 60)), b=PhotoPoint(photo="0004", pixel=(80, 60)), metres=2.0)
    scale = KnownDistanceScale(known_distance=known)
    bare = posed_photos_without_features(posed)
    _, estimate, _ = settle(SceneSpec(name="room", photos=PHOTOS, scale=scale), bare)
    assert estimate.assumed and estimate.sigma_relative == ASSUMED_SIGMA
    assert estimate.lengths[0].metres == 2.0 and estimate.lengths[0].views == (1, 4)


def posed_photos_without_features(posed: PosedPhotos) -> PosedPhotos:
    from dataclasses import replace

    from lyra_sim.data.sparse import SparsePoints

    nothing = SparsePoints(
        points=np.zeros((0, 3)),
        point_index=np.zeros(0, np.int32),
        view_index=np.zeros(0, np.int32),
        xy=np.zeros((0, 2)),
    )
    return replace(posed, sparse=nothing)


def test_an_unknown_photo_is_named_with_the_nearest(posed: PosedPhotos) -> None:
    known = KnownDistance(a=PhotoPoint(photo="001", pixel=(1, 1)), b=PhotoPoint(photo="0002", pixel=(1, 1)), metres=1.0)
    with pytest.raises(InputError, match=r"no photo '001'.*(?s:.*)Did you mean '00"):
        settle(SceneSpec(name="room", photos=PHOTOS, scale=KnownDistanceScale(known_distance=known)), posed)


def test_nothing_known_is_an_assumed_camera_height(tiny_room: Room, posed: PosedPhotos) -> None:
    for word in ("auto", "unknown"):
        world, estimate, _ = settle(SceneSpec(name="room", photos=PHOTOS, scale=word), posed)
        assert estimate.assumed and estimate.source == "assumed camera height 1.5 m" and estimate.evidence == ()
        assert estimate.sigma_relative == ASSUMED_SIGMA
        assert np.median(world.apply(posed.centres)[:, 2]) == pytest.approx(1.5, rel=0.02)


def test_several_pieces_are_weighed_and_a_contradiction_is_an_error(tiny_room: Room, posed: PosedPhotos) -> None:
    height = CameraHeightScale(camera_height=camera_height(tiny_room))
    given = PhotosSource(images=Path("photos"), cameras=Path("transforms.json"))
    right = SceneSpec(name="room", photos=given, scale=(height, MetricScale(metres_per_unit=UNIT, sigma_relative=0.02)))
    _, estimate, _ = settle(right, posed)
    assert len(estimate.evidence) == 2 and estimate.sigma_relative < 0.02
    wrong = SceneSpec(name="room", photos=given, scale=(height, MetricScale(metres_per_unit=2 * UNIT, sigma_relative=0.02)))
    with pytest.raises(FrameError, match="contradicts itself"):
        settle(wrong, posed)


def test_found_cameras_have_no_unit_to_declare(posed: PosedPhotos) -> None:
    for scale in ("metric", MetricScale(metres_per_unit=1.0)):
        with pytest.raises(SpecError, match="found from the photos"):
            settle(SceneSpec(name="room", photos=PHOTOS, scale=scale), posed)
    given = PhotosSource(images=Path("photos"), cameras=Path("transforms.json"))
    _, estimate, _ = settle(SceneSpec(name="room", photos=given, scale="metric"), posed)
    assert estimate.source == "declared metric" and estimate.sigma_relative == METRIC_SIGMA
    fixes = posed.centres @ FRAME_FROM_ROOM.rotation * 20 * np.array([1, 1, 0])  # a walk of 70 m, in metres
    with pytest.raises(FrameError, match=r"GPS, 36 fixes: 20 m per unit ± 0\.88 %, but declared metric: 1 m per unit ± 1 %"):
        settle(SceneSpec(name="room", photos=given, scale="metric"), posed, fixes)


def test_a_declared_up_is_taken(tiny_room: Room) -> None:
    world, _, up_source = settle(SceneSpec(name="room", photos=PHOTOS, up="z"), posed_photos(tiny_room))
    np.testing.assert_array_equal(world.rotation, np.eye(3))
    assert up_source == "declared z"


def test_rgbd_weighs_units_and_leaves_heights_to_align(tiny_room: Room) -> None:
    scale = (MetricScale(metres_per_unit=1.0, sigma_relative=0.02), CameraHeightScale(camera_height=1.2))
    _, estimate, _ = provisional_frame(RGBD, stated(SceneSpec(name="room", rgbd=RGBD, scale=scale)), tiny_room.cameras)
    assert estimate.metres_per_unit == 1.0 and len(estimate.evidence) == 1
    known = KnownDistance(a=PhotoPoint(photo="a", pixel=(1, 1)), b=PhotoPoint(photo="b", pixel=(1, 1)), metres=1.0)
    with pytest.raises(SpecError, match="known_distance with RGB-D"):
        provisional_frame(
            RGBD, stated(SceneSpec(name="room", rgbd=RGBD, scale=KnownDistanceScale(known_distance=known))), tiny_room.cameras
        )
