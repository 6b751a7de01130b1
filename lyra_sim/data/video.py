"""What generate hands on: a video of the world along a camera path, and which of its pixels anybody ever measured."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from lyra_sim.data.files import read_arrays, read_json, write_arrays, write_json
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import Similarity

KNOWN, INVENTED, NEW = 0, 1, 2
"""Values of the ``origin`` images. KNOWN: carried over from photos. INVENTED: drawn, but a photo measured what is there, so
it adds nothing to the world. NEW: drawn where no photo measured anything; it may add surface and colour."""

ADDS_EVERY = 8
"""Every n-th frame may add to the world: those between show the same from next to nowhere else."""


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
        return np.asarray(self.origin(index) != KNOWN)

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
class WorldVideo:
    """Frames along the path. The photos are frames too, with nothing invented: they stay in the Capture."""

    frames: GeneratedFrames | None
    """None: the scene asks for no path."""
    facts: dict[str, Any]
    """What the report shows: ``backend``, ``path`` and ``chunks``; see :mod:`lyra_sim.generators.loop`."""

    def save(self, folder: Path) -> None:
        """Write cameras and facts; the frames are already in ``folder``."""
        stored: dict[str, Any] = {"facts": self.facts, "frames": None}
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
            return cls(frames=None, facts=stored["facts"])
        about, arrays = stored["frames"], read_arrays(folder / "cameras.npz")
        cameras = CameraPath(c2w=arrays["c2w"], K=arrays["K"], width=about["width"], height=about["height"])
        frames = GeneratedFrames(folder=folder, cameras=cameras, units_per_depth_count=about["units_per_depth_count"])
        return cls(frames=frames, facts=stored["facts"])
