"""Camera files of other tools, read into one table: transforms.json, Open3D trajectory.log, Lyra npz."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from lyra_sim.conventions import K_from_integer_centres, c2w_opencv_from_opengl
from lyra_sim.data.files import read_arrays, read_json
from lyra_sim.errors import InputError
from lyra_sim.geometry.rigid import nearest_rotation

Axes = Literal["opencv", "opengl"]
Centres = Literal["half", "integer"]


@dataclass(frozen=True, kw_only=True)
class CameraTable:
    """Cameras by frame, already in lyra-sim's conventions, possibly distorted."""

    keys: tuple[str, ...]
    """File stem of each camera's image; a running number for formats that name no files."""
    named: bool
    """True when ``keys`` are file stems, False when they are only positions."""
    c2w: Float64[np.ndarray, "n 4 4"]
    K: Float64[np.ndarray, "n 3 3"]
    width: int
    height: int
    distortion: Float64[np.ndarray, "4"]
    """k1, k2, p1, p2 of the OpenCV (Brown 1971) model, the same for all; zero for a pinhole."""
    axes: Axes
    """Axes the file was read as."""


def read_cameras(path: Path, *, intrinsics: Path | None, axes: str, pixel_centres: str) -> CameraTable:
    """Read any supported camera file; ``auto`` takes the format's own convention.

    Args:
        path: ``*.json`` (nerfstudio, camera-to-world, OpenGL), ``*.log`` (Open3D, camera-to-world, OpenCV, integer
            pixel centres) or ``*.npz`` (Lyra, world-to-camera, OpenCV).
        intrinsics: JSON with width, height, fx, fy, cx, cy [px]; needed by ``*.log``.
        axes: ``auto``, ``opencv`` or ``opengl``.
        pixel_centres: ``auto``, ``half`` or ``integer``.
    """
    readers: dict[str, tuple[Any, Axes, Centres]] = {
        ".json": (_read_transforms, "opengl", "half"),
        ".log": (_read_open3d_log, "opencv", "integer"),
        ".npz": (_read_lyra, "opencv", "half"),
    }
    if path.suffix not in readers:
        raise InputError(str(path), f"unknown camera format '{path.suffix}'", expected=", ".join(readers))
    reader, own_axes, own_centres = readers[path.suffix]
    fields = reader(path, intrinsics)
    read_as: Axes = own_axes if axes == "auto" else axes  # type: ignore[assignment]
    if read_as == "opengl":
        fields["c2w"] = c2w_opencv_from_opengl(fields["c2w"])
    if (own_centres if pixel_centres == "auto" else pixel_centres) == "integer":
        fields["K"] = K_from_integer_centres(fields["K"])
    for matrix in fields["c2w"]:  # text files carry 6 to 8 digits: make rotations exact
        off = np.abs(matrix[:3, :3] @ matrix[:3, :3].T - np.eye(3)).max()
        if off < 1e-3:
            matrix[:3, :3] = nearest_rotation(matrix[:3, :3])
    return CameraTable(axes=read_as, **fields)


_LENS = ("k1", "k2", "k3", "k4", "p1", "p2")


def _read_transforms(path: Path, intrinsics: Path | None) -> dict[str, Any]:
    facts = read_json(path)
    try:
        frames = facts["frames"]
        c2w = np.array([frame["transform_matrix"] for frame in frames], np.float64)
        K = np.array([_transforms_K(facts | frame) for frame in frames])
        width, height = int(facts["w"]), int(facts["h"])
        keys = tuple(Path(frame["file_path"]).stem for frame in frames)
        model = facts.get("camera_model", "OPENCV")
        lens = {name: float(facts.get(name, 0.0)) for name in _LENS}
        own = [
            key
            for key, frame in zip(keys, frames, strict=True)
            if any(frame.get(name, lens[name]) != lens[name] for name in _LENS)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            str(path),
            f"missing or malformed {error}",
            expected="nerfstudio's transforms.json with w, h, fl_x, cx, cy and frames",
        ) from error
    if own:
        raise InputError(
            str(path),
            f"frame '{own[0]}' and {len(own) - 1} more have a lens distortion of their own",
            expected="one lens for all frames",
            next_step="Undistort the images first.",
        )
    if len(frames) == 0 or c2w.shape[1:] != (4, 4):
        raise InputError(
            str(path), f"frames of shape {c2w.shape}", expected="4x4 transform_matrix in each of at least one frame"
        )
    if (
        model not in ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "OPENCV_FISHEYE")
        or model == "OPENCV_FISHEYE"
        or lens["k3"]
        or lens["k4"]
    ):
        raise InputError(
            str(path),
            f"camera model {model} with {lens}",
            expected="OPENCV with k1, k2, p1, p2",
            next_step="Undistort the images first.",
        )
    distortion = np.array([lens["k1"], lens["k2"], lens["p1"], lens["p2"]])
    return {"keys": keys, "named": True, "c2w": c2w, "K": K, "width": width, "height": height, "distortion": distortion}


