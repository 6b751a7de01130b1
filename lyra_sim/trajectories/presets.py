"""Preset camera paths in the provisional metric frame: a walk, an orbit, a look around, a walk there and back."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from lyra_sim.data.capture import Capture
from lyra_sim.errors import GeometryError, SpecError, did_you_mean
from lyra_sim.scene.generate import CHUNK_FRAMES, PresetPath
from lyra_sim.trajectories.clearance import Cleared, keep_clear
from lyra_sim.trajectories.gaze import angles_of, angles_towards, begun_as, rotations_of
from lyra_sim.trajectories.known_surface import KnownSurface, middle_depth
from lyra_sim.trajectories.photo_way import MOST_STATIONS, SPACING, way_ahead, way_of_photos
from lyra_sim.trajectories.smooth_motion import along, arc_length, eased
from lyra_sim.trajectories.walk_pace import gaze_at, paced, reach_of, with_gaze

log = logging.getLogger(__name__)

SOFTNESS, SOFT_FRAMES = 0.25, 3.0
"""Sigma that a path is bent aside with: the larger of so many metres and the way of so many frames. Tuned, unrecorded."""
MAX_SHIFT = 1.0
"""A walk is bent aside by no more than about this [m]. Convention."""
ORBIT_SHIFT = 0.5
"""… and an orbit by no more than this share of its radius. Convention."""
BEYOND = 0.25
"""Where there is one photo alone, a path that turns looks beyond its view by no more than this share of its width: of what lies
farther to the side, nothing is known. Convention."""
MIN_MOVE = 0.05
"""A path that can't go even this far is an error [m]. Convention."""
MIN_ORBIT = 0.1
"""Least horizontal distance of an orbit from what it goes round [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class PresetFrames:
    """Cameras of a preset; frames may share them."""

    c2w: Float64[np.ndarray, "m 4 4"]
    """In the provisional frame [m]; the first is the start photo's."""
    frame_of: Int64[np.ndarray, "n"]
    """Camera of every frame."""
    start: int
    """Index of the start photo among the views."""
    meant: Float64[np.ndarray, "b 3"]
    """Stations of the whole way before the clamp [m]."""
    shift: Float64[np.ndarray, "n"]
    """How far the clamp moved every frame [m]."""
    cut_to: float
    """Share of the stations that the clamp left, 0..1."""
    facts: dict[str, Any]


def start_view(capture: Capture, name: str | None) -> int:
    """Index of the photo of that name; the first used one for None.

    Raises:
        SpecError: No photo is named so, or it is held out.
    """
    used = capture.used
    if name is None:
        return used[0]
    names = capture.views.names
    if name not in names:
        raise SpecError(
            "generate.path.start",
            f"no photo is named '{name}'",
            expected=f"the file stem of one of the {len(used)} photos, such as '{names[used[0]]}'",
            likely=did_you_mean(name, [names[index] for index in used]),
            next_step="Leave it out to start at the first one.",
        )
    if (index := names.index(name)) not in used:
        raise SpecError(
            "generate.path.start",
            f"photo '{name}' is held out to measure the result and may not be built from",
            expected=f"a photo that is used, such as '{names[used[0]]}'",
            next_step="Choose another, or set capture.hold_out_every: 0.",
        )
    return index


