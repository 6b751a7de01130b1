"""Panoramas told from photos: a pinhole can't stand for a picture that looks all around.

Stitchers write what a panorama is (Google's Photo Sphere metadata, in XMP); frames cut from 360° video and pictures that were
edited have lost it, and show it all the same: twice as wide as high, the left border goes on in the right one, and the first
and the last row are one point each.
"""

import re
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from lyra_sim.capture.intake.fisheyes import NEXT_STEP, shows_circles
from lyra_sim.data.posed import Photo, PhotoSet
from lyra_sim.errors import InputError

Panorama = Literal["no", "stated", "seen", "part", "fisheye"]
"""All around as its file says, or as its pixels show; a part of such a picture, or of a cylinder, which nothing here cuts;
round pictures of fisheyes, which have to be stitched first."""

MOST_XMP = 1 << 20
"""Bytes of XMP that are looked through: maps of depth are stored in it, behind what is looked for. Convention."""
SEAM = 2.0
"""Left and right border may differ by this many times what neighbouring columns differ by, in the median … Tuned,
unrecorded."""
EDGES = 0.9
"""… or by what this share of neighbours stays below: a seam may run along the edge of something. Tuned, unrecorded."""
POLE = 0.25
"""Spread of colours in the outermost rows over that of the whole picture. Tuned, unrecorded."""
LEAST_SPREAD = 8.0
"""Of a picture that anything can be told of [levels of 255]. Tuned, unrecorded."""
SHAPE = 0.01
"""Width over height of a whole panorama may differ from 2 by this fraction. Convention."""
JUDGED = (512, 256)
"""Width and height at which borders and rows are compared [px]. Convention."""

_STATED = re.compile(rb"""GPano:(\w+)\s*(?:=\s*["']\s*([\w.+-]+)|>\s*([\w.+-]+))""")
"""An attribute or an element: writers use both."""


def panorama_of(image: Image.Image) -> Panorama:
    """What a decoded photo is. Never raises."""
    said = _xmp(image)
    if said:
        projection = said.get("ProjectionType", "equirectangular").lower()
        return "stated" if projection == "equirectangular" and _whole(said, image.size) else "part"
    return shown_by(image)


def shown_by(image: Image.Image) -> Panorama:
    """What the pixels alone show. Circles first: borders and poles of a pair of them look like a panorama's."""
    return "fisheye" if shows_circles(image) else "seen" if looks_around(image) else "no"


def settled(photos: PhotoSet, projection: str, *, subject: str, key: str) -> PhotoSet:
    """Photos that a pinhole can stand for; or panoramas alone, which are to be cut.

    Pixels alone decide nothing about one photo among many: they count where most of the set look all around, and then it is
    asked.

    Args:
        photos: As intake let them through.
        projection: ``pinhole`` or ``equirectangular`` where the scene says what they are; ``auto``.
        subject: Whom a message is about.
        key: Of the source in the scene file.

    Raises:
        InputError: Nothing is left, most seem to look all around, or some are no panoramas where all were said to be.
    """
    if projection == "pinhole":
        return replace(photos, photos=tuple(replace(photo, panorama="no") for photo in photos.photos))
    photos = _without_fisheyes(photos, projection, subject=subject, key=key)
    if projection == "equirectangular":
        return _all_panoramas(photos, subject)
    stated = [photo for photo in photos.photos if photo.panorama == "stated"]
    seen = [photo for photo in photos.photos if photo.panorama == "seen"]
    if 2 * len(stated) > len(photos.photos):
        left = {photo.name: photo for photo in photos.photos if photo.panorama not in ("stated", "seen")}
        kept = _without(photos, left, "no panorama, as most others are")
        return replace(kept, photos=tuple(replace(photo, panorama="stated") for photo in kept.photos))
    if 2 * len(stated + seen) > len(photos.photos):
        raise InputError(
            subject,
            f"{len(stated + seen)} of {len(photos.photos)} pictures seem to be 360° panoramas (equirectangular), "
            f"'{seen[0].name}' first: twice as wide as high, without a seam, with poles",
            expected="pictures through one lens, or panoramas that are said to be",
            next_step=f"Set {key}.projection: equirectangular, or pinhole if they are none.",
        )
    left = {photo.name: photo for photo in photos.photos if photo.panorama in ("stated", "part")}
    if len(left) == len(photos.photos):
        raise InputError(
            subject,
            f"{len(left)} panoramas that look neither all around nor through one lens, as their metadata says",
            expected="photos",
            next_step="Give the photos they were stitched from.",
        )
    return _without(photos, left, "a panorama or a part of one, as its metadata says")


