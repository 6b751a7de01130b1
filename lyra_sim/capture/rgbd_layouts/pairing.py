"""Which depth and which camera belongs to an image, when recorders don't name all three alike."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lyra_sim.capture.cameras.camera_files import CameraTable, cameras_of
from lyra_sim.capture.cameras.frame_times import cameras_at, pair_by_time, times_of
from lyra_sim.errors import InputError


def in_order(files: Sequence[Path]) -> tuple[Path, ...]:
    """By time where every stem is one, else by name with numbers as numbers: 2 comes before 10."""
    times = times_of([path.stem for path in files])
    if times is not None:
        return tuple(files[index] for index in times.argsort(kind="stable"))
    return tuple(sorted(files, key=lambda path: [int(part) if part.isdigit() else part for part in _parted(path.stem)]))


def _parted(stem: str) -> list[str]:
    """Words and numbers in turn, a word first, so that like is compared with like."""
    return re.split(r"([0-9]+)", stem)


def depth_of(colours: Sequence[Path], depths: Sequence[Path], *, subject: Path) -> list[Path | None]:
    """Depth file of every image: by stem, by time (None where none is near), or by the number that both end in.

    Raises:
        InputError: An image has no depth of its stem or number, or nothing tells which depth is whose.
    """
    stems = [path.stem for path in colours]
    by_stem = {path.stem: path for path in depths}
    times, moments = times_of(stems), times_of([path.stem for path in depths])
    if times is not None and moments is not None and not all(stem in by_stem for stem in stems):
        return _by_time(pair_by_time(times, moments), depths, subject)
    if not any(stem in by_stem for stem in stems):
        by_stem = {str(number): path for path in depths if (number := _number(path.stem)) is not None}
        stems = [str(_number(stem)) for stem in stems]
        if len(by_stem) < len(depths) or len(set(stems)) < len(stems) or not any(stem in by_stem for stem in stems):
            raise InputError(
                str(subject),
                f"no depth for {colours[0].name} and {len(colours) - 1} more images; it holds {depths[0].name}",
                expected="files of the images' stems, of their numbers, or of times at most 20 ms off",
            )
    lonely = [colour.name for colour, stem in zip(colours, stems, strict=True) if stem not in by_stem]
    if lonely:
        raise InputError(
            str(subject),
            f"no depth for {lonely[0]} and {len(lonely) - 1} more images",
            expected="a depth file of the same stem or number per image",
        )
    return [by_stem[stem] for stem in stems]


def _by_time(pairs: list[int | None], depths: Sequence[Path], subject: Path) -> list[Path | None]:
    if all(index is None for index in pairs):
        raise InputError(
            str(subject),
            f"no depth within 20 ms of an image; the first is {depths[0].name}",
            expected="times of one clock",
            likely="Colour and depth are of different recordings.",
        )
    return [None if index is None else depths[index] for index in pairs]


def _number(stem: str) -> int | None:
    """The number a stem ends in."""
    digits = re.search(r"[0-9]+$", stem)
    return int(digits.group()) if digits else None


def posed(table: CameraTable, stems: Sequence[str], *, subject: Path) -> tuple[list[int], CameraTable]:
    """Which of the images have a camera, and the table of just these: camera k belongs to the k-th of them.

    By name or number, as :func:`cameras_of` matches; where both are times, the camera at the image's own moment.

    Raises:
        InputError: No image has a camera.
    """
    times, moments = times_of(stems), None if table.named else times_of(table.keys)
    if times is not None and moments is not None and (table.K == table.K[0]).all():
        kept, c2w = cameras_at(times, moments, table.c2w)
        if not kept:
            cameras_of(table, stems, subject=str(subject))  # names both spans of time
        K = table.K[[0] * len(kept)]
        return kept, replace(table, keys=tuple(stems[index] for index in kept), named=True, c2w=c2w, K=K)
    found = cameras_of(table, stems, subject=str(subject))
    kept = [index for index, camera in enumerate(found) if camera is not None]
    rows = [camera for camera in found if camera is not None]
    if not kept:
        raise InputError(
            str(subject),
            f"no camera for image '{stems[0]}' and {len(stems) - 1} more",
            expected="cameras of these images",
            likely="The file belongs to another recording.",
        )
    return kept, replace(table, keys=tuple(stems[index] for index in kept), named=True, c2w=table.c2w[rows], K=table.K[rows])
