"""GPS, lenses and the sparse floor, each against an exact truth."""

from dataclasses import replace

import numpy as np
import pytest

from lyra_sim.capture.frame.scale_evidence import check_marked_photos, gps_evidence, marked_length, undistorted_ray
from lyra_sim.data.posed import Lens
from lyra_sim.errors import InputError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.geometry.sparse_floor import find_sparse_floor
from lyra_sim.scene.sources import KnownDistance, KnownDistanceScale, PhotoPoint
from tests.capture.photo_sets import posed_photos
from tests.rooms import Room

UP = np.array([0, 0, 1.0])


def walk(*, length: float = 170.0, fixes: int = 26, noise: float = 4.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Camera centres in units of 3.3 m along a bent street, and fixes in metres with noise; altitudes are junk."""
    rng = np.random.default_rng(seed)
    along = np.linspace(0, length, fixes)
    metres = np.c_[along, 0.002 * along**2, np.zeros(fixes)]
    angle = 0.8
    geo = metres[:, :2] @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return metres / 3.3, np.c_[geo + rng.normal(0, noise, (fixes, 2)), rng.normal(0, 30, fixes)]


@pytest.mark.parametrize("seed", range(8))
def test_gps_scale_lies_within_its_sigma(seed: int) -> None:
    centres, geo = walk(seed=seed)
    found = gps_evidence(centres, geo, UP)
    assert found is not None and found.source == "GPS, 26 fixes"
    assert abs(np.log(found.metres_per_unit / 3.3)) < 3 * found.sigma_relative
    assert 0.005 < found.sigma_relative < 0.06


def test_gps_sigma_is_neither_boast_nor_shrug() -> None:
    """Over many walks the error is of the size the sigma says."""
    ratios = []
    for seed in range(60):
        found = gps_evidence(*walk(seed=seed), UP)
        assert found is not None
        ratios.append(np.log(found.metres_per_unit / 3.3) / found.sigma_relative)
    assert 0.4 < np.std(ratios) < 1.5


def test_a_stray_fix_and_missing_ones_do_not_matter() -> None:
    centres, geo = walk()
    geo[5] += [300.0, -200.0, 0.0]
    geo[20:23] = np.nan
    found = gps_evidence(centres, geo, UP)
    assert found is not None and found.source == "GPS, 23 fixes"
    assert found.metres_per_unit == pytest.approx(3.3, rel=0.05)


def test_gps_that_cannot_tell_is_not_used() -> None:
    centres, geo = walk(length=8.0)
    assert gps_evidence(centres, geo, UP) is None
    assert gps_evidence(*(part[:3] for part in walk(fixes=26)), UP) is None
    assert gps_evidence(centres, None, UP) is None
    assert gps_evidence(np.zeros((26, 3)), walk()[1], UP) is None


def test_rays_undo_the_lens() -> None:
    K = np.array([[500.0, 0, 320], [0, 505, 240], [0, 0, 1]])
    distortion = np.array([-0.2, 0.05, 0.001, -0.002])
    x, y = 0.45, -0.3
    r2 = x * x + y * y
    radial = 1 + distortion[0] * r2 + distortion[1] * r2 * r2
    u = (x * radial + 2 * distortion[2] * x * y + distortion[3] * (r2 + 2 * x * x)) * 500 + 320
    v = (y * radial + distortion[2] * (r2 + 2 * y * y) + 2 * distortion[3] * x * y) * 505 + 240
    lens = Lens(K=K, distortion=distortion, width=640, height=480)
    assert undistorted_ray(lens, u, v) == pytest.approx((x, y), abs=1e-9)


@pytest.mark.parametrize("scale", [0.02, 1.0, 40.0])
def test_the_sparse_floor_is_the_floor_in_any_unit(tiny_room: Room, scale: float) -> None:
    """Not the table, not the low box, not the cupboard's top, although features are as dense there."""
    posed = posed_photos(
        tiny_room, frame_from_room=Similarity(scale=scale, rotation=np.eye(3), translation=np.array([0, 0, 5.0]))
    )
    tilted = np.array([0.03, -0.02, 1.0]) / np.linalg.norm([0.03, -0.02, 1.0])
    floor = find_sparse_floor(posed.sparse.points, posed.centres, up=tilted, up_sigma_deg=2.0)
    assert floor is not None
    assert floor.height == pytest.approx(5.0, abs=0.02 * scale)
    assert np.degrees(np.arccos(floor.normal[2])) < 0.5 and floor.tilt_sigma_deg < 0.5


def test_a_bare_floor_with_a_handful_of_features_is_still_the_floor(tiny_room: Room) -> None:
    posed = posed_photos(tiny_room)
    points = posed.sparse.points
    rng = np.random.default_rng(0)
    on_floor = points[:, 2] < 0.03
    few = np.flatnonzero(on_floor)[rng.permutation(on_floor.sum())[:30]]
    points = np.concatenate([points[~on_floor], points[few]])
    floor = find_sparse_floor(points, posed.centres, up=UP, up_sigma_deg=1.0)
    assert floor is not None and abs(floor.height) < 0.05


def test_no_points_no_floor() -> None:
    assert find_sparse_floor(np.zeros((0, 3)), np.ones((3, 3)), up=UP, up_sigma_deg=1.0) is None


def test_exact_fixes_tell_the_scale() -> None:
    centres, geo = walk(noise=0.0)
    found = gps_evidence(centres, geo, UP)
    assert found is not None and found.metres_per_unit == pytest.approx(3.3, rel=1e-9)


@pytest.mark.parametrize("stem", ["Küche 1", "Kuche_1"])
def test_a_mark_finds_its_photo_by_the_files_own_stem(stem: str, tiny_room: Room) -> None:
    posed = posed_photos(tiny_room)
    posed = replace(posed, names=("Kuche_1", *posed.names[1:]))
    end = PhotoPoint(photo=stem, pixel=(80.0, 60.0))
    stated = KnownDistanceScale(
        known_distance=KnownDistance(a=end, b=PhotoPoint(photo=posed.names[3], pixel=(1.0, 2.0)), metres=1.0)
    )
    check_marked_photos(stated, posed.names)
    assert marked_length(stated, posed).views == (0, 3)


def test_a_pixel_the_lens_folds_over_has_no_ray() -> None:
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    strong = Lens(K=K, distortion=np.array([-0.9, 0.0, 0.0, 0.0]), width=640, height=480)
    assert undistorted_ray(strong, 330.0, 240.0)[0] == pytest.approx(0.02, rel=1e-3)
    with pytest.raises(InputError, match="can't be undone"):
        undistorted_ray(strong, 639.0, 479.0)
