"""Photos as they came in, and the same photos once every one has a camera: what capture works with before it undistorts."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32

from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import FrameError
from lyra_sim.geometry.rigid import Similarity


@dataclass(frozen=True, kw_only=True)
class GpsFix:
    """Where a photo says it was taken (WGS 84)."""

    latitude: float
    """[degrees], north positive."""
    longitude: float
    """[degrees], east positive."""
    altitude: float | None
    """[m] above the ellipsoid or the sea, as the phone chose; None when absent."""


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One sound image, upright, in the working folder."""

    name: str
    """Unique stem: of every file that is made from this photo."""
    file: Path
    """JPEG or PNG in the working folder, orientation applied."""
    width: int
    height: int
    """[px], upright."""
    focal_px: float | None = None
    """From EXIF, for this size [px]; None when it says nothing."""
    gps: GpsFix | None = None
    seconds: float | None = None
    """Time of a video frame from its start [s]."""
    orientation: int = 1
    """EXIF orientation of the file it came from, 1..8; 1 was upright already."""


@dataclass(frozen=True, kw_only=True)
class PhotoSet:
    """What intake let through, in order."""

    photos: tuple[Photo, ...]
    skipped: tuple[tuple[str, str], ...]
    """File name and reason of everything left out."""

    @cached_property
    def by_name(self) -> dict[str, Photo]:
        """Photos by their name."""
        return {photo.name: photo for photo in self.photos}


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A pinhole with Brown-Conrady distortion (Brown 1971; OpenCV's k1, k2, p1, p2)."""

    K: Float64[np.ndarray, "3 3"]
    """[px]; the centre of the top-left pixel is (0.5, 0.5)."""
    distortion: Float64[np.ndarray, "4"]
    """k1, k2, p1, p2."""
    width: int
    height: int
    """[px]"""


@dataclass(frozen=True, kw_only=True)
class PosedPhotos:
    """Cameras of photos in one frame of unknown or stated unit; OpenCV axes."""

    names: tuple[str, ...]
    """Photo names, in their order."""
    c2w: Float64[np.ndarray, "n 4 4"]
    lens_index: Int32[np.ndarray, "n"]
    lenses: tuple[Lens, ...]
    sparse: SparsePoints
    """``view_index`` counts in ``names``."""
    recipe: str
    """How it was made: ``global mapper, free focal``, ``COLMAP model`` …"""
    reprojection_px: float
    """Mean reprojection error of the sparse points [px]; NaN without any."""

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.c2w) == len(self.lens_index) > 0:
            raise FrameError(self.recipe, f"{len(self.names)} photos, {len(self.c2w)} cameras", expected="as many, at least 1")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def centres(self) -> Float64[np.ndarray, "n 3"]:
        """Camera centres."""
        return self.c2w[:, :3, 3]

    def select(self, kept: tuple[int, ...]) -> "PosedPhotos":
        """Some of the photos, in the order given, with what they alone saw."""
        at = list(kept)
        return replace(
            self,
            names=tuple(self.names[index] for index in at),
            c2w=self.c2w[at],
            lens_index=self.lens_index[at],
            sparse=self.sparse.of_views(kept),
        )

    def moved(self, new_from_frame: Similarity) -> "PosedPhotos":
        """The same cameras and points in another frame."""
        return replace(self, c2w=new_from_frame.apply_cameras(self.c2w), sparse=self.sparse.moved(new_from_frame))
