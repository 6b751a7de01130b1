"""Sizes in whole multiples of 16, square pixels, and no more than the photo shows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lyra_sim.geometry.cameras import project
from lyra_sim.trajectories.path import cropped_K, frame_size

side = st.integers(80, 4000)


@settings(max_examples=50, deadline=None)
@given(side, side, st.integers(4, 128).map(lambda n: 16 * n))
def test_size_follows_the_photo(width: int, height: int, longer: int) -> None:
    new = frame_size(width, height, longer)
    assert new[0] % 16 == new[1] % 16 == 0 and max(new) == longer and min(new) >= 16
    assert (new[0] >= new[1]) == (width >= height) or new[0] == new[1]
    assert abs(min(new) - longer * min(width, height) / max(width, height)) <= 8 or min(new) == 16


@settings(max_examples=50, deadline=None)
@given(side, side, st.floats(100, 3000), st.floats(0.99, 1.01))
def test_views_are_cropped_not_stretched(width: int, height: int, focal: float, shape: float) -> None:
    K = np.array([[focal, 0, 0.48 * width], [0, focal * shape, 0.53 * height], [0, 0, 1]])
    new_width, new_height = size = frame_size(width, height, 512)
    new = cropped_K(K, size=(width, height), new_size=size)
    np.testing.assert_allclose(new[1, 1] / new[0, 0], shape, rtol=1e-12)
    scale = new[0, 0] / focal
    corners = np.array([[0, 0], [new_width, new_height]]) - new[:2, 2]
    in_photo = corners / scale + K[:2, 2]
    assert (in_photo > -1e-6).all() and (in_photo < np.array([width, height]) + 1e-6).all(), "never more than the photo shows"
    np.testing.assert_allclose(in_photo.sum(axis=0), [width, height], atol=1e-6, err_msg="cut evenly on both sides")
    reach = (in_photo[1] - in_photo[0]) / [width, height]
    assert reach.max() > 1 - 1e-9, "and as much as fits"


def test_the_same_point_in_photo_and_frame() -> None:
    K = np.array([[500.0, 0, 330], [0, 500, 250], [0, 0, 1]])
    new = cropped_K(K, size=(640, 480), new_size=(512, 384))
    point = np.array([[0.3, -0.2, 2.0]])
    old_uv, _ = project(point, K, np.eye(4))
    new_uv, _ = project(point, new, np.eye(4))
    np.testing.assert_allclose(new_uv, old_uv * 0.8)
