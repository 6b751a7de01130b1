"""GPS of the photos that got a camera: told from all photos, in the order of the cameras."""

from pathlib import Path

import numpy as np

from lyra_sim.capture.photos import _geo
from lyra_sim.data.posed import GpsFix, Photo, PhotoSet


def photo_set(latitudes: list[float | None]) -> PhotoSet:
    fixes = [None if one is None else GpsFix(latitude=one, longitude=13.0, altitude=200.0) for one in latitudes]
    photos = tuple(
        Photo(name=f"p{index}", file=Path(f"p{index}.jpg"), width=64, height=48, gps=fix) for index, fix in enumerate(fixes)
    )
    return PhotoSet(photos=photos, skipped=())


def test_a_stale_fix_stays_stale_when_the_photo_before_it_has_no_camera() -> None:
    photos = photo_set([55.0, 55.001, 55.002, 55.002, None])
    geo = _geo(photos, ("p0", "p1", "p3", "p4"))
    assert geo is not None and np.isfinite(geo).all(axis=1).tolist() == [True, True, False, False]
    assert 100 < geo[1, 1] - geo[0, 1] < 120


def test_rows_follow_the_cameras() -> None:
    photos = photo_set([55.0, 55.001, 55.002])
    geo = _geo(photos, ("p2", "p0"))
    assert geo is not None and 210 < geo[0, 1] - geo[1, 1] < 240
    assert _geo(photo_set([None, 55.0]), ("p0",)) is None
    assert _geo(photo_set([None, None]), ("p0", "p1")) is None
