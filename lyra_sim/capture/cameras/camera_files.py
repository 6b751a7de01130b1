"""Camera files of other tools, read into one table, and given to the photos they belong to."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.cameras.camera_readers import GivenIntrinsics, read_lyra, read_open3d_log, read_transforms, read_tum
from lyra_sim.capture.cameras.frame_images import image_file
from lyra_sim.capture.cameras.lenses import Lenses
from lyra_sim.capture.cameras.trajectory_readers import recorded_reader
from lyra_sim.capture.intake.photo_names import photo_names, safe_name
from lyra_sim.conventions import K_from_integer_centres, c2w_opencv_from_opengl
from lyra_sim.data.files import read_json
from lyra_sim.data.posed import Lens, PhotoSet, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import nearest_rotation
from lyra_sim.scene.sources import TransformsSource

Axes = Literal["opencv", "opengl"]
Centres = Literal["half", "integer"]

SAME_MOMENT = 0.02
"""A camera of a TUM file belongs to a photo whose stem is a timestamp this near [s], as TUM's own tools pair them.
Convention."""
_NO_POINTS = SparsePoints(
    points=np.empty((0, 3)), point_index=np.empty(0, np.int32), view_index=np.empty(0, np.int32), xy=np.empty((0, 2))
)


@dataclass(frozen=True, kw_only=True)
class CameraTable:
    """Cameras by frame, already in lyra-sim's conventions, possibly distorted."""

    keys: tuple[str, ...]
    """File stem of each camera's image; a running number or a timestamp for formats that name no files."""
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
    own: tuple[list[tuple[int, int]], Float64[np.ndarray, "n 4"]] | None = None
    """Width and height, and distortion, of each camera where they differ; ``width``, ``height`` and ``distortion`` are then
    those of the first."""

    def lens(self, index: int) -> Lens:
        """Of one camera."""
        (width, height), distortion = (self.width, self.height), self.distortion
        if self.own is not None:
            (width, height), distortion = self.own[0][index], self.own[1][index]
        return Lens(K=self.K[index], distortion=distortion, width=width, height=height)


def read_cameras(path: Path, *, intrinsics: GivenIntrinsics, axes: str, pixel_centres: str, mixed: bool = False) -> CameraTable:
    """Read any supported camera file; ``auto`` takes the format's own convention.

    Args:
        path: ``*.json`` (nerfstudio, camera-to-world, OpenGL), ``*.log`` (Open3D, camera-to-world, OpenCV, integer
            pixel centres), ``*.txt`` (TUM, camera-to-world, OpenCV, integer pixel centres) or ``*.npz`` (Lyra,
            world-to-camera, OpenCV); or what :func:`recorded_reader` knows by content.
        intrinsics: A file as :func:`read_intrinsics` reads it, or its content; needed by formats that carry none.
        axes: ``auto``, ``opencv`` or ``opengl``.
        pixel_centres: ``auto``, ``half`` or ``integer``.
        mixed: Sizes and distortions may differ from camera to camera.

    Raises:
        InputError: The suffix names no format, the file isn't what its format says, or it mixes lenses where it may not.
    """
    readers: dict[str, tuple[Any, Axes, Centres]] = {
        ".json": (read_transforms, "opengl", "half"),
        ".log": (read_open3d_log, "opencv", "integer"),
        ".txt": (read_tum, "opencv", "integer"),
        ".npz": (read_lyra, "opencv", "half"),
    }
    recorded = recorded_reader(path)
    if recorded is None and path.suffix not in readers:
        raise InputError(str(path), f"unknown camera format '{path.suffix}'", expected=", ".join(readers))
    reader, own_axes, own_centres = recorded or readers[path.suffix]
    fields = reader(path, intrinsics)
    broken = np.flatnonzero(~np.isfinite(fields["c2w"]).all(axis=(1, 2)))
    if len(broken):
        raise InputError(
            str(path),
            f"{len(broken)} of {len(fields['keys'])} cameras have NaN or infinite numbers, '{fields['keys'][broken[0]]}' first",
            expected="finite numbers",
            likely="Tracking was lost there.",
            next_step="Leave those cameras out of the file.",
        )
    read_as: Axes = own_axes if axes == "auto" else axes  # type: ignore[assignment]
    if read_as == "opengl":
        fields["c2w"] = c2w_opencv_from_opengl(fields["c2w"])
    if (own_centres if pixel_centres == "auto" else pixel_centres) == "integer":
        fields["K"] = K_from_integer_centres(fields["K"])
    for matrix in fields["c2w"]:  # text files carry 6 to 8 digits: make rotations exact
        off = np.abs(matrix[:3, :3] @ matrix[:3, :3].T - np.eye(3)).max()
        if off < 1e-3 and np.linalg.det(matrix[:3, :3]) > 0:  # a mirrored camera stays one, and is refused
            matrix[:3, :3] = nearest_rotation(matrix[:3, :3])
    table = CameraTable(axes=read_as, **fields)
    if table.own is not None and not mixed:
        raise _mixed(path, *table.own)
    return table


