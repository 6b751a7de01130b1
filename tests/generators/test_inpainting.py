import numpy as np

from lyra_sim.generators.inpainting import SMALL_HOLE, bridged, fill_holes, push_pull
from lyra_sim.geometry.cameras import pixel_rays
from tests.rooms import camera_path, look


def test_push_pull_keeps_what_is_known_and_stays_between_it() -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.uniform(2, 5, (37, 50, 3)).astype(np.float32), (rng.random((37, 50)) < 0.1).astype(np.float32)
    filled = push_pull(np.where(weights[..., None] > 0, values, 0).astype(np.float32), weights)
    np.testing.assert_array_equal(filled[weights > 0], values[weights > 0])
    assert filled.min() >= values[weights > 0].min() - 1e-4 and filled.max() <= values[weights > 0].max() + 1e-4


def test_a_small_hole_in_a_slanted_wall_gets_the_walls_depth() -> None:
    cameras = camera_path([look(np.zeros(3), 0.0, 0.0)])
    rays = pixel_rays(cameras.K[0], 160, 120).astype(np.float64)
    z = (3.0 / (rays @ [0.3, 0.0, 0.95])).astype(np.float32)
    holed, rgb = z.copy(), np.full((120, 160, 3), 90, np.float32)
    holed[50:58, 70:78] = np.nan
    assert 64 <= SMALL_HOLE * z.size
    rgb[np.isnan(holed)] = 0
    colours, filled = fill_holes(rgb, holed, np.isfinite(holed))
    assert np.abs(filled / z - 1).max() < 0.03
    np.testing.assert_allclose(colours, 90, atol=0.5)


def test_what_opens_beside_a_box_belongs_to_the_wall_behind_it() -> None:
    z = np.full((120, 160), 6.0, np.float32)
    z[:, 80:] = 2.0
    rgb = np.where(z[..., None] > 4, np.float32(200), np.float32(40)) * np.ones(3, np.float32)
    z[30:46, 76:80] = np.nan
    colours, filled = fill_holes(rgb, z, np.isfinite(z))
    np.testing.assert_allclose(filled[30:46, 76:80], 6.0, rtol=0.1)
    assert colours[30:46, 76:80].min() > 170


def test_a_large_hole_is_coloured_and_its_depth_stays_unknown() -> None:
    z, rgb = np.full((120, 160), 4.0, np.float32), np.full((120, 160, 3), 120, np.float32)
    z[20:100, 20:140] = np.nan
    rgb[np.isnan(z)] = 0
    colours, filled = fill_holes(rgb, z, np.isfinite(z))
    assert np.isnan(filled[20:100, 20:140]).all() and (filled[:20] == 4).all()
    np.testing.assert_allclose(colours, 120, atol=1)


def test_nothing_known_stays_nothing() -> None:
    z, rgb = np.full((8, 8), np.nan, np.float32), np.zeros((8, 8, 3), np.float32)
    colours, filled = fill_holes(rgb, z, np.isfinite(z))
    assert np.isnan(filled).all() and (colours == 0).all()


def test_colour_that_is_known_without_depth_stays() -> None:
    z, rgb = np.full((40, 60), 3.0, np.float32), np.full((40, 60, 3), 50, np.float32)
    z[10:13, 20:23] = np.nan
    rgb[10:13, 20:23] = 200
    colours, filled = fill_holes(rgb, z, np.ones(z.shape, bool))
    np.testing.assert_array_equal(colours, rgb)
    np.testing.assert_allclose(filled, 3.0, rtol=1e-3)


def test_bridged_depth_keeps_what_is_known_and_lies_between_it() -> None:
    z = np.tile(np.linspace(2, 4, 60, dtype=np.float32), (40, 1))
    holed = z.copy()
    holed[5:35, 10:50] = np.nan
    sheet = bridged(holed)
    known = np.isfinite(holed)
    np.testing.assert_allclose(sheet[known], z[known], rtol=1e-5)
    assert np.isfinite(sheet).all() and sheet.min() >= 2 - 1e-3 and sheet.max() <= 4 + 1e-3
