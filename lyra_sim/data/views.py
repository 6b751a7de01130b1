"""Images, depth and validity of a capture, read lazily from a step folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from lyra_sim.errors import InputError

STATIC, SKY, MOVING = 0, 1, 2
"""Values of the mask images of estimated depth. Convention."""


@dataclass(frozen=True, kw_only=True)
class Views:
    """Undistorted pinhole images in a folder: ``rgb/NNNNN.{jpg,png}``, ``z_depth/NNNNN.png``, ``valid.png``.

    Depth is kept as 16-bit PNG in a stated unit, so a source in whole millimetres is kept exactly. Estimated depth lies in
    the folder of the step that estimated it, with its confidence and with what was masked out.
    Arrays are read when asked for: a capture of a thousand frames costs no memory until it is used.
    """

    folder: Path
    names: tuple[str, ...]
    """File stem of every frame, in order."""
    rgb_suffix: str
    units_per_depth_count: float | None
    """Length of one step of the depth PNGs, in units of the frame the views are given in; None: no depth."""
    depth_folder: Path | None = None
    """Folder with ``z_depth/``, ``confidence/`` and ``mask/`` when depth was estimated; None: measured, in ``folder``."""

    def __len__(self) -> int:
        return len(self.names)

    def select(self, indices: Sequence[int]) -> "Views":
        """A subset, in the order given; files stay where they are."""
        return replace(self, names=tuple(self.names[index] for index in indices))

    @property
    def has_depth(self) -> bool:
        return self.units_per_depth_count is not None

    @property
    def estimated(self) -> bool:
        """Depth was computed from pictures; False where it was measured or given, or there is none."""
        return self.depth_folder is not None

    def rgb(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """Display-referred sRGB."""
        with Image.open(self.rgb_path(index)) as image:
            return np.asarray(image.convert("RGB"))

    def z_depth(self, index: int) -> Float32[np.ndarray, "h w"]:
        """Distance along the optical axis [capture units]; NaN where nothing was measured.

        Raises:
            InputError: The capture has no depth.
        """
        if self.units_per_depth_count is None:
            raise InputError(str(self.folder), "this capture has no depth", expected="z_depth/")
        with Image.open((self.depth_folder or self.folder) / "z_depth" / f"{self.names[index]}.png") as image:
            counts = np.asarray(image, dtype=np.uint16)
        z = counts.astype(np.float32) * np.float32(self.units_per_depth_count)
        z[counts == 0] = np.nan
        return z

    def confidence(self, index: int) -> Float32[np.ndarray, "h w"]:
        """Trust in the depth, 0..1: 1 everywhere where it was measured; see :mod:`lyra_sim.depth.confidence` for estimates."""
        if self.depth_folder is None:
            return np.ones(self.valid(index).shape, np.float32)
        with Image.open(self.depth_folder / "confidence" / f"{self.names[index]}.png") as image:
            return np.asarray(image, dtype=np.float32) / np.float32(255)

    def static(self, index: int) -> Bool[np.ndarray, "h w"]:
        """Pixels that show the standing scene: neither sky nor something that moved."""
        return self.mask(index) == STATIC

    def mask(self, index: int) -> UInt8[np.ndarray, "h w"]:
        """``STATIC``, ``SKY`` or ``MOVING`` for every pixel; a depth camera's frames are all static."""
        if self.depth_folder is None:
            return np.full(self.valid(index).shape, STATIC, np.uint8)
        with Image.open(self.depth_folder / "mask" / f"{self.names[index]}.png") as image:
            return np.asarray(image)

    def valid(self, index: int) -> Bool[np.ndarray, "h w"]:
        """Pixels that a source pixel maps to after undistortion."""
        own = self.folder / "valid" / f"{self.names[index]}.png"
        with Image.open(own if own.is_file() else self.folder / "valid.png") as image:
            return np.asarray(image) > 0

    def rgb_path(self, index: int) -> Path:
        return self.folder / "rgb" / f"{self.names[index]}{self.rgb_suffix}"
