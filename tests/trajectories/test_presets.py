"""Every preset from one photo and from many: begins at the start photo, moves smoothly, stays upright, clear and in the air."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyra_sim.data.capture import Capture
from lyra_sim.errors import GeometryError, SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.generate import GenerateConfig, PresetPath
from lyra_sim.trajectories.gaze import MAX_TURN, angles_of, turns
from lyra_sim.trajectories.known_surface import known_surface
from lyra_sim.trajectories.path import GeneratedPath, camera_path
from tests.rooms import Room, look
from tests.rooms import camera_path as room_cameras
from tests.trajectories.rooms import capture_of, in_world, of_views

PRESETS = ("walk_through", "orbit", "look_around", "there_and_back")


def path_of(capture: Capture, preset: str, *, chunks: int = 1, clearance: float = 0.2, **options: object) -> GeneratedPath:
    path = PresetPath.model_validate({"preset": preset, **options})
    return camera_path(capture, GenerateConfig(path=path, chunks=chunks, clearance=clearance, side=320))


@pytest.fixture(scope="module", params=["many photos", "one photo"])
def photos(request: pytest.FixtureRequest, flat_capture: Capture) -> Capture:
    return flat_capture if request.param == "many photos" else of_views(flat_capture, 7)


@pytest.fixture(scope="module", params=PRESETS)
def filmed(request: pytest.FixtureRequest, photos: Capture) -> tuple[Capture, GeneratedPath]:
    return photos, path_of(photos, request.param)


def test_it_begins_exactly_as_the_start_photo(filmed: tuple[Capture, GeneratedPath]) -> None:
    capture, path = filmed
    np.testing.assert_array_equal(path.cameras.c2w[0], capture.cameras.c2w[0])
    assert path.facts.start == capture.views.names[0]


def test_its_frames_are_cropped_photos(filmed: tuple[Capture, GeneratedPath]) -> None:
    capture, path = filmed
    assert (len(path.cameras), path.cameras.width, path.cameras.height) == (81, 320, 240)
    np.testing.assert_array_equal(path.cameras.K, np.tile(capture.cameras.K[0] * [[2], [2], [1]], (81, 1, 1)))


def test_rotations_are_rotations(filmed: tuple[Capture, GeneratedPath]) -> None:
    rotations = filmed[1].cameras.c2w[:, :3, :3]
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (81, 1, 1)), atol=1e-9)
    assert (np.linalg.det(rotations) > 0).all()


def test_it_moves_without_jerks(filmed: tuple[Capture, GeneratedPath]) -> None:
    _, path = filmed
    c2w = path.cameras.c2w[:41] if path.facts.kind == "there_and_back" else path.cameras.c2w
    velocity = np.diff(c2w[:, :3, 3], axis=0)
    steps = np.linalg.norm(velocity, axis=1)
    if steps.max() > 0:
        assert steps.max() < 1.8 * steps.mean(), "even speed"
        assert max(steps[0], steps[-1]) < 0.05 * steps.max(), "from rest to rest"
        assert np.linalg.norm(np.diff(velocity, axis=0), axis=1).max() < 0.45 * steps.max()
    turned = turns(c2w[:, :3, :3])
    assert np.abs(np.diff(turned)).max() < np.radians(1.5)
    if path.facts.kind in ("walk_through", "there_and_back"):
        assert turned.max() < 2.5 * MAX_TURN


def test_it_stays_upright_in_free_air(flat: Room, filmed: tuple[Capture, GeneratedPath]) -> None:
    capture, path = filmed
    world = in_world(capture, path.cameras)
    assert np.abs(angles_of(world.c2w[:, :3, :3])[:, 2]).max() < 1e-6, "the photos have no roll"
    if len(capture.views) > 1:  # one photo doesn't show what lies to its sides
        assert not flat.solid(world.centres).any()
        assert flat.distance(world.centres).min() > 0.2 - 0.01
    kept = path.facts.clearance
    assert kept.least_m >= min(0.2, kept.least_required_m) - 0.01


def test_there_and_back_is_a_palindrome_to_the_bit(photos: Capture) -> None:
    cameras = path_of(photos, "there_and_back", chunks=2, clearance=0.0).cameras
    assert len(cameras) == 161
    np.testing.assert_array_equal(cameras.c2w, cameras.c2w[::-1])
    np.testing.assert_array_equal(cameras.c2w[-1], photos.cameras.c2w[0])
    away = np.linalg.norm(cameras.centres - cameras.centres[0], axis=1)
    assert away.argmax() in range(60, 101) and away.max() > 0.3


def test_a_walk_follows_the_photos(flat: Room, flat_capture: Capture) -> None:
    path = path_of(flat_capture, "walk_through", chunks=2, clearance=0.0)
    gap = np.linalg.norm(flat.cameras.centres[:, None] - path.cameras.centres[None], axis=2).min(axis=1)
    assert path.facts.order == "photos" and gap.max() < 0.25, "the way turns on its heel once"
    assert path.facts.length_m == pytest.approx(np.linalg.norm(np.diff(path.cameras.centres, axis=0), axis=1).sum(), abs=1e-3)


def winding(capture: Capture) -> Capture:
    """Photos along a way round two right angles, that look along it and up to 50 degrees aside, in turn."""
    corners = np.array([[0.8, 0.6], [3.2, 0.6], [3.2, 3.0], [0.8, 3.0]])
    at = np.linspace(0, 3, len(capture.views))
    leg = np.minimum(at.astype(int), 2)
    xy = corners[leg] + (at - leg)[:, None] * (corners[leg + 1] - corners[leg])
    yaws = np.radians(90) * np.interp(at, [0.7, 1.3, 1.7, 2.3], [0, 1, 1, 2]) + np.radians(50) * np.sin(2.1 * at)
    views = [look(np.array([x, y, 1.3]), float(yaw), -0.1) for (x, y), yaw in zip(xy, yaws, strict=True)]
    return replace(capture, cameras=replace(capture.cameras, c2w=np.stack(views)))


@pytest.mark.parametrize("preset", ["walk_through", "there_and_back"])
@pytest.mark.parametrize("chunks", [1, 2])
def test_a_walk_looks_as_the_photos_do_and_turns_no_faster_for_it(flat_capture: Capture, preset: str, chunks: int) -> None:
    capture = winding(flat_capture)
    path = path_of(capture, preset, chunks=chunks, clearance=0.0)
    c2w, photos = in_world(capture, path.cameras).c2w, in_world(capture, capture.cameras).c2w
    near = np.linalg.norm(c2w[:, None, :3, 3] - photos[None, :, :3, 3], axis=2).argsort(axis=1)[:, :2]
    cosines = np.einsum("ni,nki->nk", c2w[:, :3, 2], photos[near, :3, 2]).max(axis=1)
    away = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    assert np.median(away) < 6 and away.max() < 20, (np.median(away), away.max())
    assert turns(c2w[:, :3, :3]).max() < 1.1 * MAX_TURN
    steps = np.linalg.norm(np.diff(c2w[:, :3, 3], axis=0), axis=1)
    assert steps.max() < 0.105 and steps.max() < 1.8 * steps.mean(), "slow in bends, and hence before and after them"


def test_a_walk_whose_length_is_stated_gets_there_however_much_its_gaze_turns(flat_capture: Capture) -> None:
    path = path_of(winding(flat_capture), "walk_through", length=6.0, clearance=0.0)
    assert path.facts.length_m == pytest.approx(6.0, abs=0.1) and path.facts.largest_turn_deg < 2.5 * np.degrees(MAX_TURN)


@pytest.mark.parametrize("preset", ["look_around", "orbit"])
def test_from_one_photo_nothing_is_looked_at_far_beyond_its_view(flat_capture: Capture, preset: str) -> None:
    capture = of_views(flat_capture, 7)
    path = path_of(capture, preset, clearance=0.0)
    K, width = capture.cameras.K[0], capture.cameras.width
    view = np.degrees(np.arctan(K[0, 2] / K[0, 0]) + np.arctan((width - K[0, 2]) / K[0, 0]))
    angles = np.degrees(angles_of(in_world(capture, path.cameras).c2w[:, :3, :3]))
    yaw = np.unwrap(angles[:, 0], period=360) - angles[0, 0]
    assert np.abs(yaw).max() < 0.25 * view + 1e-6 and np.ptp(yaw) == pytest.approx(path.facts.turn_deg, abs=0.5)
    assert np.ptp(yaw) > 0.2 * view, "but it does turn"
    assert np.ptp(angles[:, 1]) < 3, "at the photo's own pitch"
    asked = path_of(capture, preset, turn_deg=6, clearance=0.0)
    assert asked.facts.turn_deg == 6


def test_a_walk_starts_where_it_is_told_and_is_as_long(flat_capture: Capture) -> None:
    path = path_of(flat_capture, "walk_through", start="0004", length=2.0, clearance=0.0)
    np.testing.assert_array_equal(path.cameras.c2w[0], flat_capture.cameras.c2w[4])
    assert path.facts.length_m == pytest.approx(2.0, abs=0.03)


def test_auto_goes_no_faster_than_a_walk(flat_capture: Capture) -> None:
    path = path_of(flat_capture, "there_and_back", clearance=0.0)
    assert path.facts.largest_step_m < 0.105
    assert path.facts.length_m < 6.5


def test_one_photo_walks_half_its_depth_ahead(flat: Room, flat_capture: Capture) -> None:
    capture = of_views(flat_capture, 7)
    path = path_of(capture, "walk_through", clearance=0.0)
    move = path.cameras.centres[-1] - path.cameras.centres[0]
    assert path.facts.clearance is None and path.facts.order == "ahead"
    assert np.linalg.norm(move) == pytest.approx(float(np.median(flat.rendered[1][7])) / 2, abs=0.01)
    forward = flat.cameras.c2w[7, :3, 2] * [1, 1, 0]
    np.testing.assert_allclose(move / np.linalg.norm(move), forward / np.linalg.norm(forward), atol=1e-9)


def test_a_walk_into_a_wall_ends_before_it(flat: Room, flat_capture: Capture) -> None:
    capture = of_views(flat_capture, 7)
    path = path_of(capture, "walk_through", length=20.0)
    assert path.facts.clearance.way_kept < 0.5
    assert flat.distance(path.cameras.centres).min() > 0.19 and not flat.solid(path.cameras.centres).any()


def test_an_orbit_looks_at_one_point_from_one_height(flat_capture: Capture) -> None:
    path = path_of(flat_capture, "orbit", start="0008", radius=0.8, turn_deg=90, clearance=0.0)
    c2w, start = path.cameras.c2w, flat_capture.cameras.c2w[8]
    target = start[:3, 3] + 0.8 * start[:3, 2]
    towards = target - c2w[:, :3, 3]
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    np.testing.assert_allclose((towards * c2w[:, :3, 2]).sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(c2w[:, 2, 3], start[2, 3], atol=1e-9)
    arm = (c2w[:, :2, 3] - target[:2]) @ [1, 1j]
    assert np.degrees(np.angle(arm[-1] / arm[0])) == pytest.approx(-90, abs=1e-6), "leftwards: clockwise round it"
    assert path.facts.turn_deg == 90


def test_an_orbit_through_a_wall_is_cut(flat: Room, flat_capture: Capture) -> None:
    path = path_of(flat_capture, "orbit", radius=2.5)
    assert 5 < path.facts.turn_deg < 300
    assert not flat.solid(path.cameras.centres).any() and flat.distance(path.cameras.centres).min() > 0.19


def test_an_orbit_takes_the_side_that_photos_saw(flat: Room, flat_capture: Capture) -> None:
    """Photos of the first room alone, looked at from its door's side: the other half of the circle lies beyond the wall."""
    capture = of_views(flat_capture, *range(9))
    path = path_of(capture, "orbit", start="0004", radius=1.5)
    known, start = known_surface(capture, 0.2), capture.cameras.c2w[4]
    taken = path.cameras.centres
    across = start[:3, 0] / np.linalg.norm(start[:3, 0])
    mirrored = taken - 2 * ((taken - start[:3, 3]) @ across)[:, None] * across
    assert known.seen_free(taken).sum() >= known.seen_free(mirrored).sum()
    assert path.facts.clearance.frames_behind == 0 and not flat.solid(taken).any()


