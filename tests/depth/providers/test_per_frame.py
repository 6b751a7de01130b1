"""Factor, or factor and shift, of each frame, against a room whose depth is known."""

import numpy as np
import pytest

from lyra_sim.depth.providers.per_frame import fitted_per_frame
from lyra_sim.depth.providers.provider import ProvidedDepth, Scale
from lyra_sim.errors import GeometryError
from tests.depth.providers.known_room import walk

TRUTH = walk(3).rendered[1]


def provided(z: np.ndarray, scale: Scale) -> ProvidedDepth:
    z = z.astype(np.float32)
    return ProvidedDepth(z_depth=z, confidence=np.where(np.isnan(z), 0, 0.5).astype(np.float32), cameras=None, scale=scale)


def hidden(*, noise: float = 0.0) -> np.ndarray:
    """Depth whose inverse has a factor and a shift of its own in each frame."""
    factor, shift = np.array([0.3, 2.0, 1.0])[:, None, None], np.array([0.02, -0.05, 0.1])[:, None, None]
    wobble = 1 + noise * np.random.default_rng(2).standard_normal(TRUTH.shape)
    return 1 / ((1 / (TRUTH * wobble) - shift) / factor)


def seen_half() -> np.ndarray:
    known = TRUTH.copy()
    known[:, :, : TRUTH.shape[2] // 2] = np.nan
    return known


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_factor_and_shift_are_found_from_half_the_frame(noise: float) -> None:
    z = hidden(noise=noise)
    z[z <= 0] = np.nan
    found = fitted_per_frame(provided(z, "per_frame_inverse"), seen_half()).z_depth
    off = np.abs(found / TRUTH - 1)[np.isfinite(found)]
    assert np.isfinite(found).sum() > 0.95 * np.isfinite(z).sum()
    assert np.median(off) < max(1e-4, noise)


def test_a_quarter_that_shows_something_else_changes_little() -> None:
    known = seen_half()
    known[:, -20:] *= 1.5
    found = fitted_per_frame(provided(hidden(), "per_frame_inverse"), known).z_depth
    assert np.nanmedian(np.abs(found / TRUTH - 1)) < 0.01


def test_a_flat_wall_and_too_little_leave_a_frame_without_depth() -> None:
    known, z = seen_half(), hidden()
    known[0] = np.where(np.isnan(known[0]), np.nan, 2.0)
    known[1, :, :-1] = np.nan
    found = fitted_per_frame(provided(z, "per_frame_inverse"), known)
    assert np.isnan(found.z_depth[:2]).all() and np.isfinite(found.z_depth[2]).any()
    assert (found.confidence[:2] == 0).all()


def test_near_and_far_swapped_is_no_fit() -> None:
    swapped = (1 / (1.0 - 0.9 / TRUTH * TRUTH.min())).astype(np.float32)
    assert np.isnan(fitted_per_frame(provided(swapped, "per_frame_inverse"), TRUTH).z_depth).all()


def test_far_beyond_what_is_known_nothing_is_claimed() -> None:
    known = np.where(TRUTH < 1.5, TRUTH, np.float32(np.nan))
    assert (TRUTH > 3.2).any()
    found = fitted_per_frame(provided(hidden(), "per_frame_inverse"), known).z_depth
    assert np.nanmax(found) < 3.01 and np.isnan(found[TRUTH > 3.2]).all()


def test_a_factor_alone_needs_no_relief() -> None:
    z = TRUTH * np.array([0.5, 3.0, 1.0], np.float32)[:, None, None]
    found = fitted_per_frame(provided(z, "per_frame"), seen_half())
    np.testing.assert_allclose(found.z_depth, TRUTH, rtol=1e-5)
    assert found.scale == "cameras"


def test_nothing_known_is_an_error_for_those_that_need_it_only() -> None:
    with pytest.raises(GeometryError, match="no known depth to find them from"):
        fitted_per_frame(provided(TRUTH, "per_frame_inverse"), None)
    whole = provided(TRUTH, "metric")
    assert fitted_per_frame(whole, None) is whole
