import numpy as np

from lyra_sim.capture.undistort import Undistortion

K = np.array([[200.0, 0, 80], [0, 200, 60], [0, 0, 1]])


def test_no_distortion_is_the_identity() -> None:
    lens = Undistortion.of(K, np.zeros(4), 160, 120)
    rgb = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    np.testing.assert_array_equal(lens.colour(rgb), rgb)
    assert lens.valid.all()


def test_a_straight_line_comes_back_straight() -> None:
    """A line drawn through the lens model is bent in the source image and straight in the pinhole image."""
    distortion = np.array([-0.25, 0.05, 0.001, -0.0005])
    lens = Undistortion.of(K, distortion, 160, 120)
    # source brightness = pinhole column of the ray that reaches each source pixel, by inverting the lookup numerically
    from scipy.interpolate import griddata

    columns = np.broadcast_to(np.arange(160.0), (120, 160))
    at = np.stack([lens.source_v.ravel(), lens.source_u.ravel()], axis=1)
    grid_v, grid_u = np.mgrid[0:120, 0:160]
    bent = griddata(at, columns.ravel(), (grid_v, grid_u), method="linear")
    source = np.repeat(np.nan_to_num(bent)[..., None], 3, axis=-1)
    straight = lens.colour(source)[..., 0].astype(float)
    inner = lens.valid & (np.abs(grid_v - 60) < 40) & (np.abs(grid_u - 80) < 60)
    assert np.abs(straight - columns)[inner].max() < 1.0  # within one 8-bit level: one pixel


def test_barrel_lens_leaves_no_invalid_border_but_pincushion_does() -> None:
    assert Undistortion.of(K, np.array([-0.2, 0, 0, 0]), 160, 120).valid.all()
    assert not Undistortion.of(K, np.array([0.2, 0, 0, 0]), 160, 120).valid.all()


def test_depth_is_never_mixed() -> None:
    counts = np.zeros((120, 160), np.uint16)
    counts[:, 80:] = 4000
    out = Undistortion.of(K, np.array([-0.2, 0.03, 0, 0]), 160, 120).depth_counts(counts)
    assert set(np.unique(out)) <= {0, 4000}