def _mixed(path: Path, sizes: list[tuple[int, int]], distortion: Float64[np.ndarray, "n 4"]) -> InputError:
    distinct = [f"{width}x{height}" for width, height in sorted(set(sizes))]
    if len(distinct) > 1:
        return InputError(
            str(path),
            f"frames of {len(distinct)} sizes, {distinct[0]} and {distinct[1]} among them",
            expected="one size for all frames",
            next_step="Give a file and a scene per camera; as 'transforms:', without depth, sizes may differ.",
        )
    return InputError(
        str(path),
        f"frames with a lens distortion of their own: {len(np.unique(distortion, axis=0))} different ones",
        expected="one lens for all frames",
        next_step="Undistort the images first.",
    )


def match_frames(table: CameraTable, stems: Sequence[str], *, subject: str) -> list[int]:
    """Camera of every image; an InputError that names the first image without one.

    Raises:
        InputError: An image has no camera; the first one is named.
    """
    cameras = cameras_of(table, stems, subject=subject)
    found = [index for index in cameras if index is not None]
    if len(found) < len(stems):
        without = [stem for stem, index in zip(stems, cameras, strict=True) if index is None]
        raise InputError(
            subject, f"no camera for image '{without[0]}' and {len(without) - 1} more", expected="a camera per image"
        )
    return found


def cameras_of(table: CameraTable, stems: Sequence[str], *, subject: str) -> list[int | None]:
    """Camera of every image, None where it has none.

    By file stem. For formats that name no files: by the whole stem, by the number it ends in if no two images end in the
    same, by the time it states, or by order when there are as many cameras as images.

    Raises:
        InputError: The table names no files, and neither numbers, times nor counts tell which camera is whose.
    """
    if table.named:
        return _by_name(table.keys, stems, subject)
    whole = {key: index for index, key in enumerate(table.keys)}
    if all(stem in whole for stem in stems):
        return [whole[stem] for stem in stems]
    numbered = {number: index for index, key in enumerate(table.keys) if (number := _whole_number(key)) is not None}
    numbers = [_number(stem) for stem in stems]
    claimed = [number for number in numbers if number in numbered]
    once = len(set(claimed)) == len(claimed)
    if once and (len(claimed) == len(stems) or len(claimed) == len(table.keys) < len(stems)):
        return [None if number is None else numbered.get(number) for number in numbers]
    times = [seconds_of(stem) for stem in stems]
    moments = [seconds_of(key) for key in table.keys]
    if all(time is not None for time in times) and all(moment is not None for moment in moments):
        return _by_time(np.array(moments, np.float64), np.array(times, np.float64), subject)
    if len(stems) == len(table.keys):
        return list(range(len(stems)))
    raise InputError(
        subject,
        f"{len(table.keys)} cameras for {len(stems)} images, and the images' numbers don't name cameras",
        expected="as many cameras as images, or file names that end in the camera's number",
    )


def _by_name(keys: tuple[str, ...], stems: Sequence[str], subject: str) -> list[int | None]:
    position = {safe_name(key): index for index, key in enumerate(keys)} | {key: index for index, key in enumerate(keys)}
    wanted, times = set(stems), Counter(keys)
    twice = sorted(key for key in times if times[key] > 1 and (key in wanted or safe_name(key) in wanted))
    if twice:
        raise InputError(
            subject,
            f"two cameras for image '{twice[0]}'",
            expected="one camera per file stem",
            likely="Images of several folders share their names.",
        )
    return [position.get(stem) for stem in stems]


def _by_time(moments: Float64[np.ndarray, "c"], times: Float64[np.ndarray, "n"], subject: str) -> list[int | None]:
    away = np.abs(moments[None, :] - times[:, None])
    nearest = away.argmin(axis=1)
    off = away[np.arange(len(times)), nearest]
    if off.min() > SAME_MOMENT:
        raise InputError(
            subject,
            f"its times, {moments.min():.3f} to {moments.max():.3f} s, miss those in the images' names, "
            f"{times.min():.3f} to {times.max():.3f} s",
            expected=f"a camera within {SAME_MOMENT} s of an image",
            likely="The file belongs to another recording.",
        )
    return [int(index) if apart <= SAME_MOMENT else None for index, apart in zip(nearest, off, strict=True)]


