"""Frame depth by plane sweep on a textured room."""

import numpy as np
import pytest

from lyra_sim.depth.providers.chunk import depth_of_chunk
from lyra_sim.depth.providers.plane_sweep import PlaneSweepFrames
from lyra_sim.depth.providers.provider import ProvidedDepth, ProviderOptions
from lyra_sim.errors import GeometryError
from tests.depth.textured import textured_room

ROOM, FRAMES, TRUTH = textured_room()


@pytest.fixture(scope="module")
def found() -> ProvidedDepth:
    return PlaneSweepFrames(ProviderOptions(device="cpu")).estimate(FRAMES, ROOM.cameras)


def test_depth_is_measured_in_the_units_of_the_cameras(found: ProvidedDepth) -> None:
    off = np.abs(found.z_depth / TRUTH - 1)[np.isfinite(found.z_depth)]
    assert found.scale == "cameras" and off.size > 0.6 * TRUTH.size
    assert np.median(off) < 0.01 and (off > 0.05).mean() < 0.05
    assert found.confidence[np.isfinite(found.z_depth)].min() >= 0.75


def test_it_needs_cameras_and_a_way_between_them() -> None:
    provider = PlaneSweepFrames(ProviderOptions(device="cpu", side=80))
    with pytest.raises(GeometryError, match="frames without cameras"):
        provider.estimate(FRAMES, None)
    still = ROOM.cameras.select(np.zeros(3, np.int64))
    assert np.isnan(provider.estimate(FRAMES[:3], still).z_depth).all()


def test_a_chunk_by_plane_sweep_says_that_its_scale_is_the_cameras() -> None:
    chunk = depth_of_chunk(PlaneSweepFrames(ProviderOptions(device="cpu", side=80)), FRAMES, ROOM.cameras, every=3)
    assert np.isfinite(chunk.z_depth[[0, 3, 6]]).any() and np.isnan(chunk.z_depth[[1, 2, 4, 5]]).all()
    assert chunk.motion is not None and not chunk.in_scale


@pytest.mark.gpu
def test_a_gpu_measures_the_same(found: ProvidedDepth) -> None:
    on_gpu = PlaneSweepFrames(ProviderOptions(device="cuda")).estimate(FRAMES, ROOM.cameras)
    both = np.isfinite(on_gpu.z_depth) & np.isfinite(found.z_depth)
    assert both.sum() > 0.95 * np.isfinite(found.z_depth).sum()
    assert np.quantile(np.abs(on_gpu.z_depth / found.z_depth - 1)[both], 0.99) < 0.01
