"""Resizing on a device against the one that runs on a CPU, and what networks are given."""

import numpy as np
import pytest
import torch

from lyra_sim.depth.providers.on_device import depth_at_size, nearest_at_size, network_input, planes
from lyra_sim.depth.resample import depth_to_size, nearest_to_size
from tests.depth.providers.known_room import walk


@pytest.mark.parametrize("size", [(84, 112), (61, 150), (30, 40)])
def test_depth_is_resized_as_elsewhere(size: tuple[int, int]) -> None:
    z = walk(2).rendered[1].copy()
    z[:, 10:20, 30:50] = np.nan
    found = depth_at_size(torch.from_numpy(z), *size).numpy()
    expected = np.stack([depth_to_size(one, size[1], size[0]) for one in z])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    nearest = np.stack([nearest_to_size(one, size[1], size[0]) for one in z])
    np.testing.assert_array_equal(nearest_at_size(torch.from_numpy(z), *size).numpy(), nearest)


def test_networks_are_given_planes_of_the_right_colours() -> None:
    frames = np.zeros((1, 4, 6, 3), np.uint8)
    frames[..., 0], frames[..., 2] = 255, 51
    given = network_input(planes(frames, "cpu"), 8, 12, (0.5, 0.5, 0.2), (0.5, 0.5, 0.1))
    assert given.shape == (1, 3, 8, 12)
    torch.testing.assert_close(given[0].mean((1, 2)), torch.tensor([1.0, -1.0, 0.0]), atol=1e-5, rtol=0)