def _number(stem: str) -> int | None:
    """The number a stem ends in."""
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits and digits.isascii() else None


def seconds_of(text: str) -> float | None:
    """Of a stem or key that is a time [s]: digits with a point."""
    whole, point, fraction = text.partition(".")
    return float(text) if point and whole.isdecimal() and fraction.isdecimal() else None


def _whole_number(key: str) -> int | None:
    whole, _, fraction = key.partition(".")
    return int(whole) if whole.isdecimal() and not fraction.strip("0") else None


def posed_by_file(cameras: Path, photos: PhotoSet, *, intrinsics: Path | None, axes: str, pixel_centres: str) -> PosedPhotos:
    """Photos with the cameras of a file beside them. Photos that it has no camera for are left out.

    Args:
        cameras: As :func:`read_cameras` reads it.
        photos: Matched as :func:`cameras_of` says.
        intrinsics: As for :func:`read_cameras`.
        axes: As for :func:`read_cameras`.
        pixel_centres: As for :func:`read_cameras`.
    """
    table = read_cameras(cameras, intrinsics=intrinsics, axes=axes, pixel_centres=pixel_centres, mixed=True)
    chosen = cameras_of(table, [photo.name for photo in photos.photos], subject=str(cameras))
    return _posed(table, chosen, photos, subject=str(cameras), key="photos", file=cameras.name)


def posed_by_transforms(source: TransformsSource, photos: PhotoSet) -> PosedPhotos:
    """Photos taken in from :func:`image_files_of_transforms`, with the cameras of their frames."""
    table = read_cameras(source.file, intrinsics=None, axes=source.axes, pixel_centres=source.pixel_centres, mixed=True)
    files, frames = files_and_frames(source.file)
    frame_of = dict(zip(photo_names(files), frames, strict=True))
    chosen = [frame_of.get(photo.name) for photo in photos.photos]
    return _posed(table, chosen, photos, subject=str(source.file), key="transforms", file=source.file.name)


def image_files_of_transforms(path: Path) -> list[Path]:
    """Image files of a transforms.json, sorted, whether they exist or not.

    A ``file_path`` is relative to the JSON; it may lack its suffix, lie in nested folders, and begin with one ``../`` for a
    JSON kept in a folder of its own. What is absolute or leads further out is refused: a camera file from somebody else
    must not decide which private images go into a world.
    """
    return files_and_frames(path)[0]


def files_and_frames(path: Path) -> tuple[list[Path], list[int]]:
    """Image file and frame number of every frame, sorted by file.

    Raises:
        InputError: It is no such file, a path leads out of its folder, or two frames name one image.
    """
    facts = read_json(path)
    frames = facts.get("frames") if isinstance(facts, dict) else None
    if not isinstance(frames, list) or not all(
        isinstance(one, dict) and isinstance(one.get("file_path"), str) for one in frames
    ):
        raise InputError(str(path), "no list of frames with a file_path each", expected="nerfstudio's transforms.json")
    if not frames:
        raise InputError(str(path), "no frames", expected="at least one frame")
    folder = Path(os.path.abspath(path.parent))
    found = sorted((image_file(folder, frame["file_path"], path), index) for index, frame in enumerate(frames))
    for (file, _), (other, _) in pairwise(found):
        if file == other:
            raise InputError(str(path), f"two frames for image '{file.name}'", expected="one frame per image")
    return [file for file, _ in found], [index for _, index in found]


def _posed(
    table: CameraTable, chosen: Sequence[int | None], photos: PhotoSet, *, subject: str, key: str, file: str
) -> PosedPhotos:
    pairs = [(photo, index) for photo, index in zip(photos.photos, chosen, strict=True) if index is not None]
    if not pairs:
        raise InputError(
            subject,
            f"none of its {len(table.keys)} cameras belongs to one of the {len(photos.photos)} photos",
            expected=f"cameras of photos like '{photos.photos[0].name}'" if photos.photos else "photos",
            likely="The file belongs to other photos.",
        )
    at = [index for _, index in pairs]
    cameras = CameraPath(c2w=table.c2w[at], K=table.K[at], width=table.width, height=table.height)
    lenses = Lenses()
    lens_index = [
        lenses.add(replace(table.lens(index), K=K), photo, subject=subject)
        for K, (photo, index) in zip(cameras.K, pairs, strict=True)
    ]
    return PosedPhotos(
        names=tuple(photo.name for photo, _ in pairs),
        c2w=cameras.c2w,
        lens_index=np.array(lens_index, np.int32),
        lenses=tuple(lenses.distinct),
        sparse=_NO_POINTS,
        recipe=f"{key}: {file} in {table.axes} axes",
        reprojection_px=float("nan"),
    )
