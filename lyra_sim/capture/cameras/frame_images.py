"""Image files that the frames of a transforms.json name, and their sizes where the file states none."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lyra_sim.capture.intake.images import PHOTO_FORMATS, open_image
from lyra_sim.errors import InputError

MOST_PIXELS = 1 << 28
"""An image whose header claims more isn't believed, as PIL's own limit has it. Convention."""
_SUFFIXES = ("", ".jpg", ".jpeg", ".png", ".webp", ".JPG", ".JPEG", ".PNG")
"""Tried in turn on a nerfstudio ``file_path``, which may lack its suffix."""


def image_file(folder: Path, file_path: str, subject: Path) -> Path:
    """The image of a frame, whether it exists or not.

    Args:
        folder: Absolute, of the JSON.
        file_path: As the frame says it, perhaps without a suffix.
        subject: The JSON.

    Raises:
        InputError: It leads further out than to the folder above.
    """
    relative = Path(file_path.replace("\\", "/"))
    target = Path(os.path.normpath(folder / relative))
    if relative.is_absolute() or not target.is_relative_to(folder.parent) or target in (folder, folder.parent):
        raise InputError(
            str(subject),
            f"file_path '{file_path}' leads out of the folder the file lies in",
            expected="paths relative to the file, at most one folder up",
            next_step="Move the images beside the file.",
        )
    candidates = [target.with_name(target.name + suffix) for suffix in _SUFFIXES]
    return next((one for one in candidates if one.is_file()), target)


def frame_sizes(path: Path, facts: dict[str, Any], frames: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Width and height of every frame: its own, the file's, or those of its image as it is stored.

    NeRF-synthetic, BlenderNeRF and instant-ngp's older files state none. An image that is gone or broken counts as large
    as the first sound one: whoever reads the photos names it.

    Raises:
        InputError: No size is stated, and no image is there to tell it.
    """
    stated = ["w" in facts | frame and "h" in facts | frame for frame in frames]
    folder = Path(os.path.abspath(path.parent))
    files = {
        index: image_file(folder, str(frame["file_path"]), path)
        for index, (frame, known) in enumerate(zip(frames, stated, strict=True))
        if not known
    }
    measured = {index: size for index, file in files.items() if (size := _size(file)) is not None}
    if files and not measured:
        raise InputError(
            str(path),
            f"no w and h, and no image '{frames[next(iter(files))]['file_path']}' beside it that would tell them",
            expected="w and h, or the images at their file_path",
            next_step="Add w and h to the file, or put the images where file_path says.",
        )
    usual = next(iter(measured.values()), (0, 0))
    return [
        (int((facts | frame)["w"]), int((facts | frame)["h"])) if known else measured.get(index, usual)
        for index, (frame, known) in enumerate(zip(frames, stated, strict=True))
    ]


def _size(file: Path) -> tuple[int, int] | None:
    """As stored; None where no image can be opened, which the intake of photos says with its reason."""
    try:
        with open_image(file, max_pixels=MOST_PIXELS, formats=PHOTO_FORMATS) as image:
            return image.size
    except InputError:
        return None
