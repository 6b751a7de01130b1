"""Does a COLMAP model say one thing of each camera? COLMAP 4 writes poses twice, in ``images`` and ``frames``.

It reads those of ``frames`` alone: a script that levels, scales or moves a model by rewriting ``images`` and points moves the
points and leaves the cameras behind.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from lyra_sim.errors import InputError
from lyra_sim.geometry.rigid import invert_rigid

SAME_PLACE = 1e-3
"""Centres that differ by less of the cameras' extent are rounding of text, not an edit. Convention."""
SAME_DIRECTION = 0.05
"""And so are rotations by less [degrees]. Convention."""


def check_rigs_and_frames(folder: Path) -> None:
    """``rigs`` and ``frames`` beside each other, or neither, as models had it before COLMAP 3.12.

    Raises:
        InputError: One of the two is missing; COLMAP's own words for that are "unordered_map::at".
    """
    suffix = _suffix_read(folder)
    there = {name: (folder / f"{name}{suffix}").is_file() for name in ("rigs", "frames")}
    if there["rigs"] == there["frames"]:
        return
    present, missing = ("rigs", "frames") if there["rigs"] else ("frames", "rigs")
    raise InputError(
        str(folder),
        f"{present}{suffix} without {missing}{suffix}",
        expected="both, or neither",
        likely=f"{missing}{suffix} was removed after an edit of images{suffix}, or not copied.",
        next_step=f"Remove {present}{suffix} too, so that poses are those of images{suffix} (rigs of several cameras are "
        f"lost), or copy the model's own {missing}{suffix} beside it.",
    )


def check_poses_told_twice(folder: Path, model: Any) -> None:
    """Poses in every ``images`` file of the folder are those COLMAP read.

    Args:
        folder: Of the model.
        model: The ``pycolmap.Reconstruction`` read from it.

    Raises:
        InputError: An ``images`` file that COLMAP didn't follow places cameras elsewhere.
    """
    suffix = _suffix_read(folder)
    followed = f"frames{suffix}" if (folder / f"frames{suffix}").is_file() else f"images{suffix}"
    read = {image_id: np.array(model.images[image_id].cam_from_world().matrix()) for image_id in model.reg_image_ids()}
    for told_suffix in dict.fromkeys((suffix, ".txt")):
        told = folder / f"images{told_suffix}"
        if told.name == followed or not told.is_file():
            continue
        poses = dict(_poses_of_text(told) if told_suffix == ".txt" else _poses_of_binary(told))
        shared = sorted(poses.keys() & read.keys())
        if shared:
            _compare(folder, told.name, followed, model, [poses[one] for one in shared], [read[one] for one in shared], shared)


def _compare(
    folder: Path, told: str, followed: str, model: Any, poses: list[np.ndarray], read: list[np.ndarray], image_ids: list[int]
) -> None:
    ours, theirs = _c2w(poses), _c2w(read)
    extent = np.ptp(theirs[:, :3, 3], axis=0).max() or np.linalg.norm(theirs[0, :3, 3]) or 1.0
    away = np.linalg.norm(ours[:, :3, 3] - theirs[:, :3, 3], axis=1)
    cosine = (np.einsum("nij,nij->n", ours[:, :3, :3], theirs[:, :3, :3]) - 1) / 2
    turned = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    other = ~((away <= SAME_PLACE * extent) & (turned <= SAME_DIRECTION))  # NaN is other, too
    if not other.any():
        return
    worst = int(np.argmax(away / extent + turned / 180))
    pair = followed.startswith("frames")
    suffix = Path(followed).suffix
    raise InputError(
        str(folder),
        f"{told} and {followed} place {other.sum()} of {len(other)} cameras differently, "
        f"'{model.images[image_ids[worst]].name}' by {away[worst]:.3g} units and {turned[worst]:.2f} degrees",
        expected="the same cameras in both",
        likely=f"{told} was edited after COLMAP wrote the model, to level, scale or move it. COLMAP reads {followed} and would "
        "drop the edit.",
        next_step=(
            f"If {told} is right, remove frames{suffix} and rigs{suffix} (rigs of several cameras are lost)"
            if pair and told.endswith(suffix)
            else f"If {told} is right, keep the {Path(told).suffix} files alone"
        )
        + f"; if {followed} is, write the model anew: colmap model_converter --input_path {folder.name} --output_path OUT "
        f"--output_type {suffix[1:].upper()}.",
    )


def _c2w(w2c: list[np.ndarray]) -> Float64[np.ndarray, "n 4 4"]:
    whole = np.tile(np.eye(4), (len(w2c), 1, 1))
    whole[:, :3] = w2c
    return invert_rigid(whole)


def _suffix_read(folder: Path) -> str:
    """COLMAP takes the binary files where all three are there."""
    binary = all((folder / f"{name}.bin").is_file() for name in ("cameras", "images", "points3D"))
    return ".bin" if binary else ".txt"


def _poses_of_text(file: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Two lines an image, of which the second may be empty; what isn't a pose is left to COLMAP to name."""
    lines = iter(file.read_text(encoding="utf-8", errors="replace").splitlines())
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        next(lines, None)
        try:
            image_id, numbers = int(words[0]), np.array(words[1:8], np.float64)
        except ValueError:
            continue
        if len(numbers) == 7:
            yield image_id, _matrix(numbers)


def _poses_of_binary(file: Path) -> Iterator[tuple[int, np.ndarray]]:
    """As :func:`lyra_sim.capture.cameras.colmap_folder.check_model_folder` found it whole."""
    stored = file.read_bytes()
    (count,) = struct.unpack_from("<Q", stored)
    at = 8
    for _ in range(count):
        image_id, *numbers = struct.unpack_from("<I7d", stored, at)
        yield image_id, _matrix(np.array(numbers))
        at = stored.index(b"\0", at + 64) + 1
        (sightings,) = struct.unpack_from("<Q", stored, at)
        at += 8 + 24 * sightings


def _matrix(numbers: Float64[np.ndarray, "7"]) -> Float64[np.ndarray, "3 4"]:
    """World to camera from qw, qx, qy, qz, tx, ty, tz; NaN where they are no pose."""
    if not np.isfinite(numbers).all() or np.linalg.norm(numbers[:4]) < 1e-12:
        return np.full((3, 4), np.nan)
    return np.column_stack([Rotation.from_quat(numbers[:4], scalar_first=True).as_matrix(), numbers[4:]])
