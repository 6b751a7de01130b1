"""What a photo's EXIF block says: which side is up, focal length, GPS. A block that makes no sense says nothing.

EXIF comes from strangers and from careless software, so a damaged or absurd entry counts as absent; it is evidence,
never a reason to lose a photo.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from lyra_sim.data.posed import GpsFix

FILM_DIAGONAL_MM = 43.27
"""Diagonal of 36 x 24 mm film. CIPA DCG-001 (2005) and EXIF define the 35 mm equivalent by diagonals, which matters for
every sensor that isn't 3:2; COLMAP reads it so too, with this very figure. Derived."""
FOCAL_OVER_DIAGONAL = (0.1, 50.0)
"""A focal length outside this share of the image diagonal is a typing error (a 4 mm fisheye has 0.2, a 1200 mm lens 28).
Convention."""
ALTITUDES_M = (-1_000.0, 20_000.0)
"""Altitudes outside this are not a place photos are taken at; the fix then has none. Convention."""
RESHAPED = 0.02
"""EXIF speaks of the sensor's image. Once the sides' ratio differs by more than this, the photo was cropped and the focal
length is unknown. Convention."""

_ORIENTATION, _EXIF_BLOCK, _GPS_BLOCK = 0x0112, 0x8769, 0x8825
"""EXIF's tags of these blocks. Convention."""
_FOCAL_MM, _FOCAL_35MM, _EXIF_WIDTH, _EXIF_HEIGHT = 0x920A, 0xA405, 0xA002, 0xA003
"""EXIF's tags of focal lengths and of the sensor image's size. Convention."""
_COLOUR_SPACE, _INTEROP_BLOCK = 0xA001, 0xA005
"""EXIF's tags of the colour space, and of the block that names its uncalibrated one. Convention."""
_PLANE_X_RESOLUTION, _PLANE_UNIT = 0xA20E, 0xA210
"""EXIF's tags of the focal plane's resolution. Convention."""
_PLANE_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""FocalPlaneResolutionUnit: inch, centimetre, millimetre, micrometre."""
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE, _STATUS = 1, 2, 3, 4, 5, 6, 9
"""EXIF's tags of the GPS block. Convention."""

_MALFORMED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What Pillow's parser is known to raise on damaged blocks (fuzzed in the tests)."""


@dataclass(frozen=True, kw_only=True)
class ExifFacts:
    """What we use of a photo's EXIF."""

    orientation: int = 1
    """EXIF orientation, 1..8; 1 is upright."""
    focal_px: float | None = None
    """For the size the image has now, either way up [px]."""
    gps: GpsFix | None = None
    adobe_rgb: bool = False
    """The colours are Adobe RGB's (DCF's option, ``R03``): cameras that write it often embed no profile."""


def read_exif(image: Image.Image) -> ExifFacts:
    """Facts of a decoded image; those that are missing or malformed are absent, each for itself. Never raises.

    Pillow warns about some damaged blocks. Photos are read by several threads and a filter of warnings belongs to the whole
    process, so it is for the caller to set one.
    """
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION, 1)
    except _MALFORMED:
        return ExifFacts()
    tags = _block(exif, _EXIF_BLOCK)
    return ExifFacts(
        orientation=orientation if orientation in range(1, 9) else 1,
        focal_px=focal_px_of(tags, image.size),
        gps=gps_fix_of(_block(exif, _GPS_BLOCK)),
        adobe_rgb=_is_adobe_rgb(tags, exif),
    )


def focal_px_of(tags: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """Focal length for an image of ``size`` [px], from the 35 mm equivalent, else from the sensor's pixel pitch.

    The equivalent is ``f35 / 43.27 mm`` of the image diagonal. The pitch belongs to the image as it left the camera, whose
    size EXIF repeats; a photo scaled down since then scales its focal length with it.
    """
    diagonal = math.hypot(*size)
    width, height = _positive(tags.get(_EXIF_WIDTH)), _positive(tags.get(_EXIF_HEIGHT))
    scale = 1.0
    if width is not None and height is not None:
        longer, shorter = max(width, height), min(width, height)
        if abs(longer / shorter / (max(size) / min(size)) - 1) > RESHAPED:
            return None
        scale = max(size) / longer
    equivalent = _positive(tags.get(_FOCAL_35MM))
    focal_mm, per_unit = _positive(tags.get(_FOCAL_MM)), _positive(tags.get(_PLANE_X_RESOLUTION))
    unit = _positive(tags.get(_PLANE_UNIT, 2))
    focal = None
    if equivalent is not None:
        focal = equivalent / FILM_DIAGONAL_MM * diagonal
    elif focal_mm is not None and per_unit is not None and unit in _PLANE_UNIT_MM:
        focal = focal_mm * per_unit / _PLANE_UNIT_MM[int(unit)] * scale
    low, high = FOCAL_OVER_DIAGONAL
    return focal if focal is not None and low * diagonal <= focal <= high * diagonal else None


def gps_fix_of(tags: Mapping[int, Any]) -> GpsFix | None:
    """The fix of a GPS block; None when it is void, has no hemisphere, or lies off the globe.

    (0, 0) is what phones write before they have a fix, and no place to take photos; it counts as none.
    """
    if _text(tags.get(_STATUS)) == "V":
        return None
    latitude = _degrees(tags.get(_LATITUDE), _text(tags.get(_LATITUDE_REF)), "N", "S", 90.0)
    longitude = _degrees(tags.get(_LONGITUDE), _text(tags.get(_LONGITUDE_REF)), "E", "W", 180.0)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    altitude = _number(tags.get(_ALTITUDE))
    if altitude is not None:
        below = tags.get(_ALTITUDE_REF) in (1, 3, b"\x01", b"\x03")  # EXIF 3.0 added 2 and 3, above and below the ellipsoid
        altitude = -altitude if below else altitude
        altitude = altitude if ALTITUDES_M[0] <= altitude <= ALTITUDES_M[1] else None
    return GpsFix(latitude=latitude, longitude=longitude, altitude=altitude)


def _is_adobe_rgb(tags: Mapping[int, Any], exif: Image.Exif) -> bool:
    """2 is what makers wrote before DCF settled on "uncalibrated" (65535) beside the interoperability index R03."""
    space = tags.get(_COLOUR_SPACE)
    return space == 2 or (space == 65535 and _text(_block(exif, _INTEROP_BLOCK).get(1)) == "R03")


def _block(exif: Image.Exif, tag: int) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(tag))
    except _MALFORMED:
        return {}


def _number(value: Any) -> float | None:
    """Finite float of a rational, number, or one-element tuple of one."""
    if isinstance(value, tuple) and len(value) == 1:
        (value,) = value
    if value is None or isinstance(value, str | bytes):
        return None
    try:
        number = float(value)
    except _MALFORMED:
        return None
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", errors="replace")
    return value.strip("\0 ").upper() if isinstance(value, str) else ""


def _degrees(value: Any, reference: str, positive: str, negative: str, largest: float) -> float | None:
    """Signed degrees of (degrees, minutes, seconds)."""
    if reference not in (positive, negative) or not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    parts = [_number(part) for part in value]
    total = 0.0
    for part, share in zip(parts, (1.0, 60.0, 3600.0), strict=False):
        if part is None or part < 0:
            return None
        total += part / share
    if total > largest:
        return None
    return -total if reference == negative else total
