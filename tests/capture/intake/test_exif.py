"""EXIF is evidence: read where it makes sense, absent where it doesn't, and never a reason to fail."""

import io
import math
import warnings

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from lyra_sim.capture.intake.exif import FILM_DIAGONAL_MM, ExifFacts, focal_px_of, gps_fix_of, read_exif
from lyra_sim.data.posed import GpsFix

EXIF, GPS = 0x8769, 0x8825
FOCAL, FOCAL_35, WIDTH, HEIGHT, X_RESOLUTION, UNIT = 0x920A, 0xA405, 0xA002, 0xA003, 0xA20E, 0xA210
LUND = {1: "N", 2: (55.0, 41.0, 53.4), 3: "E", 4: (13.0, 11.0, 43.4), 5: b"\0", 6: 37.0}


def jpeg(exif: Image.Exif, size=(64, 48)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "grey").save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def full_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(EXIF).update({FOCAL: 4.3, FOCAL_35: 35, WIDTH: 64, HEIGHT: 48})
    exif.get_ifd(GPS).update(LUND)
    return exif


def test_a_whole_block():
    with Image.open(io.BytesIO(jpeg(full_exif()))) as image:
        facts = read_exif(image)
    assert facts.orientation == 6
    assert facts.focal_px == pytest.approx(35 / FILM_DIAGONAL_MM * 80)
    assert facts.gps is not None
    assert facts.gps.latitude == pytest.approx(55 + 41 / 60 + 53.4 / 3600)
    assert facts.gps.longitude == pytest.approx(13 + 11 / 60 + 43.4 / 3600)
    assert facts.gps.altitude == 37


def test_a_full_frame_camera_has_its_own_focal_length():
    """On 36 x 24 mm the equivalent is the focal length itself, so pixel pitch and equivalent must agree."""
    size, pitch = (6000, 4000), 36 / 6000
    from_equivalent = focal_px_of({FOCAL_35: 50}, size)
    from_pitch = focal_px_of({FOCAL: 50.0, X_RESOLUTION: 10 / pitch, UNIT: 3, WIDTH: 6000, HEIGHT: 4000}, size)
    assert from_equivalent == pytest.approx(50 / pitch, rel=1e-3)
    assert from_pitch == pytest.approx(50 / pitch)


@pytest.mark.parametrize(("unit", "millimetres"), [(2, 25.4), (3, 10.0), (4, 1.0), (5, 0.001)])
def test_pixel_pitch_in_every_unit_follows_a_scaled_photo(unit, millimetres):
    tags = {FOCAL: 8.0, X_RESOLUTION: 250 * millimetres, UNIT: unit, WIDTH: 4000, HEIGHT: 3000}
    assert focal_px_of(tags, (4000, 3000)) == pytest.approx(2000)
    assert focal_px_of(tags, (1000, 750)) == pytest.approx(500)
    assert focal_px_of(tags, (750, 1000)) == pytest.approx(500), "a turned photo has the same focal length"


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {FOCAL_35: 0},
        {FOCAL_35: -35},
        {FOCAL_35: 60_000},
        {FOCAL_35: "wide"},
        {FOCAL_35: IFDRational(1, 0)},
        {FOCAL_35: float("nan")},
        {FOCAL: 4.3},
        {FOCAL: 4.3, X_RESOLUTION: IFDRational(0, 0)},
        {FOCAL: 8.0, X_RESOLUTION: 250.0, UNIT: 1},
        {FOCAL_35: 35, WIDTH: 64, HEIGHT: 64},
    ],
    ids=repr,
)
def test_no_focal_length_from_nonsense_or_a_cropped_photo(tags):
    assert focal_px_of(tags, (64, 48)) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({1: "S"}, (-1, 1, 37.0)),
        ({3: "W"}, (1, -1, 37.0)),
        ({1: b"N\0"}, (1, 1, 37.0)),
        ({5: b"\x01"}, (1, 1, -37.0)),
        ({5: 1}, (1, 1, -37.0)),
        ({6: None}, (1, 1, None)),
        ({6: IFDRational(1, 0)}, (1, 1, None)),
        ({6: 400_000.0}, (1, 1, None)),
    ],
    ids=repr,
)
def test_hemispheres_and_altitudes(change, expected):
    north, east, altitude = expected
    fix = gps_fix_of(LUND | change)
    assert fix is not None
    assert math.copysign(1, fix.latitude) == north and math.copysign(1, fix.longitude) == east
    assert fix.altitude == altitude


@pytest.mark.parametrize(
    "change",
    [
        {1: None},
        {1: "X"},
        {2: (91.0, 0.0, 0.0)},
        {2: 55.7},
        {2: ()},
        {2: (55.0, "a", 1.0)},
        {2: (IFDRational(0, 0), 0.0, 0.0)},
        {4: (-13.0, 0.0, 0.0)},
        {4: None},
        {9: "V"},
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
    ],
    ids=repr,
)
def test_no_fix_from_nonsense(change):
    assert gps_fix_of(LUND | change) is None


def test_a_damaged_block_is_an_absent_block():
    """Every byte of the block set to several values, and the block cut at every length: facts or none, no exception."""
    whole = full_exif().tobytes()
    rng = np.random.default_rng(5)
    broken = [whole[:end] for end in range(len(whole))]
    for at in range(len(whole)):
        for value in (0, 0xFF, int(rng.integers(1, 255))):
            broken.append(whole[:at] + bytes([value]) + whole[at + 1 :])
    image = Image.new("RGB", (64, 48))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in broken:
            image.info["exif"] = block
            image._exif = None
            facts = read_exif(image)
            assert facts.orientation in range(1, 9)
            assert facts.focal_px is None or facts.focal_px > 0
            assert facts.gps is None or abs(facts.gps.latitude) <= 90


def test_no_block_at_all():
    assert read_exif(Image.new("RGB", (64, 48))) == ExifFacts()


def test_lund_street(shared_data):
    with Image.open(shared_data / "photos_lund_street" / "images" / "29.jpg") as image:
        facts = read_exif(image)
    assert facts.focal_px == pytest.approx(1035.4, abs=0.1)
    assert facts.gps == GpsFix(latitude=55 + 41 / 60 + 58.95 / 3600, longitude=13 + 11 / 60 + 40.28 / 3600, altitude=35.0)
