"""The camera path that generate films along: a preset made from the capture, or a file, clear of what is known to be there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import ClearanceFacts, PathFacts
from lyra_sim.errors import SpecError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.generate import CHUNK_FRAMES, FilePath, GenerateConfig, PresetPath
from lyra_sim.trajectories.gaze import turns
from lyra_sim.trajectories.known_surface import KnownSurface, known_surface
from lyra_sim.trajectories.path_file import file_frames
from lyra_sim.trajectories.presets import preset_frames, start_view

MOVED = 1e-3
"""A frame counts as moved by the clamp from here on [m]. Convention."""

MULTIPLE = 16
"""Sides of frames are whole multiples of this [px]: a video network works on 8 × 8 pixels, two by two. Convention."""


@dataclass(frozen=True, kw_only=True)
class GeneratedPath:
    """Cameras to film along, and how they came about."""

    cameras: CameraPath
    """1 + 80 k cameras in the capture frame and its units; width and height are those of the frames to generate."""
    facts: PathFacts


def camera_path(capture: Capture, cfg: GenerateConfig) -> GeneratedPath:
    """The path ``cfg.path`` asks for. Equal captures and settings give equal cameras, bit for bit.

    A preset's first camera is exactly the start photo's, and so is the first of a file with ``frame: first_camera`` exactly
    the first photo's. Frames have the photos' aspect as nearly as whole multiples of 16 allow; a view that doesn't fit is cut
    off evenly at its edges, never stretched.

    Args:
        capture: With depth.
        cfg: Its ``path`` may not be None.

    Raises:
        SpecError: The scene asks for no path, or for a start that isn't a used photo.
        InputError: The file's cameras can't be read, or are too few.
        FrameError: The file's cameras aren't rigid.
        GeometryError: Too little of the path can be kept clear.
    """
    if isinstance(cfg.path, PresetPath):
        start_view(capture, cfg.path.start)  # a misspelt name is told at once
    known = known_surface(capture, cfg.clearance) if cfg.clearance > 0 else None
    size = frame_size(capture.cameras.width, capture.cameras.height, cfg.side)
    match cfg.path:
        case PresetPath():
            cameras, found = _from_preset(capture, cfg.path, known, cfg, size)
        case FilePath():
            cameras, found = _from_file(capture, cfg.path, known, cfg, size)
        case None:
            raise SpecError("generate.path", "no camera path is given", expected="a preset or a camera file")
    assert (len(cameras) - 1) % CHUNK_FRAMES == 0
    return GeneratedPath(cameras=cameras, facts=found)


def _from_preset(
    capture: Capture, path: PresetPath, known: KnownSurface | None, cfg: GenerateConfig, size: tuple[int, int]
) -> tuple[CameraPath, PathFacts]:
    frames = preset_frames(capture, path, known, chunks=cfg.chunks, clearance=cfg.clearance)
    c2w = capture.world_from_capture.inverse.apply_cameras(frames.c2w)
    c2w[0] = capture.cameras.c2w[frames.start]  # without the rounding of the way to the provisional frame and back
    photos = (capture.cameras.width, capture.cameras.height)
    K = cropped_K(capture.cameras.K[frames.start], size=photos, new_size=size)
    cameras = CameraPath(c2w=c2w[frames.frame_of], K=np.tile(K, (len(frames.frame_of), 1, 1)), width=size[0], height=size[1])
    world = frames.c2w[frames.frame_of]
    clearance = _of_clearance(known, cfg.clearance, world, frames.meant, frames.shift, frames.cut_to)
    start = capture.views.names[frames.start]
    return cameras, PathFacts(kind=path.preset, start=start, clearance=clearance, **_of_motion(world), **frames.facts)


def _from_file(
    capture: Capture, path: FilePath, known: KnownSurface | None, cfg: GenerateConfig, size: tuple[int, int]
) -> tuple[CameraPath, PathFacts]:
    frames = file_frames(capture, path, known, chunks=cfg.chunks, clearance=cfg.clearance)
    world = frames.cameras
    c2w = capture.world_from_capture.inverse.apply_cameras(world.c2w)
    if frames.starts_at_photo:
        c2w[0] = capture.cameras.c2w[capture.used[0]]
    K = cropped_K(world.K, size=(world.width, world.height), new_size=size)
    cameras = CameraPath(c2w=c2w, K=K, width=size[0], height=size[1])
    clearance = _of_clearance(known, cfg.clearance, world.c2w, frames.meant, frames.shift, frames.cut_to)
    return cameras, PathFacts(kind="file", clearance=clearance, **_of_motion(world.c2w), **frames.facts)


def _of_motion(c2w: Float64[np.ndarray, "n 4 4"]) -> dict[str, Any]:
    steps = np.linalg.norm(np.diff(c2w[:, :3, 3], axis=0), axis=1)
    return {
        "frames": len(c2w),
        "length_m": round(float(steps.sum()), 4),
        "largest_step_m": round(float(steps.max()), 5),
        "largest_turn_deg": round(float(np.degrees(turns(c2w[:, :3, :3]).max())), 3),
    }


def _of_clearance(
    known: KnownSurface | None,
    clearance: float,
    c2w: Float64[np.ndarray, "n 4 4"],
    meant: Float64[np.ndarray, "b 3"],
    shift: Float64[np.ndarray, "n"],
    cut_to: float,
) -> ClearanceFacts | None:
    if known is None:
        return None
    positions = c2w[:, :3, 3]
    return ClearanceFacts(
        asked_m=clearance,
        least_before_m=round(float(known.distance(meant).min()), 4),
        least_m=round(float(known.distance(positions).min()), 4),
        least_required_m=round(float(known.required(positions, clearance).min()), 4),
        narrow_photos=int((known.own < clearance).sum()),
        frames_moved=int((shift > MOVED).sum()),
        largest_shift_m=round(float(shift.max()), 4),
        way_kept=round(cut_to, 4),
        frames_behind=int(known.behind(positions, known.nearest(positions)[1]).sum()),
    )


def frame_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height [px] with ``side`` as the longer one and nearly the aspect of ``width × height``."""
    scale = side / max(width, height)
    longer = max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)
    shorter = max(MULTIPLE, round(min(width, height) * scale / MULTIPLE) * MULTIPLE)
    return (longer, shorter) if width >= height else (shorter, longer)


def cropped_K(
    K: Float[np.ndarray, "*n 3 3"], *, size: tuple[int, int], new_size: tuple[int, int]
) -> Float64[np.ndarray, "*n 3 3"]:
    """Intrinsics of the largest view of ``new_size`` that lies within the view of ``size``.

    Both focal lengths are scaled alike, so pixels keep their shape; what doesn't fit the new aspect is cut off evenly on both
    sides. A frame therefore never shows more than its photo.
    """
    (width, height), (new_width, new_height) = size, new_size
    scale = max(new_width / width, new_height / height)
    new = np.array(K, np.float64, copy=True)
    new[..., :2, :] *= scale
    new[..., 0, 2] -= (width * scale - new_width) / 2
    new[..., 1, 2] -= (height * scale - new_height) / 2
    return new
