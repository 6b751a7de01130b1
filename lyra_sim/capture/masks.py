"""Masks that come with pictures: black is what isn't to be looked at, as COLMAP and nerfstudio have it.

Two layouts name them picture by picture: ``mask_path`` of a transforms.json's frames, and COLMAP's folder ``masks/`` beside the
images, which holds ``IMG_1.jpg.png`` for ``IMG_1.jpg``.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from PIL import Image

from lyra_sim.capture.cameras.camera_files import files_and_frames
from lyra_sim.capture.cameras.frame_images import image_file
from lyra_sim.capture.intake.images import open_image
from lyra_sim.capture.intake.photo_file import upright_of
from lyra_sim.data.files import read_json
from lyra_sim.data.posed import Photo, PhotoSet
from lyra_sim.errors import InputError

FOLDER = "masks"
"""COLMAP's name, beside the folder of the images. Convention."""
SAME_SHAPE = 0.01
"""Width over height of a mask and its picture may differ by this fraction, as those of depth may. Convention."""
MOSTLY_MASKED = 0.8
"""Where masks leave out more than this, they may well be inverted, which is told. Convention."""


def masks_of_transforms(file: Path) -> tuple[dict[Path, Path], tuple[str, ...]]:
    """Mask of every image whose frame names one that is there, and what to tell of the others.

    Raises:
        InputError: It is no such file, or a path leads out of its folder.
    """
    images, order = files_and_frames(file)
    frames, folder = read_json(file)["frames"], Path(os.path.abspath(file.parent))
    named = {
        image: image_file(folder, str(frames[index]["mask_path"]), file)
        for image, index in zip(images, order, strict=True)
        if frames[index].get("mask_path")
    }
    found = {image: mask for image, mask in named.items() if mask.is_file()}
    lost = len(named) - len(found)
    said = (f"masks that {lost} frames name (mask_path) aren't there: their images are used whole",) if lost else ()
    return found, said


def masks_beside(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Mask of every image that has one in COLMAP's folder beside ``folder``, which the images lie in."""
    masks = folder.parent / FOLDER
    if not masks.is_dir():
        return {}
    root = Path(os.path.abspath(folder))
    inside = [image for image in images if Path(os.path.abspath(image)).is_relative_to(root)]
    found = {image: masks / f"{Path(os.path.abspath(image)).relative_to(root).as_posix()}.png" for image in inside}
    return {image: mask for image, mask in found.items() if mask.is_file()}


def read_mask(file: Path, *, width: int, height: int, max_pixels: int, orientation: int = 1) -> Bool[np.ndarray, "h w"]:
    """True where a picture is to be looked at. Beyond half of the brightest is kept: 0 and 1 are read as 0 and 255 are.

    Args:
        file: PNG or JPEG.
        width, height: Of the picture, upright [px]; another size of the same shape is brought to it by nearest neighbour.
        max_pixels: Cap.
        orientation: EXIF orientation of the picture's file. A mask has none of its own: it is turned likewise.

    Raises:
        InputError: It can't be read, or has another shape than its picture.
    """
    try:
        with open_image(file, max_pixels=max_pixels) as image:
            levels = image.convert("I" if image.mode.startswith("I") else "L")
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(str(file), f"can't be decoded ({error})", expected="a whole PNG", likely="It is truncated.") from error
    turned = upright_of(levels, orientation)
    if abs(turned.width * height / (turned.height * width) - 1) > SAME_SHAPE:
        raise InputError(
            str(file),
            f"a mask of {levels.width}x{levels.height} pixels",
            expected=f"the shape of its picture, {width}x{height}",
            next_step="Remove it, or make it as large as its picture.",
        )
    if turned.size != (width, height):
        turned = turned.resize((width, height), Image.Resampling.NEAREST)
    values = np.asarray(turned).astype(np.int64)
    return 2 * values > values.max()


def with_masks(photos: PhotoSet, masks: Mapping[str, Path], *, max_pixels: int, work: Path) -> PhotoSet:
    """The photos, each with its mask at its own size in ``work``, and what is told of them.

    Args:
        photos: As they were taken in.
        masks: By the photo's name.
        max_pixels: Cap.
        work: Folder for masks; made when there are any.

    Raises:
        InputError: A mask can't be read, or has another shape than its photo.
    """
    if not masks:
        return photos
    work.mkdir(parents=True, exist_ok=True)
    out: list[Photo] = []
    shares = []
    for photo in photos.photos:
        if photo.name not in masks:
            out.append(photo)
            continue
        size = {"width": photo.width, "height": photo.height}
        kept = read_mask(masks[photo.name], **size, max_pixels=max_pixels, orientation=photo.orientation)
        file = work / f"{photo.name}.png"
        Image.fromarray(kept.astype(np.uint8) * 255).save(file)
        shares.append(1 - float(kept.mean()))
        out.append(replace(photo, mask=file))
    said = told_of(len(shares), float(np.mean(shares)), what="photos") if shares else ()
    return replace(photos, photos=tuple(out), remarks=(*photos.remarks, *said))


def told_of(count: int, share: float, *, what: str) -> tuple[str, ...]:
    """What masks of so many pictures leave out, and a doubt where that is most of them."""
    said = f"masks of {count} {what} leave out {share:.1%} of their pixels: no features, no depth and no colour is taken there"
    doubt = "; black is left out, as COLMAP and nerfstudio have it: they may be inverted" if share > MOSTLY_MASKED else ""
    return (said + doubt,)
