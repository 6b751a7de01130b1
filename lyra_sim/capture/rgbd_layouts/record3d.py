"""Record3D's recording (ARKit): an archive with poses and intrinsics of each frame, JPEGs, float depth and its confidence.

Poses are camera-to-world in OpenGL axes, as ARKit's are, scalar last; ``K`` is stored column by column.
"""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from PIL import Image, UnidentifiedImageError
from scipy.spatial.transform import Rotation

from lyra_sim.capture.rgbd_layouts.folders import Inside
from lyra_sim.capture.rgbd_layouts.lzfse_blocks import decompressed, require_lzfse
from lyra_sim.capture.rgbd_layouts.recording import Parts
from lyra_sim.capture.rgbd_layouts.unpacked import Cameras, Unpacked, thinned
from lyra_sim.conventions import c2w_opencv_from_opengl
from lyra_sim.errors import InputError

HOLDS = "a file *.r3d, or its export: metadata.json, rgb/, depth/"
EXPORTED = "metadata.json"
"""Beside the frames of an export as EXR and JPEG. Convention."""
MOST_METADATA = 1 << 28
"""Bytes of the file of poses: a kilobyte a frame. Convention."""
MOST_COMPRESSED = 1 << 26
"""Bytes of one frame's compressed depth or confidence. Convention."""

_UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)
"""What the zip module raises on damaged, foreign and encrypted members."""


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the metadata tells."""

    width: int
    height: int
    depth_width: int
    depth_height: int
    c2w: Float64[np.ndarray, "n 4 4"]
    """OpenCV axes."""
    K: Float64[np.ndarray, "n 3 3"]
    own_intrinsics: bool
    """Each frame brought its own."""


def fits(path: Path) -> bool:
    """Whether a file is such an archive, or a folder such an export."""
    if path.is_dir():
        return _is_export(path)
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except _UNREADABLE:
        return path.suffix.lower() == ".r3d"
    return "metadata" in names and any(name.startswith("rgbd/") for name in names)


def parts(inside: Inside) -> Parts:
    """What lies in it, unpacked into ``inside.scratch``; of an export the cameras alone.

    Raises:
        EnvironmentNotReady: The decoder of LZFSE isn't installed.
        InputError: A part is missing, damaged, larger than it may be, or has no poses.
    """
    file = inside.folder
    if file.is_dir():
        return _of_export(inside)
    require_lzfse(file)
    try:
        with zipfile.ZipFile(file) as archive:
            return _unpack(archive, inside)
    except _UNREADABLE as error:
        raise InputError(
            str(file), f"not a readable archive ({error})", expected="Record3D's .r3d", likely="The file is truncated."
        ) from error


def _is_export(folder: Path) -> bool:
    file = folder / EXPORTED
    if not (folder / "rgb").is_dir() or not (folder / "depth").is_dir() or not file.is_file():
        return False
    if file.stat().st_size > MOST_METADATA:
        return False
    try:
        facts = json.loads(file.read_bytes())
    except (ValueError, RecursionError, OSError):
        return False
    return isinstance(facts, dict) and {"poses", "K", "dw", "dh"} <= facts.keys()


def _of_export(inside: Inside) -> Parts:
    """Frame k of the metadata is image k; its cameras are written as those of an archive are, frame by frame."""
    file = inside.folder / EXPORTED
    facts = _facts(file.read_bytes(), file, inside.limits.max_pixels)
    colours = inside.colours("rgb")
    size = inside.size(colours[0])
    across, down = _scale(size, facts, file)
    cameras = Cameras(width=size[0], height=size[1])
    numbers = {int(path.stem): path for path in colours if path.stem.isascii() and path.stem.isdecimal()}
    for number, path in sorted(numbers.items()):
        if number < len(facts.c2w):
            cameras.add(path.name, facts.c2w[number], facts.K[number] * np.array([[across], [down], [1.0]]))
    if not cameras.frames:
        raise InputError(
            str(file), f"{len(facts.c2w)} poses, and images like {colours[0].name}", expected="rgb/0.jpg for the first pose"
        )
    own = () if facts.own_intrinsics else ("one set of intrinsics for all frames: the recording has none for each",)
    return Parts(
        layout="Record3D",
        colours=colours,
        depths=inside.depths("depth"),
        cameras=cameras.write(inside.scratch_folder),
        depth_unit="m",
        remarks=own,
    )


def _unpack(archive: zipfile.ZipFile, inside: Inside) -> Parts:
    file, limits = inside.folder, inside.limits
    facts = _facts(_member(archive, "metadata", MOST_METADATA, file), file, limits.max_pixels)
    names = set(archive.namelist())
    numbers = [index for index in range(len(facts.c2w)) if f"rgbd/{index}.jpg" in names]
    whole = [index for index in numbers if f"rgbd/{index}.depth" in names]
    if not whole:
        raise InputError(
            str(file), f"{len(facts.c2w)} poses, {len(numbers)} images, none with depth", expected="rgbd/0.jpg, rgbd/0.depth"
        )
    kept, said = thinned(len(whole), limits.max_views)
    pixels = facts.depth_width * facts.depth_height
    out, scale = None, (1.0, 1.0)
    for number in (whole[index] for index in kept):
        jpeg = _member(archive, f"rgbd/{number}.jpg", limits.max_bytes, file)
        if out is None:
            size = _size(jpeg, f"{file}: rgbd/{number}.jpg", limits.max_pixels)
            scale = _scale(size, facts, file)
            out = Unpacked(folder=inside.scratch_folder, cameras=Cameras(width=size[0], height=size[1]))
        packed = _member(archive, f"rgbd/{number}.depth", MOST_COMPRESSED, file)
        z = np.frombuffer(decompressed(packed, count=4 * pixels, subject=file, what=f"rgbd/{number}.depth"), "<f4")
        levels = None
        if f"rgbd/{number}.conf" in names:
            packed = _member(archive, f"rgbd/{number}.conf", MOST_COMPRESSED, file)
            levels = np.frombuffer(decompressed(packed, count=pixels, subject=file, what=f"rgbd/{number}.conf"), np.uint8)
            levels = levels.reshape(facts.depth_height, facts.depth_width)
        K = facts.K[number].copy()
        K[0] *= scale[0]
        K[1] *= scale[1]
        out.add(
            f"{number:06d}",
            colour=jpeg,
            suffix=".jpg",
            depth=z.astype(np.float32).reshape(facts.depth_height, facts.depth_width),
            c2w=facts.c2w[number],
            K=K,
            confidence=levels,
        )
    assert out is not None
    if scale != (1.0, 1.0):
        said += (f"intrinsics are of {facts.width}x{facts.height} pixels, and were scaled to the images",)
    if lonely := len(facts.c2w) - len(whole):
        said += (f"{lonely} of {len(facts.c2w)} poses have no image with depth",)
    if not facts.own_intrinsics:
        said += ("one set of intrinsics for all frames: the recording has none for each",)
    return out.parts("Record3D", unit="m", remarks=said)


def _member(archive: zipfile.ZipFile, name: str, most: int, file: Path) -> bytes:
    """Content of one member, which may be no larger than ``most``, whatever its header says."""
    try:
        stated = archive.getinfo(name).file_size
    except KeyError as error:
        raise InputError(str(file), f"'{name}' is missing in it", expected="Record3D's .r3d") from error
    if stated <= most:
        with archive.open(name) as stream:
            content = stream.read(most + 1)
        if len(content) <= most:
            return content
    raise InputError(str(file), f"'{name}' has {stated} bytes", expected=f"at most {most}")


def _size(jpeg: bytes, subject: str, max_pixels: int) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG", "PNG")) as image:
            width, height = image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise InputError(subject, "not a readable image", expected="a JPEG") from error
    if width * height > max_pixels:
        raise InputError(subject, f"{width}x{height} pixels", expected=f"at most {max_pixels} pixels")
    return width, height


def _scale(size: tuple[int, int], facts: _Facts, file: Path) -> tuple[float, float]:
    """Of the images over what the intrinsics are for: newer recordings keep larger images than they tell."""
    across, down = size[0] / facts.width, size[1] / facts.height
    if abs(across / down - 1) > 0.01:
        raise InputError(
            str(file),
            f"images of {size[0]}x{size[1]} pixels, and intrinsics for {facts.width}x{facts.height}",
            expected="one shape of view",
        )
    return across, down


def _facts(content: bytes, file: Path, max_pixels: int) -> _Facts:
    expected = "w, h, dw, dh, K and poses of seven numbers"
    try:
        told: dict[str, Any] = json.loads(content)
        width, height, wide, deep = (int(told[name]) for name in ("w", "h", "dw", "dh"))
        poses = np.array(told.get("poses") or np.empty((0, 7)), np.float64)
        K = np.tile(np.array(told["K"], np.float64).reshape(3, 3).T, (len(poses), 1, 1))
        own = told.get("perFrameIntrinsicCoeffs") or []
        if own and len(poses):
            focal_and_centre = np.array(own, np.float64)
            if focal_and_centre.shape != (len(poses), 4):
                raise ValueError(f"perFrameIntrinsicCoeffs of shape {focal_and_centre.shape} for {len(poses)} poses")
            K[:, [0, 1, 0, 1], [0, 1, 2, 2]] = focal_and_centre
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(str(file), f"metadata: missing or malformed {error}", expected=expected) from error
    if not len(poses):
        raise InputError(
            str(file),
            "no poses in its metadata",
            expected="a pose of every frame",
            likely="It was recorded with the front camera, which isn't tracked.",
            next_step="Record with the LiDAR camera; or give its images as 'photos:', which finds cameras.",
        )
    if poses.ndim != 2 or poses.shape[1] != 7 or not np.isfinite(poses).all() or not np.isfinite(K).all():
        raise InputError(str(file), f"metadata: poses of shape {poses.shape}, or numbers that aren't finite", expected=expected)
    if min(width, height, wide, deep) < 1 or max(width * height, wide * deep) > max_pixels:
        raise InputError(
            str(file), f"metadata: sizes {width}x{height} and {wide}x{deep}", expected=f"up to {max_pixels} pixels"
        )
    length = np.linalg.norm(poses[:, :4], axis=1)
    off = np.flatnonzero(~(np.abs(length - 1) < 0.01))
    if len(off):
        raise InputError(
            str(file), f"metadata: the quaternion of pose {off[0]} has length {length[off[0]]:.3g}", expected="unit quaternions"
        )
    c2w = np.tile(np.eye(4), (len(poses), 1, 1))
    c2w[:, :3, :3] = Rotation.from_quat(poses[:, :4]).as_matrix()
    c2w[:, :3, 3] = poses[:, 4:]
    return _Facts(
        width=width,
        height=height,
        depth_width=wide,
        depth_height=deep,
        c2w=c2w_opencv_from_opengl(c2w),
        K=K,
        own_intrinsics=bool(own),
    )
