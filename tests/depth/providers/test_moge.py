"""The adapter against a stand-in with the signatures of dlr-moge 2.0.0."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lyra_sim.depth.providers.chunk import depth_of_chunk
from lyra_sim.depth.providers.provider import DepthProvider, ProviderOptions
from lyra_sim.errors import GeometryError
from tests.depth.providers.conftest import load
from tests.depth.providers.known_room import resized_depth, walk

Moge = tuple[type, Path]
ROOM = walk()
FRAMES, TRUTH = ROOM.rendered


def provider(moge: Moge, *, version: int, batch: int = 4) -> DepthProvider:
    encoder = "dinov2_vitl14" if version == 1 else {"backbone": "dinov2_vitl14"}
    torch.save({"model_config": {"encoder": encoder}, "model": {}}, moge[1] / "model.pt")
    return load("moge")(ProviderOptions(weights=moge[1], device="cpu", batch=batch))


def test_version_2_tells_metres_in_batches_with_the_cameras_field_of_view(moge: Moge) -> None:
    found = provider(moge, version=2).estimate(FRAMES, ROOM.cameras)
    assert found.scale == "metric" and found.cameras is None
    np.testing.assert_array_equal(found.z_depth[:, 5:], TRUTH[:, 5:])
    assert np.isnan(found.z_depth[:, :5]).all(), "the sky is no depth"
    assert [len(call[0]) for call in moge[0].asked] == [4, 4, 2]
    for image, fov_x, half in moge[0].asked:
        np.testing.assert_allclose(fov_x, np.full(len(image), 2 * np.degrees(np.arctan(56 / 70))), rtol=1e-6)
        assert half is False
    np.testing.assert_array_equal(torch.round(255 * moge[0].asked[0][0]).permute(0, 2, 3, 1), FRAMES[:4])


def test_version_1_is_brought_to_known_depth_frame_by_frame(moge: Moge) -> None:
    found = provider(moge, version=1).estimate(FRAMES, None)
    assert found.scale == "per_frame"
    moge[0].asked.clear()
    known = lambda views: resized_depth(ROOM, views, views.width, views.height)  # noqa: E731
    chunk = depth_of_chunk(provider(moge, version=1), FRAMES, ROOM.cameras, every=1, known=known)
    assert chunk.in_scale and chunk.motion is None
    np.testing.assert_allclose(chunk.z_depth[:, 5:], TRUTH[:, 5:], rtol=1e-5)


def test_version_1_without_anything_known_is_refused(moge: Moge) -> None:
    with pytest.raises(GeometryError, match="each have a factor of their own, and no known depth"):
        depth_of_chunk(provider(moge, version=1), FRAMES, ROOM.cameras, every=1)
