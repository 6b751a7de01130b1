"""Photos from strangers: listed, capped, decoded once to prove them whole, and laid into a working folder upright.

Formats are told by content, names only say which files are meant as photos. Nothing is dropped in silence: a file that
looks like a photo and isn't one is named with the reason. Sidecars, hidden files, subfolders and everything else that
doesn't claim to be an image is no part of the set and not mentioned.
"""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from lyra_sim.capture.intake.photo_file import kind_of, take_in_photo
from lyra_sim.capture.intake.photo_names import photo_names
from lyra_sim.data.posed import Photo, PhotoSet
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import CaptureConfig

Unreadable = Literal["skip", "refuse"]
"""A file that isn't a sound image: named and left out, or the whole set refused."""

Choice = Callable[[list[Path]], list[Path]]
"""Some of a set's files, or all."""

_READ = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".insp")
_FOREIGN = (".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".jxl")
_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
IMAGE_SUFFIXES = frozenset(_READ + _FOREIGN + _RAW)
"""Names that claim to be an image. Most of them are formats we don't read: they are named, because somebody who has them
in the folder expects them to be used."""
MOST_THREADS = 4
"""Decoding releases the interpreter lock; each thread holds one image and its copy, which bounds memory. Convention."""
MOST_NAMED = 5
"""Files an error message lists before it counts the rest. Convention."""


def take_in_folder(
    images: Path, *, unreadable: Unreadable, limits: CaptureConfig, work: Path, choose: Choice = list
) -> PhotoSet:
    """Sound photos of a folder, sorted by name (``10.jpg`` before ``2.jpg``); or one photo, when ``images`` is a file.

    Subfolders aren't entered. A file without a suffix is a photo when its first bytes say so.

    Args:
        images: Folder or file.
        unreadable: What a file does that looks like a photo and isn't a sound one.
        limits: Caps, all checked before anything is decoded.
        work: Folder for the upright photos; made when missing.
        choose: Which of the files.

    Raises:
        InputError: Nothing is there, no photo is in it, or one isn't sound and ``unreadable`` says to refuse it.
    """
    return take_in_files(choose(_files_of(images)), unreadable=unreadable, limits=limits, work=work)


def _files_of(images: Path) -> list[Path]:
    """Files of a folder that claim to be photos, sorted by name; or the one file."""
    if images.is_file():
        return [images]
    if not images.is_dir():
        raise InputError(
            str(images),
            "missing" if not images.exists() else "neither a file nor a folder",
            expected="a folder of photos, or one photo",
            next_step="Check the path; it is relative to the scene file.",
        )
    present = sorted(path for path in images.iterdir() if path.is_file())
    files = [path for path in present if not path.name.startswith(".") and claims_to_be_photo(path)]
    if not files:
        kinds = Counter(path.suffix.lower() or "no suffix" for path in present)
        listed = ", ".join(f"{count} × {kind}" for kind, count in sorted(kinds.items())[:MOST_NAMED])
        raise InputError(
            str(images),
            f"no photo in it ({listed or 'no file at all'})",
            expected="JPEG, PNG or WebP files",
            likely="The photos lie in a subfolder." if any(path.is_dir() for path in images.iterdir()) else None,
        )
    return files


def take_in_files(files: Sequence[Path], *, unreadable: Unreadable, limits: CaptureConfig, work: Path) -> PhotoSet:
    """Sound photos among ``files``, in their order, named as :func:`~lyra_sim.capture.intake.photo_names.photo_names` says.

    A file of the same bytes as an earlier one is skipped whatever ``unreadable`` says: two cameras at one place tell
    nothing, and structure-from-motion can only be led astray by them.

    Raises:
        InputError: There are more than ``limits.max_views``, or one isn't sound and ``unreadable`` says to refuse it.
    """
    check_count(files, limits)
    work.mkdir(parents=True, exist_ok=True)
    names = photo_names(files)
    repeated = _repeated(files, limits)

    def take(index: int) -> Photo | InputError:
        try:
            return take_in_photo(files[index], name=names[index], limits=limits, work=work)
        except InputError as error:
            return error

    once = [index for index in range(len(files)) if index not in repeated]
    with warnings.catch_warnings(), ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        warnings.filterwarnings("ignore", module=r"PIL\.")  # on damaged metadata and near-bombs; both are dealt with
        taken = dict(zip(once, pool.map(take, once), strict=True))
        taken |= {index: take(index) for index, first in repeated.items() if isinstance(taken[first], InputError)}
    photos = tuple(photo for photo in taken.values() if isinstance(photo, Photo))
    refused = {index: error for index, error in sorted(taken.items()) if isinstance(error, InputError)}
    if refused and (unreadable == "refuse" or not photos):
        raise _refusal([(files[index], error) for index, error in refused.items()], len(files), unreadable)
    reasons = {index: f"the same bytes as {files[first].name}" for index, first in repeated.items()}
    reasons |= {index: _reason(error) for index, error in refused.items()}
    return PhotoSet(photos=photos, skipped=tuple((files[index].name, reason) for index, reason in sorted(reasons.items())))


def check_count(files: Sequence[Path], limits: CaptureConfig) -> None:
    """Refuse more photos than are taken in.

    Raises:
        InputError: There are.
    """
    if len(files) > limits.max_views:
        raise InputError(
            str(Path(os.path.commonpath([file.parent for file in files]))),
            f"{len(files)} images",
            expected=f"at most {limits.max_views}",
            next_step="Raise capture.max_views, or thin the set.",
        )


def claims_to_be_photo(path: Path) -> bool:
    """By its suffix; by its first bytes where it has none."""
    if path.suffix:
        return path.suffix.lower() in IMAGE_SUFFIXES
    try:
        return kind_of(path) is not None
    except OSError:
        return False


def _repeated(files: Sequence[Path], limits: CaptureConfig) -> dict[int, int]:
    """Index of the first file with the same bytes, for every later one. Only files of equal size are read."""
    by_size: dict[int, list[int]] = {}
    for index, file in enumerate(files):
        if file.is_file() and 0 < (size := file.stat().st_size) <= limits.max_bytes:
            by_size.setdefault(size, []).append(index)
    repeated = {}
    for indices in by_size.values():
        first: dict[bytes, int] = {}
        for index in indices if len(indices) > 1 else ():
            try:
                with files[index].open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").digest()
            except OSError:
                continue  # reading it as a photo will say why
            if first.setdefault(digest, index) != index:
                repeated[index] = first[digest]
    return repeated


def _reason(error: InputError) -> str:
    return error.found + (f" (expected {error.expected})" if error.expected else "")


def _refusal(refused: list[tuple[Path, InputError]], count: int, unreadable: Unreadable) -> InputError:
    first, error = refused[0]
    if count == 1:
        return error
    rest = [f"{file.name}: {other.found}" for file, other in refused[1:MOST_NAMED]]
    more = f"; {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
    skipping_helps = unreadable == "refuse" and len(refused) < count
    return InputError(
        str(first),
        f"{error.found}; {len(refused)} of {count} files aren't sound photos",
        expected="JPEG, PNG or WebP, whole",
        likely=f"Also {'; '.join(rest)}{more}." if rest else None,
        next_step="Replace or remove them" + (", or set photos.unreadable to skip." if skipping_helps else "."),
    )
