"""One reader per camera file format: what the file says, still in its own axes and pixel centres."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from lyra_sim.capture.cameras.frame_images import frame_sizes
from lyra_sim.capture.cameras.intrinsics_files import Intrinsics, read_intrinsics
from lyra_sim.capture.intake.photo_folder import IMAGE_SUFFIXES
from lyra_sim.data.files import read_arrays, read_json
from lyra_sim.errors import InputError

GivenIntrinsics = Path | Intrinsics | None
"""A file of intrinsics, or what a recorder's layout tells of them."""
_LENS = ("k1", "k2", "k3", "k4", "p1", "p2")
_PINHOLES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "RADIAL", "SIMPLE_RADIAL")
"""Camera models that k1, k2, p1, p2 cover."""


def read_transforms(path: Path, intrinsics: GivenIntrinsics) -> dict[str, Any]:
    """nerfstudio and instant-ngp: camera-to-world, OpenGL axes; pinhole, distortion and size of all frames or of each.

    The sparse spelling of NeRF-synthetic, BlenderNeRF and Isaac exporters holds ``camera_angle_x`` alone: the size is then the
    images', the centre the middle.

    Raises:
        InputError: A lens isn't Brown-Conrady, or something is missing or malformed.
    """
    facts = read_json(path)
    try:
        frames = facts["frames"]
        c2w = np.array([frame["transform_matrix"] for frame in frames], np.float64)
        each = frame_sizes(path, facts, frames)
        K = np.array([_transforms_K(path, facts, frame, size) for frame, size in zip(frames, each, strict=True)])
        keys = tuple(_stem(frame["file_path"]) for frame in frames)
        lenses = [_transforms_lens(path, facts | frame) for frame in frames]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            str(path),
            f"missing or malformed {error}",
            expected="transforms.json of nerfstudio or instant-ngp: fl_x or camera_angle_x, and frames",
        ) from error
    if len(frames) == 0 or c2w.shape[1:] != (4, 4):
        raise InputError(
            str(path), f"frames of shape {c2w.shape}", expected="4x4 transform_matrix in each of at least one frame"
        )
    (width, height), distortion = each[0], np.array(lenses)
    if min(min(size) for size in each) < 1 or not np.isfinite(distortion).all():
        raise InputError(str(path), "a frame without pixels, or a distortion that isn't finite", expected="w, h and a lens")
    same = len(set(each)) == 1 and (distortion == distortion[0]).all()
    one = {"width": width, "height": height, "distortion": distortion[0], "own": None if same else (each, distortion)}
    return {"keys": keys, "named": True, "c2w": c2w, "K": K, **one}


def _transforms_lens(path: Path, told: dict[str, Any]) -> list[float]:
    """k1, k2, p1, p2 of a frame; what it doesn't state itself is the file's.

    Raises:
        InputError: The lens isn't Brown-Conrady with these.
    """
    model, fisheye = told.get("camera_model", "OPENCV"), bool(told.get("is_fisheye", False))
    lens = {name: float(told.get(name, 0.0)) for name in _LENS}
    if model not in _PINHOLES or fisheye or lens["k3"] or lens["k4"]:
        raise InputError(
            str(path),
            f"camera model {'fisheye' if fisheye else model} with {lens}",
            expected="OPENCV with k1, k2, p1, p2",
            next_step="Undistort the images first.",
        )
    return [lens["k1"], lens["k2"], lens["p1"], lens["p2"]]


def _stem(file_path: str) -> str:
    """Without the suffix of an image; ``file_path`` may lack it, and a name that is a time has a point of its own."""
    path = Path(file_path)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _transforms_K(
    path: Path, facts: dict[str, Any], frame: dict[str, Any], size: tuple[int, int]
) -> Float64[np.ndarray, "3 3"]:
    """Pinhole of a frame; what it doesn't state itself is the file's, and a centre that nobody states is the middle."""
    both, (width, height) = facts | frame, size
    across, down = (
        next((focal for told in (frame, facts) if (focal := _focal(path, told, axis, pixels)) is not None), None)
        for axis, pixels in (("x", width), ("y", height))
    )
    fx, fy = across or down, down or across  # square pixels where one is told
    if fx is None or fy is None:
        raise KeyError("fl_x")
    cx, cy = float(both.get("cx", width / 2)), float(both.get("cy", height / 2))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


def _focal(path: Path, told: dict[str, Any], axis: str, pixels: int) -> float | None:
    """Focal length along ``axis`` [px]: stated, or from the angle of view, ``camera_angle_x`` [rad] or ``x_fov`` [deg]."""
    if f"fl_{axis}" in told:
        return float(told[f"fl_{axis}"])
    if f"camera_angle_{axis}" in told:
        name, angle = f"camera_angle_{axis}", float(told[f"camera_angle_{axis}"])
    elif f"{axis}_fov" in told:
        name, angle = f"{axis}_fov", np.radians(float(told[f"{axis}_fov"]))
    else:
        return None
    if not 0 < angle < np.pi:
        raise InputError(
            str(path),
            f"{name} is {told[name]}",
            expected="an angle of view between 0 and pi radians" if name.startswith("camera") else "0 to 180 degrees",
            likely="It is in degrees." if name.startswith("camera") and np.pi <= angle < 180 else None,
        )
    return float(pixels / 2 / np.tan(angle / 2))


