"""Images, depth and validity of a capture, read lazily from a step folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from lyra_sim.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Views:
    """Undistorted pinhole images in a folder: ``rgb/NNNNN.{jpg,png}``, ``z_depth/NNNNN.png``, ``valid.png``.

    Depth is kept as 16-bit PNG in a stated unit, so a source in whole millimetres is kept exactly.
    Arrays are read when asked for: a capture of a thousand frames costs no memory until it is used.
    """

    folder: Path
    names: tuple[str, ...]
    """File stem of every frame, in order."""
    rgb_suffix: str
    units_per_depth_count: float | None
    """Length of one step of the depth PNGs, in units of the frame the views are given in; None: no depth."""

    def __len__(self) -> int:
        return len(self.names)

    def select(self, indices: Sequence[int]) -> "Views":
        """A subset, in the order given; files stay where they are."""
        return replace(self, names=tuple(self.names[index] for index in indices))

    @property
    def has_depth(self) -> bool:
        return self.units_per_depth_count is not None

    def rgb(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """Display-referred sRGB."""
        with Image.open(self.rgb_path(index)) as image:
            return np.asarray(image.convert("RGB"))

    def z_depth(self, index: int) -> Float32[np.ndarray, "h w"]:
        """Distance along the optical axis [capture units]; NaN where nothing was measured."""
        if self.units_per_depth_count is None:
            raise InputError(str(self.folder), "this capture has no depth", expected="z_depth/")
        with Image.open(self.folder / "z_depth" / f"{self.names[index]}.png") as image:
            counts = np.asarray(image, dtype=np.uint16)
        z = counts.astype(np.float32) * np.float32(self.units_per_depth_count)
        z[counts == 0] = np.nan
        return z

    def valid(self) -> Bool[np.ndarray, "h w"]:
        """Pixels that a source pixel maps to after undistortion; the same for every frame."""
        with Image.open(self.folder / "valid.png") as image:
            return np.asarray(image) > 0

    def rgb_path(self, index: int) -> Path:
        return self.folder / "rgb" / f"{self.names[index]}{self.rgb_suffix}"