def test_look_around_turns_once_at_level_gaze(flat_capture: Capture) -> None:
    path = path_of(flat_capture, "look_around", clearance=0.0)
    angles = angles_of(path.cameras.c2w[:, :3, :3])
    yaw = np.unwrap(angles[:, 0])
    assert np.degrees(yaw[-1] - yaw[0]) == pytest.approx(360) and (np.diff(yaw) >= 0).all()
    assert np.degrees(angles[0, 1]) == pytest.approx(-32) and np.abs(angles[41:, 1]).max() < 1e-9
    np.testing.assert_allclose(path.cameras.centres, np.tile(path.cameras.centres[0], (81, 1)), atol=1e-12)


def test_a_photos_roll_fades_out(flat_capture: Capture) -> None:
    roll = np.radians(4)
    c2w = flat_capture.cameras.c2w.copy()
    c2w[0, :3, :3] = c2w[0, :3, :3] @ [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    tilted = replace(flat_capture, cameras=replace(flat_capture.cameras, c2w=c2w))
    for preset in PRESETS:
        path = path_of(tilted, preset, clearance=0.0)
        rolls = np.degrees(np.abs(angles_of(path.cameras.c2w[:, :3, :3])[:, 2]))
        assert rolls[0] == pytest.approx(4) and (rolls <= 4 + 1e-6).all() and rolls[40] < 1e-6, preset
        np.testing.assert_array_equal(path.cameras.c2w[0], c2w[0])


def test_a_photo_close_to_a_wall_may_stay_there(flat: Room, tmp_path: Path) -> None:
    """8 cm from the wall where 20 are asked for: the place is free, for a photo was taken there; from there it moves away."""
    views = [
        look(np.array([x, y, 1.2]), yaw, -0.1)
        for x, y, yaw in ((2.0, 0.08, 1.2), (2.2, 0.8, 1.4), (2.4, 1.6, 1.6), (2.6, 2.4, 4.5))
    ]
    room = replace(flat, cameras=room_cameras(views))
    path = path_of(capture_of(room, tmp_path / "close"), "walk_through")
    distance = flat.distance(path.cameras.centres)
    assert path.facts.clearance.narrow_photos == 1
    assert distance[0] == pytest.approx(0.08) and distance[-1] > 0.19
    gone = np.linalg.norm(path.cameras.centres - path.cameras.centres[0], axis=1)
    assert (distance > np.minimum(0.2, 0.08 + gone) - 0.015).all()


def test_photos_in_any_order_are_walked_along(flat: Room, flat_capture: Capture) -> None:
    shuffled = of_views(flat_capture, 0, *(1 + np.random.default_rng(1).permutation(17)).tolist())
    path = path_of(shuffled, "walk_through", chunks=2)
    assert path.facts.order == "shortest" and path.facts.length_m < 9
    assert flat.distance(path.cameras.centres).min() > 0.19


def test_an_unknown_start_is_told_with_a_suggestion(flat_capture: Capture) -> None:
    with pytest.raises(
        SpecError, match=r"(?s)generate\.path\.start: no photo is named '00o4'.*such as '0000'.*Did you mean '00.4'"
    ):
        path_of(flat_capture, "orbit", start="00o4")


def test_a_held_out_start_is_refused(flat_capture: Capture) -> None:
    held = replace(flat_capture, held_out=(0, 6, 12))
    assert path_of(held, "look_around", clearance=0.0).facts.start == "0001", "the first that is used"
    with pytest.raises(SpecError, match=r"(?s)photo '0006' is held out.*hold_out_every"):
        path_of(held, "look_around", start="0006")


def test_straight_down_has_no_orbit(flat: Room, flat_capture: Capture) -> None:
    c2w = flat_capture.cameras.c2w.copy()
    c2w[0] = look(c2w[0, :3, 3], 0.3, -np.pi / 2)
    down = replace(flat_capture, cameras=CameraPath(c2w=c2w, K=flat_capture.cameras.K, width=160, height=120))
    with pytest.raises(GeometryError, match=r"looks straight down"):
        path_of(down, "orbit", radius=1.0, clearance=0.0)


def test_no_way_out_is_an_error(flat: Room, flat_capture: Capture) -> None:
    with pytest.raises(GeometryError, match=r"(?s)only 0\.0\d m of the way are 3 m clear.*smaller generate\.clearance"):
        path_of(of_views(flat_capture, 7), "walk_through", clearance=3.0)