def read_open3d_log(path: Path, intrinsics: GivenIntrinsics) -> dict[str, Any]:
    """Open3D's trajectory: camera-to-world, OpenCV axes; a running number and a 4x4 matrix per camera.

    Raises:
        InputError: It isn't groups of a line with numbers and a 4x4 matrix.
    """
    lens = lens_of(path, intrinsics)
    rows = text_rows(path, expected="an Open3D trajectory.log")
    try:
        blocks = [rows[i : i + 5] for i in range(0, len(rows), 5)]
        c2w = np.array([[[float(x) for x in row] for row in block[1:]] for block in blocks], np.float64)
        keys = tuple(str(int(block[0][0])) for block in blocks)
    except (ValueError, IndexError) as error:
        raise InputError(
            str(path), f"not an Open3D trajectory ({error})", expected="5 lines a camera: 3 numbers, then a 4x4 matrix"
        ) from error
    if c2w.shape[1:] != (4, 4):
        raise InputError(str(path), f"matrices of shape {c2w.shape[1:]}", expected="4x4")
    return {"keys": keys, "named": False, "c2w": c2w, **lens, "K": np.tile(lens["K"], (len(c2w), 1, 1))}


def read_tum(path: Path, intrinsics: GivenIntrinsics) -> dict[str, Any]:
    """TUM RGB-D trajectory: ``timestamp tx ty tz qx qy qz qw`` a line, camera-to-world, OpenCV axes, # for comments.

    Raises:
        InputError: A line hasn't eight numbers, or a quaternion isn't of unit length.
    """
    lens = lens_of(path, intrinsics)
    rows = [row for row in map(_behind_comment, text_rows(path, expected="a TUM trajectory")) if row]
    expected = "timestamp tx ty tz qx qy qz qw on every line"
    try:
        numbers = np.array([[float(x) for x in row] for row in rows], np.float64)
    except ValueError as error:
        raise InputError(str(path), f"not a TUM trajectory ({error})", expected=expected) from error
    if numbers.ndim != 2 or numbers.shape[1] != 8:
        raise InputError(str(path), f"{len(rows)} lines, {len(rows[0]) if rows else 0} numbers in the first", expected=expected)
    length = np.linalg.norm(numbers[:, 4:], axis=1)
    off = np.flatnonzero(~(np.abs(length - 1) < 0.01))
    if len(off):
        raise InputError(
            str(path),
            f"the quaternion at {rows[off[0]][0]} has length {length[off[0]]:.3g}",
            expected="unit quaternions, qx qy qz qw",
            likely="The columns are in another order.",
        )
    c2w = np.tile(np.eye(4), (len(numbers), 1, 1))
    c2w[:, :3, :3] = Rotation.from_quat(numbers[:, 4:]).as_matrix()  # scipy's default is scalar-last, as the file's
    c2w[:, :3, 3] = numbers[:, 1:4]
    keys = tuple(row[0] for row in rows)
    return {"keys": keys, "named": False, "c2w": c2w, **lens, "K": np.tile(lens["K"], (len(c2w), 1, 1))}


def _behind_comment(row: list[str]) -> list[str]:
    """The numbers of a line, none of a comment. Open3D ends its comment with ``<qw>`` and no new line, and so hides the first
    camera in it."""
    return " ".join(row).partition("<qw>")[2].split() if row[0].startswith("#") else row


def read_lyra(path: Path, intrinsics: GivenIntrinsics) -> dict[str, Any]:
    """Lyra's npz: world-to-camera, OpenCV axes, intrinsics per camera.

    Raises:
        InputError: An array is missing, of another shape, singular or not finite.
    """
    arrays = read_arrays(path, max_bytes=1 << 28)
    try:
        w2c, K = arrays["w2c"].astype(np.float64), arrays["intrinsics"].astype(np.float64)
        height, width = int(arrays["image_height"]), int(arrays["image_width"])
    except (KeyError, ValueError) as error:
        raise InputError(
            str(path),
            f"missing or malformed {error}",
            expected="w2c (n, 4, 4), intrinsics (n, 3, 3), image_height, image_width",
        ) from error
    if w2c.ndim != 3 or w2c.shape[1:] != (4, 4) or K.shape != (len(w2c), 3, 3):
        raise InputError(str(path), f"w2c {w2c.shape}, intrinsics {K.shape}", expected="(n, 4, 4) and (n, 3, 3)")
    if not np.isfinite(w2c).all() or (np.abs(np.linalg.det(w2c)) < 1e-9).any():
        raise InputError(str(path), "a w2c matrix is singular or not finite", expected="rigid transforms")
    keys = tuple(str(i) for i in range(len(w2c)))
    c2w = np.linalg.inv(w2c)
    return {"keys": keys, "named": False, "c2w": c2w, "K": K, "width": width, "height": height, "distortion": np.zeros(4)}


def text_rows(path: Path, *, expected: str) -> list[list[str]]:
    """The words of every line that isn't empty.

    Raises:
        InputError: The file is missing, or not text.
    """
    try:
        return [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected=expected) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"not text ({error.reason})", expected=expected) from error


def lens_of(path: Path, intrinsics: GivenIntrinsics) -> dict[str, Any]:
    """One pinhole with optional distortion for all cameras of a file that carries none.

    Raises:
        InputError: None are given, or their file is malformed.
    """
    if intrinsics is None:
        raise InputError(
            str(path),
            "this format carries no intrinsics",
            next_step="Set intrinsics, beside cameras, to a JSON with width, height, fx, fy, cx, cy.",
        )
    found = read_intrinsics(intrinsics) if isinstance(intrinsics, Path) else intrinsics
    return {"K": found.K, "width": found.width, "height": found.height, "distortion": found.distortion}
