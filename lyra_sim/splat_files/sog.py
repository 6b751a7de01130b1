"""SOG, PlayCanvas's packed splats: properties as pixels of lossless WebP images, described by a ``meta.json``; version 2.

Positions are 16 bits of sign(x) ln(1 + |x|) between bounds, in two images; rotations three bytes and a tag; log scales and the
first harmonic are numbers in tables of 256 values; opacities the activated value in a byte. Higher harmonics are rows of a
palette, whose values are numbers in a table as well: splats share them, which loses the most. The frame is that of the PLY.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.errors import InputError
from lyra_sim.splat_files.limits import check_count
from lyra_sim.splat_files.opacity_bytes import logits_of_bytes
from lyra_sim.splat_files.quaternion_packing import tagged_bytes
from lyra_sim.splat_files.raw_splats import COMMAND, RawSplats
from lyra_sim.splat_files.sog_files import META, Part, json_part, part_of_folder, part_of_zip, pixels

COEFFICIENTS = {1: 3, 2: 8, 3: 15}
"""Beyond the first, by the number of bands."""
IN_ROW = 64
"""Palette rows side by side in their image. Convention."""
MOST_PALETTE = 1 << 16
"""Rows that two bytes can name. Derived."""
LARGEST_LOG = 30.0
"""Of ln(1 + |x|): positions beyond are nobody's. Convention."""


def read_sog(path: Path) -> RawSplats:
    """Splats of a SOG zip, or of the folder around a ``meta.json``.

    Raises:
        InputError: A part is missing, broken, or doesn't fit the others.
    """
    if path.is_dir() or path.name == META:
        return _read(part_of_folder(path if path.is_dir() else path.parent), str(path))
    return _read(part_of_zip(path), str(path))


def files_of(meta: Path) -> tuple[Path, ...]:
    """The files that a ``meta.json`` names and that exist beside it; none where it can't be read."""
    try:
        described = json_part(part_of_folder(meta.parent), meta.name, str(meta))
        named = [name for group in described.values() if isinstance(group, dict) for name in _names(group, str(meta), None)]
    except InputError:
        return ()
    return tuple(path for name in sorted(set(named)) if (path := meta.parent / name).is_file())


def _read(part: Part, subject: str) -> RawSplats:
    meta = json_part(part, META, subject)
    if meta.get("version") != 2:
        found = "SOG version 1" if "means" in meta and "version" not in meta else f"{META} of version {meta.get('version')!r}"
        raise InputError(
            subject, found, expected="SOG version 2", next_step=f"Convert it: {COMMAND} {Path(subject).name} out.ply"
        )
    count = meta.get("count")
    if not isinstance(count, int) or isinstance(count, bool):
        raise InputError(subject, "no count of splats in it", expected="SOG's description")
    check_count(count, subject)

    def image(group: str, index: int, files: int) -> UInt8[np.ndarray, "n 4"]:
        name = _names(_group(meta, group, subject), subject, files)[index]
        return pixels(part, name, subject, least=count).reshape(-1, 4)[:count]

    means = _group(meta, "means", subject)
    low, high = (_numbers(means.get(end), 3, f"{subject}: means.{end}") for end in ("mins", "maxs"))
    if max(np.abs(low).max(), np.abs(high).max()) > LARGEST_LOG:
        raise InputError(subject, "positions beyond all bounds", likely="The file is damaged.")
    fine, coarse = (image("means", index, 2)[:, :3].astype(np.float64) for index in (0, 1))
    logs = low + (coarse * 256 + fine) / 65535 * (high - low)
    colour = image("sh0", 0, 1)
    dc = _table(meta, "sh0", subject)[colour[:, :3]]
    higher = _harmonics(meta, part, count, subject) if "shN" in meta else np.zeros((count, 0, 3), np.float32)
    model = meta.get("model")
    return RawSplats(
        means=(np.sign(logs) * np.expm1(np.abs(logs))).astype(np.float32),
        quats_wxyz=tagged_bytes(image("quats", 0, 1)),
        log_scales=_table(meta, "scales", subject)[image("scales", 0, 1)[:, :3]],
        opacity_logits=logits_of_bytes(np.ascontiguousarray(colour[:, 3])),
        sh_coeffs=np.concatenate([dc[:, None], higher], axis=1),
        kind="SOG",
        version="2",
        antialiased=True if model == "antialiased" or meta.get("antialias") is True else None if model is None else False,
    )


def _harmonics(meta: dict[str, Any], part: Part, count: int, subject: str) -> Float32[np.ndarray, "n k 3"]:
    group = _group(meta, "shN", subject)
    bands, palette = group.get("bands"), group.get("count")
    if bands not in COEFFICIENTS or not isinstance(palette, int) or not 0 < palette <= MOST_PALETTE:
        raise InputError(
            subject,
            f"harmonics of {bands!r} bands in a palette of {palette!r}",
            expected=f"1 to 3 bands, 1 to {MOST_PALETTE} rows",
            likely="The file is damaged.",
        )
    k = COEFFICIENTS[bands]
    centroids_name, labels_name = _names(group, subject, 2)
    rows = math.ceil(palette / IN_ROW)
    centroids = pixels(part, centroids_name, subject, least=rows * IN_ROW * k)
    if centroids.shape[1] != IN_ROW * k:
        raise InputError(f"{subject}: {centroids_name}", f"{centroids.shape[1]} pixels wide", expected=f"{IN_ROW * k}")
    labels = pixels(part, labels_name, subject, least=count).reshape(-1, 4)[:count].astype(np.int64)
    label = labels[:, 0] + 256 * labels[:, 1]
    if label.max() >= palette:
        raise InputError(
            subject, f"a splat's harmonics are row {label.max()}", expected=f"less than {palette}", likely="It is damaged."
        )
    table = _table(meta, "shN", subject)[centroids[:rows, :, :3]]
    return table.reshape(rows * IN_ROW, k, 3)[label]


def _group(meta: dict[str, Any], name: str, subject: str) -> dict[str, Any]:
    group = meta.get(name)
    if not isinstance(group, dict):
        raise InputError(subject, f"its {META} says nothing of '{name}'", expected="SOG's description")
    return group


def _names(group: dict[str, Any], subject: str, count: int | None) -> list[str]:
    """File names of a group; plain ones, for a path could lead anywhere."""
    names = group.get("files", [] if count is None else None)
    if isinstance(names, list) and all(isinstance(name, str) and Path(name).name == name for name in names):
        if count is None or len(names) == count:
            return names
    raise InputError(subject, f"files named {str(names)[:80]}", expected=f"{count} names of files beside {META}")


def _table(meta: dict[str, Any], name: str, subject: str) -> Float32[np.ndarray, "256"]:
    return _numbers(_group(meta, name, subject).get("codebook"), 256, f"{subject}: {name}.codebook").astype(np.float32)


def _numbers(value: Any, count: int, subject: str) -> np.ndarray:
    good = isinstance(value, list) and len(value) == count
    good = good and all(isinstance(one, int | float) and abs(one) < 1e30 for one in value)
    if not good:
        raise InputError(subject, "no list of numbers", expected=f"{count} finite numbers", likely="The file is damaged.")
    return np.array(value, np.float64)
