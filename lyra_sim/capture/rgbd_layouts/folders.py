"""What all layouts look for in a folder: images, their size, a trajectory, and the intrinsics of a camera that tells none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyra_sim.capture.cameras.intrinsics_files import Intrinsics, read_intrinsics
from lyra_sim.capture.intake.images import COLOUR_SUFFIXES, list_images, open_image
from lyra_sim.capture.rgbd_layouts.depth_files import list_depths
from lyra_sim.capture.rgbd_layouts.pairing import in_order
from lyra_sim.errors import InputError
from lyra_sim.scene.spec import CaptureConfig

PRIMESENSE = Intrinsics(
    K=np.array([[525.0, 0, 319.5], [0, 525.0, 239.5], [0, 0, 1]]), width=640, height=480, distortion=np.zeros(4)
)
"""What OpenNI and Open3D take for cameras like the first Kinect. Convention."""
INTRINSICS_NAMES = (
    "intrinsics.json",
    "camera_intrinsic.json",
    "camera_intrinsics.json",
    "intrinsic.json",
    "camera_primesense.json",
    "cam_params.json",
)
"""Tried in turn beside frames whose layout carries none."""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """A folder, or one file, to be read, and how much of it."""

    folder: Path
    limits: CaptureConfig
    stated_intrinsics: Path | None = None
    """They count before any that lie in the folder."""
    scratch: Path | None = None
    """Where a recording that is one file may be unpacked."""

    @property
    def scratch_folder(self) -> Path:
        """``scratch``, which whoever reads a recording gives."""
        assert self.scratch is not None
        return self.scratch

    def colours(self, *names: str, word: str = "") -> tuple[Path, ...]:
        """Images of the first of these subfolders that exists, in order; with ``word`` only those that begin with it.

        Raises:
            InputError: There is none, or too many.
        """
        folder = self.first(*names)
        found = list_images(folder, suffixes=COLOUR_SUFFIXES, max_count=self.limits.max_views * (2 if word else 1))
        kept = [path for path in found if path.name.startswith(word)]
        if not kept:
            raise InputError(str(folder), f"no image whose name begins with '{word}'", expected="colour images")
        return in_order(kept)

    def depths(self, *names: str, word: str = "") -> tuple[Path, ...]:
        """Depth files of the first of these subfolders that exists; with ``word`` only those that begin with it.

        Raises:
            InputError: There is none, or too many.
        """
        found = list_depths(self.first(*names), max_count=self.limits.max_views * (2 if word else 1))
        kept = [path for path in found if path.name.startswith(word)]
        if not kept:
            raise InputError(str(self.first(*names)), f"no file whose name begins with '{word}'", expected="depth images")
        return in_order(kept)

    def first(self, *names: str) -> Path:
        """The first of these entries that exists, else the first."""
        return next((self.folder / name for name in names if (self.folder / name).exists()), self.folder / names[0])

    def has(self, *names: str) -> bool:
        """One of these entries exists."""
        return any((self.folder / name).exists() for name in names)

    def size(self, image: Path) -> tuple[int, int]:
        """Width and height [px]."""
        with open_image(image, max_pixels=self.limits.max_pixels) as opened:
            return opened.size

    def intrinsics(self, image: Path) -> tuple[Intrinsics, tuple[str, ...]]:
        """Those that are stated; or of a layout that carries none: a file of a usual name, else an old depth camera's.

        Returns:
            The intrinsics, integer pixel centres, and what was guessed.

        Raises:
            InputError: There is no such file, and the images aren't 640x480.
        """
        if self.stated_intrinsics is not None:
            return read_intrinsics(self.stated_intrinsics, size=self.size(image)), ()
        for name in INTRINSICS_NAMES:
            if (self.folder / name).is_file():
                return read_intrinsics(self.folder / name, size=self.size(image)), (f"intrinsics from {name}",)
        width, height = self.size(image)
        if (width, height) != (PRIMESENSE.width, PRIMESENSE.height):
            raise InputError(
                str(self.folder),
                f"no intrinsics for images of {width}x{height} pixels",
                expected=f"one of {', '.join(INTRINSICS_NAMES)} in the folder",
                next_step="Set rgbd.intrinsics to a JSON with width, height, fx, fy, cx, cy.",
            )
        guessed = "guessed fx 525, fy 525, cx 319.5, cy 239.5, as of the first Kinect"
        return PRIMESENSE, (f"the folder tells no intrinsics: {guessed}; set rgbd.intrinsics",)


def trajectories_in(folder: Path) -> Iterator[tuple[Path, int]]:
    """Text files of a folder that may be trajectories, and how many numbers their first line holds."""
    for path in sorted(folder.glob("*.txt")):
        if path.is_file() and (count := _numbers(path)):
            yield path, count


def _numbers(path: Path) -> int:
    """Count of numbers in the first line that is no comment; 0 where it holds words."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        for _ in range(100):
            words = stream.readline(1 << 16).split()
            if words and not words[0].startswith("#"):
                try:
                    return len([float(word) for word in words])
                except ValueError:
                    return 0
    return 0
