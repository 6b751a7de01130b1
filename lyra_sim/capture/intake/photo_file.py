"""One photo: what the file is, whether it is whole, and an upright 8-bit RGB copy that every later reader understands."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from lyra_sim.capture.intake.colour_profiles import ColourReading, read_colours
from lyra_sim.capture.intake.exif import read_exif
from lyra_sim.capture.intake.heic import heic_as_png
from lyra_sim.capture.intake.images import PHOTO_FORMATS, open_image
from lyra_sim.capture.intake.panoramas import panorama_of
from lyra_sim.data.posed import Photo
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import CaptureConfig

SMALLEST_SIDE = 16
"""An image with a shorter side is an icon or a tracking pixel, and too small to find a feature in [px]. Convention."""
PNG_EFFORT = 1
"""zlib level of re-encoded photos: lossless either way, and the working folder lives for one build. Convention."""

_KINDS = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WebP"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
)
_FOREIGN = (
    (4, b"ftypavif", "AVIF"),
    (0, b"II*\0", "TIFF or camera raw"),
    (0, b"MM\0*", "TIFF or camera raw"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"%PDF", "PDF"),
    (4, b"ftyp", "MP4 video"),
)
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings an image of each EXIF orientation upright."""


def kind_of(file: Path) -> str | None:
    """JPEG, PNG, WebP or HEIC by the first bytes, whatever the name says; None for anything else."""
    with file.open("rb") as stream:
        head = stream.read(16)
    return _match(head, _KINDS)


def take_in_photo(file: Path, *, name: str, limits: CaptureConfig, work: Path, primaries: int | None = None) -> Photo:
    """Decode a file whole and put it into ``work``; an InputError whose ``found`` holds the reason when it isn't sound.

    An upright 8-bit sRGB JPEG or PNG is linked or copied as it is, so that nothing is lost; anything else is written as PNG.
    Alpha is composited on white: cut-outs are mostly made for white pages, and black would look like shadow.

    Args:
        file: Told by content.
        name: Stem in ``work``.
        limits: Caps, checked before anything is decoded.
        work: Folder of the upright photos.
        primaries: Those that a HEIC container states, as H.273 numbers them.

    Raises:
        InputError: It is missing, broken, animated, or too small to be a photo.
    """
    try:
        kind = _checked_kind(file, limits)
        if kind == "HEIC":
            return _take_in_heic(file, name=name, limits=limits, work=work)
        with open_image(file, max_pixels=limits.max_pixels, formats=PHOTO_FORMATS) as image:
            if kind != "JPEG" and getattr(image, "n_frames", 1) > 1:  # a JPEG's further pictures are depth or gain maps
                raise InputError(str(file), f"an animated {kind}", expected="a still photo", next_step="Give it as video.")
            if min(image.size) < SMALLEST_SIDE:
                raise InputError(str(file), f"only {image.width}x{image.height} pixels", expected="a photo")
            image.load()
            facts = read_exif(image)
            colours = read_colours(image, adobe_rgb=facts.adobe_rgb, primaries=primaries)
            plain = kind != "WebP" and facts.orientation == 1 and _is_plain_rgb(image, file, kind)
            as_it_is = plain and colours.to_srgb is None
            upright = None if as_it_is else _rgb(image, colours)
            panorama = panorama_of(image)
            width, height = image.size
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(str(file), "missing", expected="an image") from error
    except (OSError, SyntaxError, ValueError, OverflowError, EOFError, IndexError, MemoryError) as error:
        found = f"damaged ({_without_path(error, file)})"
        raise InputError(str(file), found, expected="a whole image", likely="The file is truncated.") from error
    target = work / (name + (".jpg" if as_it_is and kind == "JPEG" else ".png"))
    target.unlink(missing_ok=True)  # it may be a link to somebody's photo from an earlier call: never write through it
    if upright is None:
        _link_or_copy(file, target)
    else:
        upright = upright_of(upright, facts.orientation)
        width, height = upright.size
        upright.save(target, format="PNG", compress_level=PNG_EFFORT, icc_profile=None)
    return Photo(
        name=name,
        file=target,
        width=width,
        height=height,
        focal_px=facts.focal_px,
        gps=facts.gps,
        orientation=facts.orientation,
        colours_from=colours.source,
        profile_fault=colours.fault,
        panorama=panorama,
    )


def upright_of(image: Image.Image, orientation: int) -> Image.Image:
    """An image as stored, turned as an EXIF orientation says."""
    return image if orientation == 1 else image.transpose(_TRANSPOSED[orientation])


def _take_in_heic(file: Path, *, name: str, limits: CaptureConfig, work: Path) -> Photo:
    """By way of a PNG, whose bytes nobody gave us and aren't capped."""
    with TemporaryDirectory(dir=work) as folder:
        picture = Path(folder) / "picture.png"
        primaries = heic_as_png(file, picture, max_pixels=limits.max_pixels)
        uncapped = limits.model_copy(update={"max_bytes": max(limits.max_bytes, picture.stat().st_size)})
        try:
            return take_in_photo(picture, name=name, limits=uncapped, work=work, primaries=primaries)
        except InputError as error:
            raise InputError(str(file), error.found, expected=error.expected, next_step=error.next_step) from error


def _checked_kind(file: Path, limits: CaptureConfig) -> str:
    size = file.stat().st_size
    if size == 0:
        raise InputError(str(file), "an empty file", expected="an image")
    if size > limits.max_bytes:
        raise InputError(
            str(file), f"{size} bytes", expected=f"at most {limits.max_bytes}", next_step="Raise capture.max_bytes."
        )
    kind = kind_of(file)
    if kind is None:
        with file.open("rb") as stream:
            foreign = _match(stream.read(16), _FOREIGN)
        raise InputError(
            str(file),
            f"{foreign}, which isn't read" if foreign else "no image at all",
            expected="JPEG, PNG or WebP",
            next_step="Export it as JPEG." if foreign else None,
        )
    return kind


def _match(head: bytes, table: tuple[tuple[int, bytes, str], ...]) -> str | None:
    return next((kind for at, magic, kind in table if head[at : at + len(magic)] == magic), None)


def _is_plain_rgb(image: Image.Image, file: Path, kind: str) -> bool:
    """8 bits, three channels, nothing transparent: what every reader reads alike."""
    if image.mode != "RGB" or image.has_transparency_data:
        return False
    with file.open("rb") as stream:
        return kind == "JPEG" or stream.read(25)[24] == 8  # bit depth in a PNG's header; Pillow calls 16-bit colour RGB too


def _rgb(image: Image.Image, colours: ColourReading) -> Image.Image:
    """8-bit sRGB; 16-bit grey keeps its full range, alpha lies on white."""
    if image.mode.startswith("I"):
        counts = np.asarray(image).astype(np.float64)
        image = Image.fromarray(np.clip(np.rint(counts / 257), 0, 255).astype(np.uint8))
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    coloured = image.convert("RGB") if colours.to_srgb is None else colours.to_srgb(image)
    if alpha is not None:
        coloured.putalpha(alpha)
        coloured = Image.alpha_composite(Image.new("RGBA", image.size, "white"), coloured).convert("RGB")
    return coloured


def _link_or_copy(file: Path, target: Path) -> None:
    """A hard link costs no space; other file systems and foreign owners need a copy. A link is never followed by a write:
    the working folder's photos are only read."""
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)


def _without_path(error: BaseException, file: Path) -> str:
    """The reason alone: reports hold no path of this machine."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).replace(str(file), file.name)