def _transforms_K(facts: dict[str, Any]) -> np.ndarray:
    fx = float(facts["fl_x"])
    fy = float(facts.get("fl_y", fx))
    return np.array([[fx, 0, float(facts["cx"])], [0, fy, float(facts["cy"])], [0, 0, 1.0]])


def _read_open3d_log(path: Path, intrinsics: Path | None) -> dict[str, Any]:
    if intrinsics is None:
        raise InputError(
            str(path),
            "this format carries no intrinsics",
            next_step="Set rgbd.intrinsics to a JSON with width, height, fx, fy, cx, cy.",
        )
    lens = read_json(intrinsics)
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        blocks = [rows[i : i + 5] for i in range(0, len(rows), 5)]
        c2w = np.array([[[float(x) for x in row] for row in block[1:]] for block in blocks], np.float64)
        keys = tuple(str(int(block[0][0])) for block in blocks)
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected="an Open3D trajectory.log") from error
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), f"not an Open3D trajectory ({error})", expected="5 lines a camera: 3 numbers, then a 4x4 matrix"
        ) from error
    if c2w.shape[1:] != (4, 4):
        raise InputError(str(path), f"matrices of shape {c2w.shape[1:]}", expected="4x4")
    try:
        K = np.array([[lens["fx"], 0, lens["cx"]], [0, lens["fy"], lens["cy"]], [0, 0, 1]], np.float64)
        width, height = int(lens["width"]), int(lens["height"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(str(intrinsics), f"missing or malformed {error}", expected="width, height, fx, fy, cx, cy") from error
    K = np.tile(K, (len(c2w), 1, 1))
    return {"keys": keys, "named": False, "c2w": c2w, "K": K, "width": width, "height": height, "distortion": np.zeros(4)}


def _read_lyra(path: Path, intrinsics: Path | None) -> dict[str, Any]:
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


def match_frames(table: CameraTable, stems: list[str], *, subject: str) -> list[int]:
    """Camera of every image: by file stem, or by the number in the stem for formats that name no files."""
    if table.named:
        wanted = set(stems)
        twice = sorted(key for key, times in Counter(table.keys).items() if times > 1 and key in wanted)
        if twice:
            raise InputError(
                subject,
                f"two cameras for image '{twice[0]}'",
                expected="one camera per file stem",
                likely="Images of several folders share their names.",
            )
        position = {key: index for index, key in enumerate(table.keys)}
        missing = [stem for stem in stems if stem not in position]
        if missing:
            raise InputError(
                subject, f"no camera for image '{missing[0]}' and {len(missing) - 1} more", expected="a camera per image"
            )
        return [position[stem] for stem in stems]
    position = {key: index for index, key in enumerate(table.keys)}
    numbers = [_number(stem) for stem in stems]
    if all(number is not None and str(number) in position for number in numbers):
        return [position[str(number)] for number in numbers]
    if len(stems) == len(table.keys):
        return list(range(len(stems)))
    raise InputError(
        subject,
        f"{len(table.keys)} cameras for {len(stems)} images, and the images' numbers don't name cameras",
        expected="as many cameras as images, or file names that end in the camera's number",
    )


def _number(stem: str) -> int | None:
    digits = ""
    for character in reversed(stem):
        if not character.isdigit():
            break
        digits = character + digits
    return int(digits) if digits else None
