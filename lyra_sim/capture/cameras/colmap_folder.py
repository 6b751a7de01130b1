"""Is a folder a whole COLMAP model? Looked at before COLMAP reads it, which never returns from a binary file that is cut."""

import struct
from collections.abc import Callable
from pathlib import Path

from lyra_sim.errors import InputError

_NEEDED = ("cameras", "images", "points3D")
_PARAMETERS = (3, 4, 4, 5, 8, 8, 12, 5, 4, 5, 12, 16, 4, 5, 3, 4, 6, 2)
"""Parameters of each camera model, by COLMAP's number for it. Convention."""


def model_suffix(folder: Path) -> str | None:
    """``.bin`` or ``.txt`` of a model whose three files are there; None where they aren't."""
    whole = (suffix for suffix in (".bin", ".txt") if all((folder / f"{name}{suffix}").is_file() for name in _NEEDED))
    return next(whole, None)


def check_model_folder(folder: Path) -> None:
    """An InputError unless ``folder`` holds cameras, images and points3D of one kind, binary ones whole to the byte.

    Raises:
        InputError: A file is missing, or a binary one is cut or longer than what it holds.
    """
    kind = model_suffix(folder)
    if kind is None:
        present = [name for name in _NEEDED for suffix in (".bin", ".txt") if (folder / f"{name}{suffix}").is_file()]
        inside = _models_inside(folder)
        missing = [name for name in _NEEDED if name not in present]
        if not present:
            listed = ", ".join(f"'{name}' with {count} photos" for name, count in inside)
            found = "no COLMAP model, none of its files" + (f", but {len(inside)} inside: {listed}" if inside else "")
        elif missing:
            found = f"{' and '.join(missing)} missing from the COLMAP model"
        else:
            found = "a COLMAP model part .bin, part .txt"
        raise InputError(
            str(folder),
            found,
            expected="cameras, images and points3D, all .bin or all .txt",
            likely=None if inside else "The model was copied in part, or colmap.model names another folder.",
            next_step=f"Set colmap.model to its subfolder {inside[0][0]}"
            + (", the one with most photos; the others are separate pieces of the recording." if len(inside) > 1 else ".")
            if inside
            else "Set colmap.model to the folder that COLMAP wrote all three files to, often sparse/0.",
        )
    if kind == ".bin":
        for name, ends in _ENDS.items():
            if name in _NEEDED or (folder / f"{name}.bin").is_file():
                _check_whole(folder / f"{name}.bin", ends)


def _models_inside(folder: Path) -> list[tuple[Path, int]]:
    """Subfolders that hold a model, and how many photos each registers; most photos first."""
    found = {}
    for path in folder.glob("**/cameras.*"):
        suffix = path.suffix
        if path.parent != folder and suffix in (".bin", ".txt") and path.with_name(f"images{suffix}").is_file():
            found[path.parent.relative_to(folder)] = _photos_of(path.with_name(f"images{suffix}"))
    return sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))


def _photos_of(images: Path) -> int:
    """Photos that an ``images`` file of a model lists: its own count, or two lines each of text."""
    if images.suffix == ".bin":
        head = images.read_bytes()[:8]
        return int(struct.unpack("<Q", head)[0]) if len(head) == 8 else 0
    with images.open(encoding="utf-8", errors="replace") as stream:
        return sum(not line.startswith("#") for line in stream) // 2


def _check_whole(path: Path, ends: Callable[[bytes], int]) -> None:
    stored = path.read_bytes()
    try:
        end = ends(stored)
    except (struct.error, IndexError, ValueError):
        end = len(stored) + 1
    if end != len(stored):
        raise InputError(
            str(path),
            "its records end beyond the file" if end > len(stored) else f"{len(stored) - end} bytes after its last record",
            expected="a whole COLMAP binary file",
            likely="The file is truncated, or isn't COLMAP's.",
        )


def _end_of_cameras(stored: bytes) -> int:
    """Byte after the last record: a count, then id, model (int32), width, height (uint64) and the model's doubles."""
    (count,) = struct.unpack_from("<Q", stored)
    at = 8
    for _ in range(count):
        _, model, _, _ = struct.unpack_from("<IiQQ", stored, at)
        if not 0 <= model < len(_PARAMETERS):
            raise ValueError(f"camera model {model}")
        at += 24 + 8 * _PARAMETERS[model]
    return at


def _end_of_images(stored: bytes) -> int:
    """Id, quaternion, translation and camera id in 64 bytes, a name that ends in 0, a count of 24-byte sightings."""
    (count,) = struct.unpack_from("<Q", stored)
    at = 8
    for _ in range(count):
        at = stored.index(b"\0", at + 64) + 1
        (sightings,) = struct.unpack_from("<Q", stored, at)
        at += 8 + 24 * sightings
    return at


def _end_of_points(stored: bytes) -> int:
    """Id, position, colour and error in 43 bytes, a count of 8-byte sightings."""
    (count,) = struct.unpack_from("<Q", stored)
    at = 8
    for _ in range(count):
        (sightings,) = struct.unpack_from("<Q", stored, at + 43)
        at += 51 + 8 * sightings
    return at


def _end_of_rigs(stored: bytes) -> int:
    """Id and a count of sensors; type and id of the first, which is the rig's frame, and with each other one whether it has a
    pose, and the pose in 56 bytes."""
    (count,) = struct.unpack_from("<Q", stored)
    at = 8
    for _ in range(count):
        _, sensors = struct.unpack_from("<II", stored, at)
        at += 8 + 8 * min(sensors, 1)
        for _ in range(sensors - 1):
            (posed,) = struct.unpack_from("<8xB", stored, at)
            at += 9 + 56 * posed
    return at


def _end_of_frames(stored: bytes) -> int:
    """Id, rig and pose in 64 bytes, a count of 16-byte sensors with their images."""
    (count,) = struct.unpack_from("<Q", stored)
    at = 8
    for _ in range(count):
        (images,) = struct.unpack_from("<64xI", stored, at)
        at += 68 + 16 * images
    return at


_ENDS = {
    "cameras": _end_of_cameras,
    "images": _end_of_images,
    "points3D": _end_of_points,
    "rigs": _end_of_rigs,
    "frames": _end_of_frames,
}
"""Of each binary file; the last two came with COLMAP 3.12 and may be missing."""
