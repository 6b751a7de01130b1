import numpy as np
import pytest

from lyra_sim.geometry.vanishing import find_right_angles, find_segments, in_frame
from tests.rooms import camera_path, furnished_room, look

K = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])


def _line_image(angle_deg: float) -> np.ndarray:
    """A straight edge through the middle: dark on one side, bright on the other, blurred by the pixel."""
    v, u = np.mgrid[:240, :320] + 0.5
    side = (u - 160) * np.sin(np.radians(angle_deg)) - (v - 120) * np.cos(np.radians(angle_deg))
    return (0.3 + 0.4 * np.clip(side + 0.5, 0, 1)).astype(np.float32)


@pytest.mark.parametrize("angle_deg", [0.0, 11.25, 30.0, 45.0, 89.0, 90.0, 133.0])
def test_one_edge_is_one_segment_along_it(angle_deg: float) -> None:
    segments = find_segments(_line_image(angle_deg))
    assert 1 <= len(segments) <= 2  # a line astride two groups of directions may be found in two pieces
    run = segments.ends[0, 1] - segments.ends[0, 0]
    off = (np.degrees(np.arctan2(run[1], run[0])) - angle_deg + 90) % 180 - 90
    assert abs(off) < 0.3
    assert segments.lengths[0] > 200


def test_noise_is_no_room() -> None:
    grey = np.random.default_rng(1).uniform(0, 1, (240, 320)).astype(np.float32)
    assert not find_right_angles(find_segments(grey), K).believed


def test_a_blank_photo_has_no_lines() -> None:
    segments = find_segments(np.full((240, 320), 0.5, np.float32))
    assert len(segments) == 0
    assert not find_right_angles(segments, K).believed


@pytest.mark.parametrize(("yaw", "pitch_deg"), [(0.3, -12.0), (1.2, 8.0), (-2.0, -25.0)])
def test_gravity_and_heading_of_a_room(yaw: float, pitch_deg: float) -> None:
    """The checked walls of an analytic flat, seen from known cameras: up within half a degree, walls along the axes."""
    room = furnished_room()
    c2w = look(np.array([2.0, 1.9, 1.3]), yaw, np.radians(pitch_deg))
    path = camera_path([c2w], width=480, height=360, focal=300.0)
    seen = type(room)(air_low=room.air_low, air_high=room.air_high, boxes=room.boxes, cameras=path)
    grey = (seen.rendered[0][0].mean(axis=-1) / 255).astype(np.float32)
    segments = find_segments(grey)
    found = find_right_angles(segments, path.K[0])
    assert found.believed
    up = c2w[:3, :3].T @ [0, 0, 1]
    assert np.degrees(np.arccos(min(1.0, up @ found.camera_from_frame[:, 2]))) < 0.5
    world_from_frame = c2w[:3, :3] @ found.camera_from_frame
    assert np.degrees(np.arccos(np.abs(world_from_frame[:, 0]).max())) < 0.5
    np.testing.assert_allclose(found.camera_from_frame @ found.camera_from_frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(found.camera_from_frame) > 0
    again = in_frame(segments, path.K[0], found.camera_from_frame)
    np.testing.assert_array_equal(again.along, found.along)
