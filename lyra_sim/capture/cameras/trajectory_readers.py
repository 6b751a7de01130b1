"""Trajectories as recorders and data sets write them, told by content: one reader each, as ``camera_readers`` has them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from lyra_sim.capture.cameras.camera_readers import GivenIntrinsics, lens_of, text_rows
from lyra_sim.capture.cameras.intrinsics_files import Intrinsics
from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError

Fields = dict[str, Any]
"""What a reader gives: the fields of a camera table but its axes."""
Reader = Callable[[Path, GivenIntrinsics], Fields]
MOST_BYTES = 1 << 28
"""Of a camera file: a hundred thousand cameras as JSON. Convention."""
MOST_CAMERAS = 100_000
"""Files of a pose folder, or rows of a trajectory; an hour at 28 frames a second. Convention."""


def recorded_reader(path: Path) -> tuple[Reader, Literal["opencv", "opengl"], Literal["half", "integer"]] | None:
    """Reader of a recorder's own trajectory with its axes and pixel centres; None for formats that a suffix tells.

    Raises:
        InputError: A folder holds neither pose files nor camera files, or a file is larger than any trajectory.
    """
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise InputError(
            str(path), f"{path.stat().st_size / 1e6:.0f} MB", expected=f"at most {MOST_BYTES / 1e6:.0f} MB of cameras"
        )
    if path.is_dir():
        if any(path.glob("*.txt")):
            return read_pose_folder, "opencv", "integer"
        if any(path.glob("*.json")):
            return read_polycam, "opengl", "half"
        raise InputError(str(path), "no .txt or .json in the folder", expected="a file with the camera of each image")
    if path.suffix == ".csv":
        return read_stray, "opencv", "half"
    if path.suffix == ".txt" and path.is_file() and _numbers_a_line(path) == 16:
        return read_matrix_lines, "opencv", "integer"
    if path.suffix == ".json" and path.is_file() and _class_of(path) == "PinholeCameraTrajectory":
        return read_open3d_json, "opencv", "integer"
    return None


def _numbers_a_line(path: Path) -> int:
    with path.open(encoding="utf-8", errors="replace") as stream:
        for _ in range(100):
            line = stream.readline(1 << 16)
            if line.strip() and not line.startswith("#"):
                return len(line.split())
    return 0


def _class_of(path: Path) -> str | None:
    facts = read_json(path)
    return facts.get("class_name") if isinstance(facts, dict) else None


def read_matrix_lines(path: Path, intrinsics: GivenIntrinsics) -> Fields:
    """Replica's ``traj.txt``: 16 numbers a line, a camera-to-world matrix row by row, OpenCV axes; line k is frame k.

    Raises:
        InputError: A line holds anything else.
    """
    lens = lens_of(path, intrinsics)
    rows = [row for row in text_rows(path, expected="16 numbers a line") if not row[0].startswith("#")]
    _check_count(path, len(rows))
    odd = next((number for number, row in enumerate(rows) if len(row) != 16), None)
    if odd is not None:
        raise InputError(
            str(path),
            f"{len(rows[odd])} numbers for camera {odd}",
            expected="16 on every line: a 4x4 matrix",
            likely="The file is truncated.",
        )
    try:
        c2w = np.array([[float(x) for x in row] for row in rows], np.float64).reshape(-1, 4, 4)
    except ValueError as error:
        raise InputError(str(path), f"not a trajectory ({error})", expected="16 numbers on every line") from error
    return _numbered(c2w, lens)


def read_pose_folder(path: Path, intrinsics: GivenIntrinsics) -> Fields:
    """ScanNet's export: a text file with a 4x4 camera-to-world matrix for each image, OpenCV axes, of the image's stem.

    A frame whose tracking was lost has a matrix that is not finite; it has no camera.

    Raises:
        InputError: A file holds anything else, or no camera is finite.
    """
    lens = lens_of(path, intrinsics)
    files = sorted(path.glob("*.txt"))
    _check_count(path, len(files))
    keys, matrices = [], []
    for file in files:
        rows = text_rows(file, expected="a 4x4 matrix")
        try:
            matrix = np.array([[float(x) for x in row] for row in rows], np.float64)
        except ValueError as error:
            raise InputError(str(file), f"not a matrix ({error})", expected="a 4x4 matrix") from error
        if matrix.shape != (4, 4):
            raise InputError(
                str(file), f"numbers of shape {matrix.shape}", expected="a 4x4 matrix", likely="The file is truncated."
            )
        if np.isfinite(matrix).all():
            keys.append(file.stem)
            matrices.append(matrix)
    if not keys:
        raise InputError(str(path), f"no finite camera in {len(files)} files", expected="tracked cameras")
    K = np.tile(lens["K"], (len(keys), 1, 1))
    return {"keys": tuple(keys), "named": True, "c2w": np.stack(matrices), **lens, "K": K}


def read_open3d_json(path: Path, intrinsics: GivenIntrinsics) -> Fields:
    """Open3D's PinholeCameraTrajectory: world-to-camera and intrinsics for each camera, both column by column.

    Raises:
        InputError: A camera lacks something, sizes differ, or a matrix has no inverse.
    """
    try:
        cameras = read_json(path)["parameters"]
        w2c = np.array([camera["extrinsic"] for camera in cameras], np.float64).reshape(-1, 4, 4).swapaxes(1, 2)
        lenses = [camera["intrinsic"] for camera in cameras]
        K = np.array([lens["intrinsic_matrix"] for lens in lenses], np.float64).reshape(-1, 3, 3).swapaxes(1, 2)
        sizes = {(int(lens["width"]), int(lens["height"])) for lens in lenses}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            str(path), f"missing or malformed {error}", expected="Open3D's parameters with extrinsic and intrinsic"
        ) from error
    _check_count(path, len(w2c))
    if len(sizes) != 1:
        raise InputError(str(path), f"cameras of {len(sizes)} sizes", expected="one size for all frames")
    if not np.isfinite(w2c).all() or (np.abs(np.linalg.det(w2c)) < 1e-9).any():
        raise InputError(str(path), "an extrinsic matrix is singular or not finite", expected="rigid transforms")
    ((width, height),) = sizes
    lens = {"K": K, "width": width, "height": height, "distortion": np.zeros(4)}
    return _numbered(np.linalg.inv(w2c), lens)


def read_polycam(path: Path, intrinsics: GivenIntrinsics) -> Fields:
    """Polycam's raw export: a JSON for each image with rows ``t_00`` to ``t_23`` of camera-to-world in OpenGL axes, as ARKit's
    are, in a world whose y is up, and with intrinsics of its own.

    Raises:
        InputError: A file lacks something, or sizes differ.
    """
    files = sorted(path.glob("*.json"))
    _check_count(path, len(files))
    c2w, K, sizes = np.tile(np.eye(4), (len(files), 1, 1)), np.tile(np.eye(3), (len(files), 1, 1)), set()
    for index, file in enumerate(files):
        facts = read_json(file)
        try:
            c2w[index, :3] = [[float(facts[f"t_{row}{column}"]) for column in range(4)] for row in range(3)]
            K[index, :2] = [[float(facts["fx"]), 0, float(facts["cx"])], [0, float(facts["fy"]), float(facts["cy"])]]
            sizes.add((int(facts["width"]), int(facts["height"])))
        except (KeyError, TypeError, ValueError) as error:
            expected = "t_00 to t_23, fx, fy, cx, cy, width and height"
            raise InputError(str(file), f"missing or malformed {error}", expected=expected) from error
    if len(sizes) != 1:
        raise InputError(str(path), f"cameras of {len(sizes)} sizes", expected="one size for all frames")
    ((width, height),) = sizes
    keys = tuple(file.stem for file in files)
    return {
        "keys": keys,
        "named": True,
        "c2w": c2w,
        "K": K,
        "width": width,
        "height": height,
        "distortion": np.zeros(4),
    }


def read_stray(path: Path, intrinsics: GivenIntrinsics) -> Fields:
    """Stray Scanner's ``odometry.csv``: camera-to-world, OpenCV axes, a row a frame; older versions write no ``frame``, newer
    ones intrinsics of each frame, which count unless others are stated.

    Raises:
        InputError: A column is missing, or a number is none.
    """
    lens = lens_of(path, intrinsics)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, skipinitialspace=True))
        rows = [{(name or "").strip(): value for name, value in row.items()} for row in rows]
        numbers = np.array([[float(row[name]) for name in ("x", "y", "z", "qx", "qy", "qz", "qw")] for row in rows])
        keys = tuple(str(int(row["frame"])) if "frame" in row else str(index) for index, row in enumerate(rows))
    except (KeyError, TypeError, ValueError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            str(path), f"missing or malformed {error}", expected="columns frame, x, y, z, qx, qy, qz, qw", likely="Truncated."
        ) from error
    _check_count(path, len(rows))
    length = np.linalg.norm(numbers[:, 3:], axis=1)
    off = np.flatnonzero(~(np.abs(length - 1) < 0.01))
    if len(off):
        raise InputError(
            str(path), f"the quaternion of frame {keys[off[0]]} has length {length[off[0]]:.3g}", expected="unit quaternions"
        )
    c2w = np.tile(np.eye(4), (len(rows), 1, 1))
    c2w[:, :3, :3] = Rotation.from_quat(numbers[:, 3:]).as_matrix()
    c2w[:, :3, 3] = numbers[:, :3]
    K = np.tile(lens["K"], (len(c2w), 1, 1))
    if isinstance(intrinsics, Intrinsics) and intrinsics.usual and (own := _own_lenses(rows)) is not None:
        K[:, [0, 1, 0, 1], [0, 1, 2, 2]] = own
    return {"keys": keys, "named": False, "c2w": c2w, **lens, "K": K}


def _own_lenses(rows: list[dict[str, str]]) -> Float64[np.ndarray, "n 4"] | None:
    """fx, fy, cx, cy of every frame [px]; None where a row tells none."""
    try:
        found = np.array([[float(row[name]) for name in ("fx", "fy", "cx", "cy")] for row in rows])
    except (KeyError, TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() and (found > 0).all() else None


def _numbered(c2w: Float64[np.ndarray, "n 4 4"], lens: Fields) -> Fields:
    """Camera k belongs to frame k; the lens may be one for all."""
    K = lens["K"] if lens["K"].ndim == 3 else np.tile(lens["K"], (len(c2w), 1, 1))
    return {"keys": tuple(str(index) for index in range(len(c2w))), "named": False, "c2w": c2w, **lens, "K": K}


def _check_count(path: Path, count: int) -> None:
    if not 1 <= count <= MOST_CAMERAS:
        raise InputError(str(path), f"{count} cameras", expected=f"1 to {MOST_CAMERAS}")
