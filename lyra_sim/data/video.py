"""What generate hands on: a video of the world along a camera path, and which of its pixels anybody ever measured."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from lyra_sim.data.files import from_row, read_arrays, read_json, to_row, write_arrays, write_json
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity

KNOWN, INVENTED, NEW = 0, 1, 2
"""Values of the ``origin`` images. KNOWN: carried over from photos. INVENTED: drawn, but a photo measured what is there, so
it adds nothing to the world. NEW: drawn where no photo measured anything; it may add surface and colour. Convention."""

ADDS_EVERY = 8
"""Every n-th frame may add to the world: those between show the same from next to nowhere else. Convention."""


@dataclass(frozen=True, kw_only=True)
class GeneratedFrames:
    """Frames in a folder: ``rgb/NNNNN.png``, ``z_depth/NNNNN.png`` (16 bit), ``origin/NNNNN.png``. Read when asked for."""

    folder: Path
    cameras: CameraPath
    """One camera a frame; ``c2w`` in the frame (and units) of the capture, or of whatever holds this object."""
    units_per_depth_count: float
    """Length of one step of the depth PNGs, in the units of ``cameras``."""

    def __len__(self) -> int:
        return len(self.cameras)

    @property
    def adding(self) -> range:
        """Indices of the frames that may add to the world."""
        return range(0, len(self), ADDS_EVERY)

    def rgb_path(self, index: int) -> Path:
        return self.folder / "rgb" / f"{index:05d}.png"

    def rgb(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """Display-referred sRGB."""
        with Image.open(self.rgb_path(index)) as image:
            return np.asarray(image.convert("RGB"))

    def z_depth(self, index: int) -> Float32[np.ndarray, "h w"]:
        """Along the optical axis, in the units of ``cameras``; NaN where the generator gave none."""
        with Image.open(self.folder / "z_depth" / f"{index:05d}.png") as image:
            counts = np.asarray(image, dtype=np.uint16)
        z = counts.astype(np.float32) * np.float32(self.units_per_depth_count)
        z[counts == 0] = np.nan
        return z

    def origin(self, index: int) -> UInt8[np.ndarray, "h w"]:
        """``KNOWN``, ``INVENTED`` or ``NEW`` for every pixel."""
        with Image.open(self.folder / "origin" / f"{index:05d}.png") as image:
            return np.asarray(image)

    def invented(self, index: int) -> Bool[np.ndarray, "h w"]:
        """Pixels that no photo shows, whether or not they add to the world."""
        return self.origin(index) != KNOWN

    def new_z_depth(self, index: int) -> Float32[np.ndarray, "h w"]:
        """Depth of the ``NEW`` pixels alone, NaN elsewhere: all that a frame may add to the world."""
        return np.where(self.origin(index) == NEW, self.z_depth(index), np.float32(np.nan))

    def moved(self, new_from_frame: Similarity) -> "GeneratedFrames":
        """The same frames in another frame of reference; depth scales with it."""
        return replace(
            self,
            cameras=self.cameras.moved(new_from_frame),
            units_per_depth_count=self.units_per_depth_count * new_from_frame.scale,
        )


@dataclass(frozen=True, kw_only=True)
class ClearanceFacts:
    """How far the path keeps from what is known to be there [m]."""

    asked_m: float
    least_before_m: float
    """Over the whole way as it was meant …"""
    least_m: float
    """… and over all frames."""
    least_required_m: float
    """Below ``asked_m`` only by photos taken in narrower places."""
    narrow_photos: int
    frames_moved: int
    largest_shift_m: float
    way_kept: float
    """Share of the way that nothing stood in the way of."""
    frames_behind: int
    """Went round what the photos show and look at it from where they saw nothing."""


@dataclass(frozen=True, kw_only=True)
class PathFacts:
    """How a camera path came about; what its kind doesn't have is None."""

    kind: str
    """A preset, or ``file``."""
    frames: int
    length_m: float
    largest_step_m: float
    largest_turn_deg: float
    """Between frames."""
    clearance: ClearanceFacts | None
    """None where none was asked for."""
    start: str | None = None
    order: str | None = None
    turn_deg: float | None = None
    radius_m: float | None = None
    file: str | None = None
    frames_in_file: int | None = None
    frame: str | None = None
    axes: str | None = None

    def to_json(self) -> dict[str, Any]:
        optional = ("start", "order", "turn_deg", "radius_m", "file", "frames_in_file", "frame", "axes")
        return to_row(self, optional=optional)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "PathFacts":
        clearance = from_row(ClearanceFacts, row["clearance"]) if row.get("clearance") else None
        return from_row(cls, {**row, "clearance": clearance})


