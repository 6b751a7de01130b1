import numpy as np

from lyra_sim.capture.intake.undistort import Undistortion
from lyra_sim.data.posed import Lens

K = np.array([[200.0, 0, 80], [0, 200, 60], [0, 0, 1]])


def undistortion(distortion: np.ndarray) -> Undistortion:
    """Onto a pinhole with the lens's own intrinsics."""
    return Undistortion.onto(K, Lens(K=K, distortion=distortion, width=160, height=120), 160, 120)


def test_no_distortion_is_the_identity() -> None:
    lens = undistortion(np.zeros(4))
    rgb = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    np.testing.assert_array_equal(lens.colour(rgb), rgb)
    assert lens.valid.all()


def test_a_straight_line_comes_back_straight() -> None:
    """A line drawn through the lens model is bent in the source image and straight in the pinhole image."""
    distortion = np.array([-0.25, 0.05, 0.001, -0.0005])
    lens = undistortion(distortion)
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
    assert undistortion(np.array([-0.2, 0, 0, 0])).valid.all()
    assert not undistortion(np.array([0.2, 0, 0, 0])).valid.all()


def test_depth_is_never_mixed() -> None:
    counts = np.zeros((120, 160), np.uint16)
    counts[:, 80:] = 4000
    out = undistortion(np.array([-0.2, 0.03, 0, 0])).depth_counts(counts)
    assert set(np.unique(out)) <= {0, 4000}


def test_a_smaller_canvas_averages_what_it_leaves_out() -> None:
    """Stripes one pixel wide become an even grey, not an alias of themselves; rays keep their place."""
    lens = Lens(K=4 * K - np.diag([0.0, 0, 3]), distortion=np.zeros(4), width=640, height=480)
    small = Undistortion.onto(K, lens, 160, 120)
    assert small.shrink == 4 and small.valid.all()
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 200
    np.testing.assert_array_equal(small.colour(stripes), 100)
    edge = np.zeros((480, 640, 3), np.uint8)
    edge[:, 320:] = 200
    np.testing.assert_array_equal(small.colour(edge)[:, :80], 0)
    np.testing.assert_array_equal(small.colour(edge)[:, 80:], 200)


def test_beyond_the_fold_of_the_lens_model_nothing_is_valid() -> None:
    """k1 = -1.2 turns back at r = 0.53: pixels further out would show the inside a second time."""
    strong = undistortion(np.array([-1.2, 0, 0, 0]))
    x, y = np.meshgrid((np.arange(160) + 0.5 - 80) / 200, (np.arange(120) + 0.5 - 60) / 200)
    assert not strong.valid[np.hypot(x, y) > np.sqrt(1 / 3.6)].any()
    assert strong.valid[60, 80]


def test_what_lies_beyond_the_fold_stays_invalid_where_the_model_grows_again() -> None:
    """r - 1.2 r³ + 0.5 r⁵ folds at r = 0.61 and grows again from r = 1.03 on."""
    lens = Lens(
        K=np.array([[80, 0, 80], [0, 80, 60], [0, 0, 1.0]]), distortion=np.array([-1.2, 0.5, 0, 0]), width=160, height=120
    )
    again = Undistortion.onto(lens.K, lens, 160, 120)
    x, y = np.meshgrid((np.arange(160) + 0.5 - 80) / 80, (np.arange(120) + 0.5 - 60) / 80)
    fold = np.sqrt((3.6 - np.sqrt(9 * 1.2**2 - 20 * 0.5)) / (10 * 0.5))
    assert np.array_equal(again.valid, np.hypot(x, y) < fold)
