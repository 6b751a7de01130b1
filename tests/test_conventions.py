import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lyra_sim import conventions

matrices = hnp.arrays(np.float64, (3, 4, 4), elements=st.floats(-5, 5))
unit = hnp.arrays(np.float64, (5, 4), elements=st.floats(-1, 1))


@given(matrices)
def test_opengl_twice_is_identity(c2w: np.ndarray) -> None:
    once = conventions.c2w_opencv_from_opengl(c2w)
    np.testing.assert_allclose(conventions.c2w_opengl_from_opencv(once), c2w)


def test_an_opengl_camera_looks_down_its_minus_z() -> None:
    looking_along_minus_z = np.eye(4)
    c2w = conventions.c2w_opencv_from_opengl(looking_along_minus_z)
    np.testing.assert_allclose(c2w[:3, 2], [0, 0, -1])  # OpenCV forward
    np.testing.assert_allclose(c2w[:3, 1], [0, -1, 0])  # OpenCV down


@given(unit)
def test_quaternion_orders_are_inverse(quats_wxyz: np.ndarray) -> None:
    np.testing.assert_array_equal(conventions.quats_wxyz_from_xyzw(conventions.quats_xyzw_from_wxyz(quats_wxyz)), quats_wxyz)


def test_pixel_centres_shift_by_half_and_back() -> None:
    K = np.array([[525.0, 0, 319.5], [0, 525, 239.5], [0, 0, 1]])
    ours = conventions.K_from_integer_centres(K)
    assert ours[0, 2] == 320.0 and ours[1, 2] == 240.0
    np.testing.assert_array_equal(conventions.K_to_integer_centres(ours), K)


@given(hnp.arrays(np.float32, (4, 3), elements=st.floats(0, 1, width=32)))
def test_colours_survive_sh(rgb: np.ndarray) -> None:
    np.testing.assert_allclose(conventions.rgb_from_sh_dc(conventions.sh_dc_from_rgb(rgb)), rgb, atol=1e-6)


def test_srgb_and_linear_are_inverse_on_every_count() -> None:
    counts = np.arange(256, dtype=np.uint8)
    linear = conventions.linear_from_srgb(np.repeat(counts[:, None] / 255.0, 3, axis=1))
    np.testing.assert_array_equal(conventions.srgb_bytes_from_linear(linear), np.repeat(counts[:, None], 3, axis=1))
    np.testing.assert_allclose(conventions.srgb_from_linear(linear)[:, 0], counts / 255.0, atol=1e-6)
    assert conventions.srgb_bytes_from_linear(np.array([-0.5, 1.5, 0.0, 1.0])).tolist() == [0, 255, 0, 255]