@dataclass(frozen=True, kw_only=True)
class ChunkFacts:
    """What is told of a chunk; no times, so that equal work gives equal files."""

    first: int
    last: int
    """Indices of its frames."""
    known_share: float
    new_share: float
    """Of its pixels, 0..1: carried over from photos; made up where no photo looked, over frames that have depth."""
    depth_scale: float
    depth_residual: float | None
    depth_overlap: float
    """See ``Tie`` in :mod:`lyra_sim.generators.photo_evidence`; no residual where nothing overlaps."""
    overlap_scale: float | None = None
    overlap_sigma: float | None = None
    """What common pixels say about the scale of depth, and their relative standard error; None: nothing."""
    camera_scale: float | None = None
    camera_sigma: float | None = None
    camera_residual: float | None = None
    """What cameras say about it, and how far they were seen from where they were commanded to be, over their way; None:
    they weren't seen, or moved too little."""
    depth_scale_conflict: bool = False
    """The two contradict each other."""


@dataclass(frozen=True, kw_only=True)
class WalkFacts:
    """How the frames came about."""

    backend: str
    path: PathFacts
    chunks: tuple[ChunkFacts, ...]
    weights: dict[str, str | None] | None = None
    """What every output made with a network's weights has to say of them; None: none were used."""

    def to_json(self) -> dict[str, Any]:
        return {**to_row(self, optional=("weights",)), "path": self.path.to_json()}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "WalkFacts":
        chunks = tuple(from_row(ChunkFacts, chunk) for chunk in row.get("chunks", ()))
        return from_row(cls, {**row, "path": PathFacts.from_json(row.get("path", {})), "chunks": chunks})


@dataclass(frozen=True, kw_only=True)
class WorldVideo:
    """Frames along the path. The photos are frames too, with nothing invented: they stay in the Capture."""

    frames: GeneratedFrames | None
    """None: the scene asks for no path."""
    facts: WalkFacts | None
    """None without frames."""

    def save(self, folder: Path) -> None:
        """Write cameras and facts; the frames are already in ``folder``."""
        stored: dict[str, Any] = {"facts": {} if self.facts is None else self.facts.to_json(), "frames": None}
        if self.frames is not None:
            write_arrays(folder / "cameras.npz", c2w=self.frames.cameras.c2w, K=self.frames.cameras.K)
            stored["frames"] = {
                "width": self.frames.cameras.width,
                "height": self.frames.cameras.height,
                "units_per_depth_count": self.frames.units_per_depth_count,
            }
        write_json(folder / "video.json", stored)

    @classmethod
    def load(cls, folder: Path) -> "WorldVideo":
        stored = read_json(folder / "video.json")
        if stored["frames"] is None:
            return cls(frames=None, facts=None)
        about, arrays = stored["frames"], read_arrays(folder / "cameras.npz")
        cameras = CameraPath(c2w=arrays["c2w"], K=arrays["K"], width=about["width"], height=about["height"])
        frames = GeneratedFrames(folder=folder, cameras=cameras, units_per_depth_count=about["units_per_depth_count"])
        return cls(frames=frames, facts=WalkFacts.from_json(stored["facts"]) if stored["facts"] else None)
