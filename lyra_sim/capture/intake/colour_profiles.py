"""What a photo says its colours mean, and its pixels brought to sRGB by it: an ICC profile in the file, else its EXIF.

Phones write Display P3, some cameras Adobe RGB; taken as sRGB both look dull. A profile that does to colours what sRGB does
changes nothing, whatever it is called.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageCms

from lyra_sim.conventions import RGB709_FROM_RGB2020, RGB709_FROM_RGBP3, linear_from_srgb, srgb_bytes_from_linear

BT2020, P3 = 9, 12
"""Primaries of ITU-T H.273 that are wider than sRGB's. Convention."""
MOST_BYTES = 1 << 23
"""Of a profile: those of printers reach 3 MB. Convention."""
SAME_AS_SRGB = 3
"""Levels of 255 that a profile may differ from sRGB by and still be it: makers round its numbers. Convention."""
RGB709_FROM_ADOBE_RGB = np.array([[1.398355, -0.398355, 0.0], [0.0, 1.0, 0.0], [0.0, -0.042930, 1.042930]])
"""Linear light; both whites are D65 (Adobe RGB (1998), 4.3). Derived."""
ADOBE_GAMMA = 563 / 256
"""Adobe RGB (1998), 4.3.4.2. Convention."""

_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode for the colours a profile speaks of."""
_CLASSES = ("scnr", "mntr", "prtr", "spac")
"""Profiles of devices and spaces; links and named colours aren't about a photo's pixels."""
_ROWS = 256
"""Rows that are worked on at once: a photo in floating point would be hundreds of megabytes. Convention."""
_FAULTS = (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError)
"""What Pillow raises on damaged profiles."""


@dataclass(frozen=True, kw_only=True)
class ColourReading:
    """What is to be done with a photo's colours."""

    to_srgb: Callable[[Image.Image], Image.Image] | None = None
    """From the decoded image to 8-bit RGB without alpha; None: they are sRGB already, or nobody says."""
    source: str = ""
    """What they are, where something is done: ``Display P3``."""
    fault: str = ""
    """Why a profile can't be followed; colours are then taken as sRGB."""


AS_THEY_ARE = ColourReading()


def read_colours(image: Image.Image, *, adobe_rgb: bool = False, primaries: int | None = None) -> ColourReading:
    """How to bring a photo to sRGB. Never raises.

    Args:
        image: Open; its pixels aren't looked at.
        adobe_rgb: EXIF says so; counts where the file has no profile.
        primaries: H.273 number that a HEIC file states; counts where it has no profile.
    """
    if "icc_profile" in image.info:
        content = image.info["icc_profile"]
        if not isinstance(content, bytes) or not content:
            return ColourReading(fault="it can't be unpacked")
        if len(content) > MOST_BYTES:
            return ColourReading(fault=f"it has {len(content)} bytes")
        return _by_profile(content, _family(image.mode))
    matrix = {P3: RGB709_FROM_RGBP3, BT2020: RGB709_FROM_RGB2020}.get(primaries or 0)
    if matrix is not None:
        source = "Display P3" if primaries == P3 else "BT.2020"
        return ColourReading(to_srgb=lambda picture: _by_matrix(picture, matrix, linear_from_srgb), source=source)
    if adobe_rgb and _family(image.mode) == "RGB":
        return ColourReading(
            to_srgb=lambda picture: _by_matrix(picture, RGB709_FROM_ADOBE_RGB, lambda rgb: rgb**ADOBE_GAMMA),
            source="Adobe RGB by EXIF",
        )
    return AS_THEY_ARE


def _family(mode: str) -> str:
    """Which of ``_SPACES`` an image's pixels are, by Pillow's mode."""
    if mode == "CMYK":
        return "CMYK"
    return "GRAY" if mode in ("1", "L", "LA", "La") or mode.startswith("I") else "RGB"


@lru_cache(maxsize=64)
def _by_profile(content: bytes, family: str) -> ColourReading:
    """Photos of one camera share a profile, and looking at one takes longer than at its photo's header."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(content))
        space, kind = opened.profile.xcolor_space.strip(), opened.profile.device_class.strip()
        name = " ".join((opened.profile.profile_description or "without a name").split())[:60]
        if kind not in _CLASSES or space not in _SPACES:
            return ColourReading(fault=f"'{name}' is of class '{kind}' for colours '{space}'")
        if space != family and (space, family) != ("RGB", "GRAY"):  # grey photos often carry the profile of coloured ones
            return ColourReading(fault=f"'{name}' is for {space}, and the photo is {family}")
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            _SPACES[space],
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION if space == "CMYK" else ImageCms.Flags.NONE,
        )
        if space != "CMYK" and _changes_little(transform, _SPACES[space]):
            return AS_THEY_ARE
    except _FAULTS as error:
        return ColourReading(fault=" ".join(str(error).split()) or type(error).__name__)
    mode = _SPACES[space]
    return ColourReading(to_srgb=lambda image: _transformed(image, transform, mode), source=name)


def _transformed(image: Image.Image, transform: ImageCms.ImageCmsTransform, mode: str) -> Image.Image:
    found = ImageCms.applyTransform(image if image.mode == mode else image.convert(mode), transform)
    assert found is not None
    return found


def _changes_little(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Over a grid of all colours."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        given = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
        probe = Image.fromarray(given[..., 0])
    else:
        given = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        probe = Image.fromarray(given)
    came = np.asarray(_transformed(probe, transform, mode)).astype(int)
    return bool(np.abs(came - given).max() <= SAME_AS_SRGB)


def _by_matrix(
    image: Image.Image, rgb709: Float64[np.ndarray, "3 3"], linear: Callable[[np.ndarray], np.ndarray]
) -> Image.Image:
    rgb = np.asarray(image.convert("RGB"))
    tops = range(0, len(rgb), _ROWS)
    rows = (srgb_bytes_from_linear(linear(rgb[top : top + _ROWS].astype(np.float32) / 255) @ rgb709.T) for top in tops)
    return Image.fromarray(np.concatenate(list(rows)))
