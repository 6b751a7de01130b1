"""The adapter against a stand-in with the signatures of depth-anything-3 0.1.1: exact depth of a known room, hidden scale."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from lyra_sim.depth.providers.chunk import depth_of_chunk
from lyra_sim.depth.providers.depth_anything_3 import normalised
from lyra_sim.depth.providers.provider import DepthProvider, ProviderOptions
from lyra_sim.errors import InputError
from lyra_sim.generators.photo_evidence import factor_of_cameras
from lyra_sim.geometry.rigid import Similarity, invert_rigid
from lyra_sim.plugins import load_plugin
from tests.depth.providers.conftest import load
from tests.depth.providers.known_room import walk
from tests.rooms import look

Da3 = tuple[ModuleType, Path]
ROOM = walk()
FRAMES, TRUTH = ROOM.rendered
ELSEWHERE = Similarity(scale=1.0, rotation=look(np.zeros(3), 1.0, 0.3)[:3, :3], translation=np.array([3.0, -1.0, 0.5]))


def provider(da3: Da3, preset: str, *, side: int | None = 168, **changes: object) -> DepthProvider:
    api, folder = da3
    api.DepthAnything3.preset = preset
    for name, value in {"factor": 1.0, "own_from_world": Similarity.identity(), **changes}.items():
        setattr(api.DepthAnything3, name, value)
    return load("depth_anything_3")(ProviderOptions(weights=folder, device="cpu", side=side))


def relative(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.abs(found / truth - 1)[np.isfinite(found)]


def test_depth_and_cameras_come_back_in_the_networks_own_scale(da3: Da3) -> None:
    found = provider(da3, "da3-large", factor=0.31, own_from_world=ELSEWHERE).estimate(FRAMES, ROOM.cameras)
    assert found.scale == "free" and found.cameras is not None
    off = relative(found.z_depth, 0.31 * TRUTH)
    assert np.isfinite(found.z_depth).all() and np.median(off) < 2e-3 and (off > 0.05).mean() < 0.03
    np.testing.assert_allclose(found.confidence, 0.8, rtol=1e-6)
    np.testing.assert_allclose(found.cameras.K, ROOM.cameras.K, rtol=1e-5)
    np.testing.assert_allclose(found.cameras.centres, 0.31 * ELSEWHERE.apply(ROOM.cameras.centres), atol=1e-5)
    np.testing.assert_allclose(found.cameras.c2w[:, :3, :3], ELSEWHERE.rotation @ ROOM.cameras.c2w[:, :3, :3], atol=1e-5)


def test_a_networks_depth_is_tied_by_its_cameras(da3: Da3) -> None:
    asked = provider(da3, "da3-large", factor=0.31, own_from_world=ELSEWHERE)
    chunk = depth_of_chunk(asked, FRAMES, ROOM.cameras, every=1)
    assert chunk.motion is not None and not chunk.in_scale
    factor = factor_of_cameras(chunk.motion, z_seen=float(np.median(chunk.z_depth)), z_known=None)
    assert factor is not None and factor.scale == pytest.approx(1 / 0.31, rel=1e-3) and factor.residual < 1e-3


def test_it_is_told_the_cameras_as_it_was_trained(da3: Da3) -> None:
    """World-to-camera, the first camera the world, intrinsics at the size of what it sees."""
    asked = provider(da3, "da3-large", side=None)
    asked.estimate(FRAMES, ROOM.cameras)
    (call,) = asked._model.asked  # type: ignore[attr-defined]
    centres = invert_rigid(call.w2c[0].numpy())[:, :3, 3]
    true = invert_rigid(ROOM.cameras.c2w[0]) @ ROOM.cameras.c2w
    way = np.median(np.linalg.norm(true[:, :3, 3], axis=1))
    np.testing.assert_allclose(centres, true[:, :3, 3] / way, atol=1e-5)
    np.testing.assert_allclose(call.K[0, :, 0, 0], ROOM.cameras.K[:, 0, 0] * 504 / 112, rtol=1e-6)
    np.testing.assert_allclose(call.K[0, :, 1, 1], ROOM.cameras.K[:, 1, 1] * 378 / 84, rtol=1e-6)


def test_cameras_that_hardly_move_are_not_blown_up() -> None:
    still = np.tile(np.eye(4), (4, 1, 1))
    still[:, 0, 3] = [0, 1e-4, 2e-4, 3e-4]
    np.testing.assert_allclose(normalised(still)[:, 0, 3], [0, -1e-3, -2e-3, -3e-3], rtol=1e-5)


def test_the_nested_network_tells_metres_and_its_sky_is_no_wall(da3: Da3) -> None:
    found = provider(da3, "da3nested-giant-large").estimate(FRAMES, ROOM.cameras)
    assert found.scale == "metric"
    rows = round(14 * 84 / 126)
    assert np.isnan(found.z_depth[:, : rows - 1]).all() and (found.confidence[:, : rows - 1] == 0).all()
    assert np.isfinite(found.z_depth[:, rows + 1 :]).all() and found.z_depth[:, rows + 1 :].max() < 8


def test_what_the_network_draws_at_random_is_the_same_every_time(da3: Da3) -> None:
    """And nobody else's random numbers are changed by it."""
    asked = provider(da3, "da3nested-giant-large")
    state = torch.random.get_rng_state()
    first, second = (asked.estimate(FRAMES, ROOM.cameras).z_depth for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("given", [True, False])
def test_the_metric_network_counts_the_focal_length_and_takes_no_cameras(da3: Da3, given: bool) -> None:
    found = provider(da3, "da3metric-large").estimate(FRAMES, ROOM.cameras if given else None)
    below = np.s_[:, 11:]
    if given:
        assert found.scale == "metric" and np.median(relative(found.z_depth[below], TRUTH[below])) < 2e-3
    else:
        assert found.scale == "free", "without a focal length one factor is unknown"
    assert found.cameras is None and np.isnan(found.z_depth[:, 0]).all()


def test_without_cameras_the_network_finds_its_own(da3: Da3) -> None:
    found = provider(da3, "da3-large", factor=2.0).estimate(FRAMES, None)
    assert found.scale == "free" and found.cameras is not None
    np.testing.assert_allclose(found.cameras.centres, 2 * ROOM.cameras.centres, atol=1e-5)


def test_another_folder_is_refused(da3: Da3, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"frame_depth 'depth_anything_3': no model\.safetensors in the folder"):
        load_plugin("frame_depth", "depth_anything_3")(ProviderOptions(weights=tmp_path, device="cpu"))
    with pytest.raises(InputError, match="no weights"):
        load_plugin("frame_depth", "depth_anything_3")(ProviderOptions(device="cpu"))
