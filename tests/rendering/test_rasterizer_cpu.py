"""What only the compiled CPU rasteriser promises: the same bits for any number of threads, and no harm from bad numbers."""

from dataclasses import replace

import numba
import numpy as np
import pytest
import torch

from lyra_sim.rendering.simd_kernels import LANES, every, load, numbered, power_of_two, store, total, where_less
from tests.contracts.splat_reference import random_scene
from tests.contracts.test_rasterizers import array, draw, gradients, leaves


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="numba was given one thread only")
def test_threads_change_no_bit() -> None:
    scene = random_scene(500, 8, largest=0.15)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        raster, found = gradients(scene, "cpu")
        numba.set_num_threads(1)
        alone, g_alone = gradients(scene, "cpu")
    finally:
        numba.set_num_threads(threads)
    assert array(raster.colors).tobytes() == array(alone.colors).tobytes()
    assert all(values.tobytes() == g_alone[name].tobytes() for name, values in found.items())


def test_hostile_numbers_are_not_drawn_and_spoil_nothing() -> None:
    """NaN, infinities, a quaternion without length, huge and flat splats, among sound ones."""
    scene = random_scene(60, 5)
    means, quats, scales, opacities = (getattr(scene, n).copy() for n in ("means", "quats_wxyz", "scales", "opacities"))
    means[0], means[1, 1], quats[2], scales[3], scales[4, 0], opacities[5] = np.nan, np.inf, 0, np.nan, np.inf, np.nan
    means[6], scales[7], scales[8] = -1e30, 1e-30, 1e25
    raster, found = gradients(replace(scene, means=means, quats_wxyz=quats, scales=scales, opacities=opacities), "cpu")
    assert not array(raster.radii_px)[:7].any()
    assert np.isfinite(array(raster.colors)).all()
    for name, values in found.items():
        assert np.isfinite(values).all() and not values[:7].any(), name
    assert array(raster.alpha).max() > 0.5


def test_an_image_changed_in_place_is_noticed() -> None:
    """The gradient of alpha needs the colours as they were."""
    scene = random_scene(8, 5)
    raster = draw(scene, leaves(scene, "cpu"))
    with torch.no_grad():
        raster.colors.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        raster.alpha.sum().backward()


@numba.njit
def _powers(values):
    for i in range(0, values.size, LANES):
        store(values, i, power_of_two(load(values, i)))


@numba.njit
def _sum_below(limit):
    return total(where_less(numbered(), every(limit), numbered() + every(np.float32(1)), every(np.float32(0))))


def test_powers_of_two_in_lanes() -> None:
    exponents = np.linspace(-30, 8, 80_000, dtype=np.float32)
    found = exponents.copy()
    _powers(found)
    np.testing.assert_allclose(found, np.exp2(exponents.astype(np.float64)), rtol=2e-7)


def test_lanes_are_chosen_and_added() -> None:
    assert [_sum_below(np.float32(limit)) for limit in (0, 1, 3, 8)] == [0, 1, 6, 36]
