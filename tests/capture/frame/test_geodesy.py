"""Fixes to metres, against lengths on the ellipsoid that are known in closed form."""

import numpy as np
import pytest
from PIL import Image

from lyra_sim.capture.frame.geodesy import WGS84_EQUATOR_M, WGS84_FLATTENING, earth_centred, east_north_up, live_fixes
from lyra_sim.capture.intake.exif import read_exif
from lyra_sim.data.posed import GpsFix

LUND = GpsFix(latitude=55.7, longitude=13.19, altitude=40.0)


def moved(fix: GpsFix, *, east: float = 0, north: float = 0, up: float = 0) -> GpsFix:
    """``fix`` moved by metres, through the radii of curvature of meridian and prime vertical."""
    squared = WGS84_FLATTENING * (2 - WGS84_FLATTENING)
    across = WGS84_EQUATOR_M / np.sqrt(1 - squared * np.sin(np.radians(fix.latitude)) ** 2)
    along = across * (1 - squared) / (1 - squared * np.sin(np.radians(fix.latitude)) ** 2)
    height = fix.altitude or 0.0
    return GpsFix(
        latitude=fix.latitude + np.degrees(north / (along + height)),
        longitude=fix.longitude + np.degrees(east / ((across + height) * np.cos(np.radians(fix.latitude)))),
        altitude=None if fix.altitude is None else fix.altitude + up,
    )


def test_earth_centred_at_points_everybody_knows():
    at = earth_centred(np.radians([0.0, 0.0, 90.0]), np.radians([0.0, 90.0, 0.0]), np.array([0.0, 100.0, 0.0]))
    polar = 6_356_752.314245
    np.testing.assert_allclose(at, [[6_378_137, 0, 0], [0, 6_378_237, 0], [0, 0, polar]], atol=1e-5)


@pytest.mark.parametrize("latitude", [-77.0, -33.0, 0.0, 55.7, 82.0])
@pytest.mark.parametrize("longitude", [13.0, -120.0, 179.9999, -180.0])
def test_metres_come_back_everywhere_on_earth(latitude, longitude):
    start = GpsFix(latitude=latitude, longitude=longitude, altitude=120.0)
    steps = np.array([[0, 0, 0], [40, 0, 0], [40, 25, 3], [-15, 60, -7]], np.float64)
    fixes = [moved(start, east=e, north=n, up=u) for e, n, u in steps]
    wrapped = [GpsFix(latitude=f.latitude, longitude=(f.longitude + 180) % 360 - 180, altitude=f.altitude) for f in fixes]
    metres = east_north_up(wrapped)
    assert metres is not None
    np.testing.assert_allclose(metres, steps - steps.mean(axis=0), atol=2e-3)


def test_a_photo_without_a_fix_is_a_row_without_figures():
    metres = east_north_up([LUND, None, moved(LUND, east=10)])
    assert metres is not None
    assert np.isnan(metres[1]).all() and np.isfinite(metres[[0, 2]]).all()
    assert metres[2, 0] - metres[0, 0] == pytest.approx(10, abs=1e-3)


def test_nobody_has_a_fix():
    assert east_north_up([None, None]) is None
    assert east_north_up([]) is None


def test_a_missing_altitude_says_nothing():
    """East and north count; the height lies at the mean of the others, not 40 m below them."""
    bare = moved(LUND, east=30, up=0)
    bare = GpsFix(latitude=bare.latitude, longitude=bare.longitude, altitude=None)
    metres = east_north_up([LUND, moved(LUND, east=10, up=4), bare])
    assert metres is not None
    np.testing.assert_allclose(metres[:, 2], [-2, 2, 0], atol=1e-3)
    assert metres[2, 0] - metres[0, 0] == pytest.approx(30, abs=1e-3)


def test_of_a_frozen_receiver_the_first_fix_counts():
    a, b = LUND, moved(LUND, east=5)
    assert live_fixes([a, b, b, b, a, None, a, b]) == [a, b, None, None, a, None, None, b]
    metres = east_north_up([a, b, b, b])
    assert metres is not None
    assert np.isnan(metres[2:]).all() and np.isfinite(metres[:2]).all()
    assert metres[0, 0] == pytest.approx(-2.5, abs=1e-3), "stale fixes don't pull the mean"


def test_a_receiver_that_still_measures_height_is_not_frozen():
    assert None not in live_fixes([LUND, moved(LUND, up=0.1), LUND])


def test_lund_street_walks_its_street(shared_data):
    fixes = []
    for file in sorted((shared_data / "photos_lund_street" / "images").glob("*.jpg")):
        with Image.open(file) as image:
            fixes.append(read_exif(image).gps)
    metres = east_north_up(fixes)
    assert metres is not None
    assert np.isnan(metres[-2:]).all(), "27, 28 and 29 carry the same fix"
    assert np.isfinite(metres[:-2]).all()
    length = np.linalg.norm(metres[-3] - metres[0])
    assert 150 < length < 200
