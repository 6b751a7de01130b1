"""Resampling of depth maps: exact on planes, nothing between two surfaces, unknown stays where it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.depth.resample import depth_to_size, nearest_to_size, shrunk, working_size


def test_working_size_keeps_the_longer_side() -> None:
    assert working_size(1024, 768, 512) == (512, 384)
    assert working_size(768, 1024, 512) == (384, 512)
    assert working_size(320, 240, 512) == (320, 240)


def test_planes_are_exact() -> None:
    """Inverse depth of a plane is linear in the image, at whatever size."""

    def plane(width: int, height: int) -> np.ndarray:
        u, v = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        return (1 / (0.3 + 0.2 * u[None, :] + 0.1 * v[:, None])).astype(np.float32)

    found = depth_to_size(plane(64, 48), 160, 120)
    assert np.allclose(found[2:-2, 2:-2], plane(160, 120)[2:-2, 2:-2], rtol=1e-5)


@given(seed=st.integers(0, 10_000), width=st.integers(7, 90), height=st.integers(5, 70))
@settings(max_examples=40, deadline=None)
def test_no_depth_between_two_surfaces(seed: int, width: int, height: int) -> None:
    rng = np.random.default_rng(seed)
    z = np.where(rng.random((24, 32)) < 0.5, 2.0, 3.0).astype(np.float32)
    z[rng.random((24, 32)) < 0.2] = np.nan
    found = depth_to_size(z, width, height)
    assert found.shape == (height, width)
    assert set(np.unique(found[np.isfinite(found)].round(5))) <= {2.0, 3.0}
    assert (np.isnan(found) == np.isnan(nearest_to_size(z, width, height))).all()


def test_same_size_is_the_same() -> None:
    z = np.random.default_rng(0).uniform(1, 5, (12, 17)).astype(np.float32)
    assert np.allclose(depth_to_size(z, 17, 12), z, rtol=1e-6)


def test_shrinking_averages_areas() -> None:
    rgb = np.zeros((4, 8, 3), np.uint8)
    rgb[:, ::2] = 200
    assert (shrunk(rgb, 4, 2) == 100).all()


@pytest.mark.parametrize("size", [(3, 2), (64, 48)])
def test_nearest_invents_no_label(size: tuple[int, int]) -> None:
    labels = np.array([[0, 1], [2, 0]], np.uint8)
    assert set(np.unique(nearest_to_size(labels, *size))) <= {0, 1, 2}