def preset_frames(
    capture: Capture, path: PresetPath, known: KnownSurface | None, *, chunks: int, clearance: float
) -> PresetFrames:
    """Cameras of a preset path, kept ``clearance`` [m] away from ``known`` surface; without one, nothing is kept away from."""
    start = start_view(capture, path.start)
    frames = 1 + CHUNK_FRAMES * chunks
    match path.preset:
        case "walk_through":
            return _walk(capture, path, start, known, clearance, np.arange(frames))
        case "there_and_back":
            there = np.arange((frames + 1) // 2)
            return _walk(capture, path, start, known, clearance, np.concatenate([there, there[-2::-1]]))
        case "orbit":
            return _orbit(capture, path, start, known, clearance, np.arange(frames))
        case "look_around":
            return _look_around(capture, path, start, np.arange(frames))


def _walk(
    capture: Capture,
    path: PresetPath,
    start: int,
    known: KnownSurface | None,
    clearance: float,
    frame_of: Int64[np.ndarray, "n"],
) -> PresetFrames:
    count = int(frame_of.max()) + 1
    used = np.array(capture.used, np.int64)
    c2w = capture.cameras.moved(capture.world_from_capture).c2w
    first = angles_of(c2w[[start]][:, :3, :3])[0]
    way = way_of_photos(c2w[used], int(np.searchsorted(used, start)))
    if way is None:
        length = min(middle_depth(capture, start, middle=False) / 2, reach_of(count)) if path.length == "auto" else path.length
        way = way_ahead(c2w[start], float(first[0]), length)
    else:
        way = way.cut(max(2, int((arc_length(way.stations) <= (np.inf if path.length == "auto" else path.length)).sum())))
    way, gaze = with_gaze(way, count, cut=path.length == "auto")
    softness = _softness(way.length, count) / way.spacing
    cleared = _cleared(way.stations, known, clearance, softness=softness, max_shift=MAX_SHIFT, level=False)
    _refuse_stuck(cleared, clearance)
    gaze = gaze[: len(cleared.points)]
    positions, index = along(cleared.points, eased(count), paced(cleared.points, gaze, count))
    angles = begun_as(gaze_at(gaze, index), first)
    return PresetFrames(
        c2w=_cameras(positions, angles),
        frame_of=frame_of,
        start=start,
        meant=way.stations,
        shift=np.interp(index, np.arange(len(cleared.shift)), cleared.shift)[frame_of],
        cut_to=(len(cleared.points) - 1) / (len(way.stations) - 1),
        facts={"order": way.order},
    )


def _orbit(
    capture: Capture,
    path: PresetPath,
    start: int,
    known: KnownSurface | None,
    clearance: float,
    frame_of: Int64[np.ndarray, "n"],
) -> PresetFrames:
    """To the left; to the right where more of that way leads through space that photos saw to be free, or, failing that, where
    it gets farther before something is in the way."""
    c2w = capture.cameras.moved(capture.world_from_capture).c2w[start]
    far = middle_depth(capture, start, middle=True) if path.radius == "auto" else path.radius
    target = c2w[:3, 3] + far * c2w[:3, 2]
    arm = (c2w[:3, 3] - target) * [1.0, 1.0, 0.0]
    radius = float(np.linalg.norm(arm))
    if radius < MIN_ORBIT:
        raise GeometryError(
            "generate.path",
            f"photo '{capture.views.names[start]}' looks straight {'down' if c2w[2, 2] < 0 else 'up'}: an orbit round what it "
            f"looks at would be {radius:.2f} m wide",
            expected=f"a horizontal distance of {MIN_ORBIT} m or more",
            next_step="Choose another start, or preset look_around.",
        )
    turn_deg = _within_view(capture, path, start, sides=1)
    count = int(np.clip(np.ceil(np.radians(turn_deg) * radius / SPACING) + 1, 64, MOST_STATIONS))
    turned = np.linspace(0, np.radians(turn_deg), count)
    softness = _softness(radius * turned[-1], len(frame_of)) / (radius * turned[-1] / (count - 1))
    sides: list[tuple[tuple[int, int], Cleared, np.ndarray]] = []
    for side in (-1.0, 1.0):  # who goes to the left of what they look at goes round it clockwise
        cos, sin = np.cos(side * turned), np.sin(side * turned)
        round_it = np.stack([cos * arm[0] - sin * arm[1], sin * arm[0] + cos * arm[1], np.zeros(count)], axis=1)
        stations = c2w[:3, 3] + (round_it - arm)
        cleared = _cleared(stations, known, clearance, softness=softness, max_shift=ORBIT_SHIFT * radius, level=True)
        seen = 0 if known is None else int(known.seen_free(cleared.points).sum())
        sides.append(((seen, len(cleared.points)), cleared, stations))
    _, cleared, stations = max(sides, key=lambda each: each[0])  # the left one where both are as good
    _refuse_stuck(cleared, clearance)
    positions, index = along(cleared.points, eased(len(frame_of)))
    cut_to = (len(cleared.points) - 1) / (count - 1)
    angles = begun_as(angles_towards(target - positions), angles_of(c2w[None, :3, :3])[0])
    return PresetFrames(
        c2w=_cameras(positions, angles),
        frame_of=frame_of,
        start=start,
        meant=stations,
        shift=np.interp(index, np.arange(len(cleared.shift)), cleared.shift),
        cut_to=cut_to,
        facts={"radius_m": round(radius, 4), "turn_deg": round(turn_deg * cut_to, 2)},
    )


def _look_around(capture: Capture, path: PresetPath, start: int, frame_of: Int64[np.ndarray, "n"]) -> PresetFrames:
    """To the left, on the spot, level but for the beginning; from one photo alone, as far as it shows to the left, to the right
    and back, at its own pitch."""
    c2w = capture.cameras.moved(capture.world_from_capture).c2w[start]
    first = angles_of(c2w[None, :3, :3])[0]
    turn_deg, done = _within_view(capture, path, start, sides=2), eased(len(frame_of))
    alone = len(capture.used) == 1
    yaw = first[0] + np.radians(turn_deg) * (np.sin(2 * np.pi * done) / 2 if alone else done)
    pitch = np.full_like(yaw, first[1] if alone else 0.0)
    angles = begun_as(np.stack([yaw, pitch, np.zeros_like(yaw)], axis=1), first)
    positions = np.tile(c2w[:3, 3], (len(frame_of), 1))
    return PresetFrames(
        c2w=_cameras(positions, angles),
        frame_of=frame_of,
        start=start,
        meant=positions[:1],
        shift=np.zeros(len(frame_of)),
        cut_to=1.0,
        facts={"turn_deg": round(turn_deg, 2)},
    )


def _within_view(capture: Capture, path: PresetPath, start: int, *, sides: int) -> float:
    """The angle to turn by, to one side or to two in all [degrees]: less than asked where there is one photo alone."""
    if len(capture.used) > 1:
        return path.turn_deg
    K, width = capture.cameras.K[start], capture.cameras.width
    view = np.arctan(K[0, 2] / K[0, 0]) + np.arctan((width - K[0, 2]) / K[0, 0])
    most = sides * BEYOND * float(np.degrees(view))
    if path.turn_deg > most:
        log.info("%s: one photo shows enough for a turn by %.0f degrees, not %.0f", path.preset, most, path.turn_deg)
    return min(path.turn_deg, most)


def _cleared(
    stations: Float64[np.ndarray, "m 3"],
    known: KnownSurface | None,
    clearance: float,
    *,
    softness: float,
    max_shift: float,
    level: bool,
) -> Cleared:
    if known is None:
        return Cleared(points=stations, shift=np.zeros(len(stations)))
    return keep_clear(stations, known, clearance, softness=softness, max_shift=max_shift, pinned=True, level=level)


def _softness(length: float, frames: int) -> float:
    """Sigma of the bends of a way of that length [m], filmed in so many frames [m]."""
    return max(SOFTNESS, SOFT_FRAMES * length / (frames - 1))


def _refuse_stuck(cleared: Cleared, clearance: float) -> None:
    gone = float(arc_length(cleared.points)[-1])
    if gone < MIN_MOVE:
        raise GeometryError(
            "generate.path",
            f"only {gone:.2f} m of the way are {clearance:g} m clear of what the photos show",
            expected=f"{MIN_MOVE} m or more",
            likely="The start photo stands close before something.",
            next_step="Choose another start, preset look_around, or a smaller generate.clearance.",
        )


def _cameras(positions: Float64[np.ndarray, "n 3"], angles: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 4 4"]:
    c2w = np.tile(np.eye(4), (len(positions), 1, 1))
    c2w[:, :3, :3] = rotations_of(angles)
    c2w[:, :3, 3] = positions
    return c2w