def _without_fisheyes(photos: PhotoSet, projection: str, *, subject: str, key: str) -> PhotoSet:
    """Photos without a few round ones; refused where most are, or where all are said to be panoramas."""
    fisheyes = {photo.name: photo for photo in photos.photos if photo.panorama == "fisheye"}
    if fisheyes and (projection == "equirectangular" or 2 * len(fisheyes) > len(photos.photos)):
        raise InputError(
            subject,
            f"{len(fisheyes)} of {len(photos.photos)} pictures are a fisheye's circles on black, "
            f"'{next(iter(fisheyes))}' first",
            expected="pictures through one lens, or stitched to equirectangular panoramas",
            likely="Raw files of a 360° camera.",
            next_step=NEXT_STEP.format(key=key) + "; or pinhole if they are photos with a round frame.",
        )
    return _without(photos, fisheyes, "a fisheye's circle on black")


def _without(photos: PhotoSet, left: dict[str, Photo], why: str) -> PhotoSet:
    kept = tuple(photo for photo in photos.photos if photo.name not in left)
    return replace(photos, photos=kept, skipped=(*photos.skipped, *((name, why) for name in left)))


def _all_panoramas(photos: PhotoSet, subject: str) -> PhotoSet:
    odd = next((photo for photo in photos.photos if abs(photo.width / (2 * photo.height) - 1) > SHAPE), None)
    if odd is not None:
        raise InputError(
            subject,
            f"'{odd.name}' of {odd.width}x{odd.height} pixels is no equirectangular panorama",
            expected="pictures twice as wide as high",
        )
    return replace(photos, photos=tuple(replace(photo, panorama="stated") for photo in photos.photos))


def looks_around(image: Image.Image) -> bool:
    """Whether the pixels are those of an equirectangular picture, as far as they tell."""
    if image.width != 2 * image.height or image.width < JUDGED[0]:
        return False
    small = np.asarray(image.convert("RGB").resize(JUDGED, Image.Resampling.BOX))
    return _closes(small) and _has_poles(small)


def _closes(picture: UInt8[np.ndarray, "h w 3"]) -> bool:
    levels = picture.astype(np.float32)
    apart = np.abs(np.diff(levels, axis=1, append=levels[:, :1])).mean(axis=(0, 2))
    return bool(apart[-1] <= max(SEAM * np.median(apart[:-1]), np.quantile(apart[:-1], EDGES)))


def _has_poles(picture: UInt8[np.ndarray, "h w 3"]) -> bool:
    levels = picture.astype(np.float32)
    spread = float(levels.std(axis=1).mean())
    poles = levels[[0, -1]].std(axis=1).mean(axis=1)
    return bool(spread >= LEAST_SPREAD and poles.max() <= POLE * spread)


def _xmp(image: Image.Image) -> dict[str, str]:
    """Photo Sphere's entries; empty where there are none. XMP is searched, not parsed: nothing in it can then unfold."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    content = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
    if not isinstance(content, bytes) or b"GPano" not in content[:MOST_XMP]:
        return {}
    found = {name: (attribute or element) for name, attribute, element in _STATED.findall(content[:MOST_XMP])}
    return {name.decode(): value.decode() for name, value in found.items()}


def _whole(said: dict[str, str], size: tuple[int, int]) -> bool:
    """All around and from pole to pole, by what is said of the cut; else by the picture's own shape."""
    pairs = [(said.get(f"CroppedAreaImage{side}Pixels"), said.get(f"FullPano{side}Pixels")) for side in ("Width", "Height")]
    if any(cut is not None and full is not None and cut != full for cut, full in pairs):
        return False
    return abs(size[0] / (2 * size[1]) - 1) <= SHAPE
