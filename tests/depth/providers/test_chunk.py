"""Which frames are looked at, and what is handed on."""

import numpy as np
import pytest

from lyra_sim.depth.providers.chunk import Motion, depth_of_chunk, key_frames
from lyra_sim.depth.providers.provider import ProvidedDepth, Scale
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from tests.depth.providers.known_room import walk

ROOM = walk(25, step=0.03, width=56, height=42)
FRAMES, TRUTH = ROOM.rendered


class Exact:
    """Depth of the frames it recognises, and their cameras, doubled."""

    def __init__(self, scale: Scale) -> None:
        self.scale, self.asked = scale, 0

    def estimate(self, frames: np.ndarray, cameras: CameraPath | None) -> ProvidedDepth:
        assert cameras is not None and len(cameras) == len(frames)
        self.asked = len(frames)
        z = np.stack([TRUTH[next(n for n, known in enumerate(FRAMES) if np.array_equal(known, frame))] for frame in frames])
        seen = CameraPath(c2w=cameras.c2w.copy(), K=cameras.K, width=cameras.width, height=cameras.height)
        seen.c2w[:, :3, 3] *= 2
        own = None if self.scale == "cameras" else seen
        factor = np.float32(1 if self.scale == "cameras" else 2)
        return ProvidedDepth(z_depth=factor * z, confidence=np.full_like(z, 0.9), cameras=own, scale=self.scale)


@pytest.mark.parametrize(("count", "every", "found"), [(80, 8, range(7, 80, 8)), (5, 8, [4]), (9, 4, [0, 4, 8]), (1, 8, [0])])
def test_the_last_frame_is_always_looked_at(count: int, every: int, found: list[int]) -> None:
    assert key_frames(count, every=every).tolist() == list(found)


def test_frames_between_claim_nothing() -> None:
    chunk = depth_of_chunk(Exact("free"), FRAMES, ROOM.cameras)
    assert chunk.looked_at.tolist() == [0, 8, 16, 24] and not chunk.in_scale
    between = np.setdiff1d(np.arange(25), chunk.looked_at)
    assert np.isnan(chunk.z_depth[between]).all() and (chunk.confidence[between] == 0).all()
    np.testing.assert_array_equal(chunk.z_depth[chunk.looked_at], 2 * TRUTH[chunk.looked_at])
    assert chunk.motion is not None
    np.testing.assert_array_equal(chunk.motion.commanded.c2w, ROOM.cameras.c2w[chunk.looked_at])
    np.testing.assert_array_equal(chunk.motion.seen.centres, 2 * ROOM.cameras.centres[chunk.looked_at])


def test_earlier_frames_are_looked_at_and_not_given_back() -> None:
    provider = Exact("free")
    before = FRAMES[:2], ROOM.cameras.select(np.arange(2))
    rest = ROOM.cameras.select(np.arange(2, 25))
    chunk = depth_of_chunk(provider, FRAMES[2:], rest, before=before)
    assert provider.asked == 2 + 3 and len(chunk.z_depth) == 23 and chunk.looked_at.tolist() == [6, 14, 22]
    np.testing.assert_array_equal(chunk.z_depth[22], 2 * TRUTH[24])
    assert chunk.motion is not None and len(chunk.motion.seen) == 3
    np.testing.assert_array_equal(chunk.motion.commanded.centres, ROOM.cameras.centres[[8, 16, 24]])
    np.testing.assert_array_equal(chunk.motion.seen.centres, 2 * ROOM.cameras.centres[[8, 16, 24]])


def test_depth_by_given_cameras_has_their_scale() -> None:
    chunk = depth_of_chunk(Exact("cameras"), FRAMES, ROOM.cameras)
    assert not chunk.in_scale and chunk.motion is not None
    np.testing.assert_array_equal(chunk.motion.seen.c2w, chunk.motion.commanded.c2w)


def test_a_motion_is_of_the_same_cameras() -> None:
    with pytest.raises(GeometryError, match="3 cameras seen for 25 commanded"):
        Motion(commanded=ROOM.cameras, seen=ROOM.cameras.select(np.arange(3)))


def test_frames_without_depth_stay_in_range() -> None:
    z = np.full((1, 2, 2), np.nan, np.float32)
    with pytest.raises(GeometryError, match="a confidence that doesn't fit"):
        ProvidedDepth(z_depth=z, confidence=np.ones_like(z), cameras=None, scale="free")
    with pytest.raises(GeometryError, match="zero, negative or infinite depth"):
        ProvidedDepth(z_depth=np.zeros_like(z), confidence=np.zeros_like(z), cameras=None, scale="free")
