import numpy as np
import pytest
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


@pytest.mark.parametrize(
    ("signal", "light"), [(0.0, 0.0), (0.508078, 100.0), (0.580689, 203.0), (0.751827, 1000.0), (1.0, 10000.0)]
)
def test_pq_is_absolute_light(signal: float, light: float) -> None:
    """Values of SMPTE ST 2084's curve; BT.2408 names 58 % as its reference white."""
    np.testing.assert_allclose(conventions.light_from_pq(np.array([signal])), [light], rtol=1e-4)


@pytest.mark.parametrize(("signal", "light"), [(0.0, 0.0), (0.5, 50.697), (0.75, 203.15), (1.0, 1000.0)])
def test_hlg_is_light_of_a_1000_nit_screen(signal: float, light: float) -> None:
    """BT.2408 names 75 % as its reference white; half the signal is a twelfth of the scene's light."""
    np.testing.assert_allclose(conventions.light_from_hlg(np.full((2, 3), signal)), np.full((2, 3), light), rtol=1e-4)


def test_hlg_scales_a_colour_by_its_luminance() -> None:
    """Channels keep their ratios of scene light, unlike with a gamma on each: R' = 0.5 stands for 1/12 of the light."""
    red = conventions.light_from_hlg(np.array([0.5, 0.0, 0.0]))
    np.testing.assert_allclose(red, [1000 * (0.2627 / 12) ** 0.2 / 12, 0, 0])


PRIMARIES = {
    "709": [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)],
    "2020": [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
    "P3": [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
}
"""Chromaticities of H.273, table 2; the white of all three is D65."""


def xyz_from_rgb(primaries: list[tuple[float, float]]) -> np.ndarray:
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return columns * np.linalg.solve(columns, white)


def test_wide_primaries_are_those_of_their_chromaticities() -> None:
    for name, ours in (("2020", conventions.RGB709_FROM_RGB2020), ("P3", conventions.RGB709_FROM_RGBP3)):
        exact = np.linalg.solve(xyz_from_rgb(PRIMARIES["709"]), xyz_from_rgb(PRIMARIES[name]))
        np.testing.assert_allclose(ours, exact, atol=1e-6)
        np.testing.assert_allclose(ours.sum(axis=1), 1, atol=2e-6)
