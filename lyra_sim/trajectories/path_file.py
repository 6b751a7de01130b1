"""Camera paths from files, brought to the provisional metric frame and kept out of what is known to be there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from lyra_sim.capture.cameras.camera_files import CameraTable, read_cameras
from lyra_sim.data.capture import Capture
from lyra_sim.errors import FrameError, GeometryError, InputError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import invert_rigid
from lyra_sim.scene.generate import CHUNK_FRAMES, FilePath
from lyra_sim.trajectories.clearance import Cleared, keep_clear, looked_at
from lyra_sim.trajectories.known_surface import KnownSurface

FORMATS = (".npz", ".json")
"""Files that carry intrinsics."""
SOFTNESS = 8.0
"""Sigma that a path is bent aside with [frames]. Tuned, unrecorded."""
MAX_SHIFT = 1.0
"""A frame is moved by no more than about this [m]. Convention."""
MAX_INSIDE = 0.5
"""A path with more of its frames than this share inside something is in the wrong place as a whole. Convention."""


@dataclass(frozen=True, kw_only=True)
class FileFrames:
    """Cameras of a file after the clamp."""

    cameras: CameraPath
    """In the provisional frame [m]; K and size as in the file."""
    starts_at_photo: bool
    """Whether the first camera is the first photo's, by definition."""
    meant: Float64[np.ndarray, "b 3"]
    """Positions before the clamp, of all frames that were wanted [m]."""
    shift: Float64[np.ndarray, "n"]
    """How far the clamp moved every frame [m]."""
    cut_to: float
    """Share of those frames that the clamp left, 0..1."""
    facts: dict[str, Any]


def file_frames(capture: Capture, path: FilePath, known: KnownSurface | None, *, chunks: int, clearance: float) -> FileFrames:
    """The longest path of 1 + 80 k cameras that the file holds, ``chunks`` allows and ``known`` surface leaves clear.

    Raises:
        InputError: It holds too few cameras.
        FrameError: Its cameras aren't rigid.
        GeometryError: Too few of them can be kept clear.
    """
    subject = path.file.name
    table = _table(path)
    count = _whole_chunks(min(len(table.c2w), 1 + CHUNK_FRAMES * chunks))
    if count <= 1:
        raise InputError(
            subject,
            f"{len(table.c2w)} cameras",
            expected=f"{1 + CHUNK_FRAMES} at least: the first and a chunk of {CHUNK_FRAMES}",
            likely="Frames are drawn in chunks of 80.",
            next_step="Resample the path to 81, 161, 241 … cameras.",
        )
    try:
        cameras = CameraPath(c2w=table.c2w[:count], K=table.K[:count], width=table.width, height=table.height)
    except FrameError as error:
        raise FrameError(
            f"{subject}: {error.subject}", error.found, expected=error.expected, likely=error.likely, next_step=error.next_step
        ) from error
    c2w = cameras.c2w.copy()
    c2w[:, :3, 3] *= path.metres_per_unit
    at_photo = path.frame == "first_camera"
    if at_photo:
        photo = capture.cameras.moved(capture.world_from_capture).c2w[capture.used[0]]
        c2w = photo @ invert_rigid(c2w[0]) @ c2w
    meant = c2w[:, :3, 3].copy()
    cleared = Cleared(points=meant, shift=np.zeros(count))
    if known is not None:
        _refuse_inside(meant, known, path, subject)
        cleared = keep_clear(meant, known, clearance, softness=SOFTNESS, max_shift=MAX_SHIFT, pinned=at_photo, level=False)
    kept = _whole_chunks(len(cleared.points))
    if kept <= 1:
        raise GeometryError(
            subject,
            f"only its first {len(cleared.points)} cameras can be kept {clearance:g} m clear of what the photos show",
            expected=f"{1 + CHUNK_FRAMES} or more",
            likely="The path leads through a wall, or its unit or frame isn't what the scene file says.",
            next_step="Check generate.path.frame and metres_per_unit, or lower generate.clearance; at 0 it may go anywhere.",
        )
    c2w[:kept, :3, 3] = cleared.points[:kept]
    return FileFrames(
        cameras=CameraPath(c2w=c2w[:kept], K=cameras.K[:kept], width=cameras.width, height=cameras.height),
        starts_at_photo=at_photo,
        meant=meant,
        shift=cleared.shift[:kept],
        cut_to=kept / count,
        facts={"file": subject, "frames_in_file": len(table.c2w), "frame": path.frame, "axes": table.axes},
    )


def _table(path: FilePath) -> CameraTable:
    subject = path.file.name
    if path.file.suffix not in FORMATS:
        raise InputError(
            subject,
            f"'{path.file.suffix}' carries no intrinsics or isn't a camera file",
            expected="Lyra's *.npz, or transforms.json",
        )
    table = read_cameras(path.file, intrinsics=None, axes=path.axes, pixel_centres=path.pixel_centres)
    if table.distortion.any():
        raise InputError(
            subject,
            "its lens is distorted",
            expected="pinhole cameras: k1, k2, p1 and p2 absent or 0",
            likely="It is the camera file of photos; a path is filmed without a lens.",
            next_step="Remove the lens's coefficients from it.",
        )
    return table


def _whole_chunks(count: int) -> int:
    """The longest 1 + 80 k not above ``count``; 0 for none."""
    return 1 + CHUNK_FRAMES * ((count - 1) // CHUNK_FRAMES) if count >= 1 else 0


def inside(points: Float64[np.ndarray, "n 3"], known: KnownSurface) -> Bool[np.ndarray, "n"]:
    """Frames that lie behind known surface and came there through it.

    Space that no photo shows is no reason for doubt: a path may go round a corner. It may not start behind what was seen, or
    come there through it.
    """
    behind, free = known.behind(points, known.nearest(points)[1]), known.seen_free(points)
    at, owner = looked_at(points, known.cell / 2)
    through = np.ones(len(points), bool)  # after a leap that isn't looked into: taken to lead through something
    through[: owner[-1] + 1] = False
    through[owner[np.isfinite(known.distance(at, within=known.cell))]] = True
    through[0] = True
    found = np.zeros(len(points), bool)
    for index in range(len(points)):
        before = index > 0 and found[index - 1]
        found[index] = bool(behind[index] and (before or through[index])) if not free[index] else False
    return found


def _refuse_inside(points: Float64[np.ndarray, "n 3"], known: KnownSurface, path: FilePath, subject: str) -> None:
    found = inside(points, known)
    if found.mean() <= MAX_INSIDE:
        return
    extent = " × ".join(f"{side:.3g}" for side in np.ptp(points, axis=0))
    photos = " × ".join(f"{side:.3g}" for side in np.ptp(known.points, axis=0))
    raise FrameError(
        subject,
        f"{int(found.sum())} of {len(points)} cameras lie behind the surface that the photos show",
        expected="less than half",
        likely=f"It is read in the {path.frame} frame, {path.metres_per_unit:g} m a unit: the path then spans {extent} m, what "
        f"the photos show {photos} m. Its frame, unit or axes may be others.",
        next_step="Correct generate.path.frame, metres_per_unit or axes; generate.clearance: 0 lets it go anywhere.",
    )
