"""Photos as they came in, and the same photos once every one has a camera: what capture works with before it undistorts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, Int32

from lyra_sim.data.files import from_row, to_row
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.errors import FrameError
from lyra_sim.geometry.rigid import Similarity

NAMED = 5
"""Photos that a note lists before it counts the rest. Convention."""


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
    colours_from: str = ""
    """What its colours were before they were brought to sRGB: ``Display P3``; empty where nothing was done."""
    profile_fault: str = ""
    """Why its colour profile couldn't be followed."""
    panorama: Literal["no", "stated", "seen", "part", "fisheye"] = "no"
    """It looks all around (equirectangular), as its file says or its pixels show; it is a part of such a picture, or a
    fisheye's circles."""
    mask: Path | None = None
    """Image of the photo's size, black where it isn't to be looked at; None: all of it is."""
    cut_from: str = ""
    """Name of the panorama that it is a view of …"""
    cut_number: int = 0
    """… and which one."""


@dataclass(frozen=True, kw_only=True)
class PhotoSet:
    """What intake let through, in order."""

    photos: tuple[Photo, ...]
    skipped: tuple[tuple[str, str], ...]
    """File name and reason of everything left out."""
    remarks: tuple[str, ...] = ()
    """What else is told of them."""

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
    """Cameras of photos in one frame of unknown or stated unit; OpenCV axes.

    Raises:
        FrameError: Names and cameras differ in number, or there are none.
    """

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


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """One model of the photos that was weighed: how it was made, and what speaks for and against it."""

    recipe: str
    registered: int
    """Photos with a camera in it …"""
    trusted: int
    """… and in the part of it that hangs together."""
    parts: tuple[int, ...]
    """Photos in each part."""
    reprojection_px: float | None
    """None without points."""
    focal_px: float
    findings: tuple[str, ...]
    figures: dict[str, float]
    """By the names :mod:`lyra_sim.capture.trust.pose_trust` gives them."""


@dataclass(frozen=True, kw_only=True)
class PoseFacts:
    """How the cameras of photos were found and why they are trusted, and what became of every file."""

    chosen: str
    """Recipe of the model that was taken."""
    why: str
    photos: int
    """Taken in."""
    registered: int
    """With a camera in the chosen model …"""
    trusted: int
    """… in its part that hangs together …"""
    posed: int
    """… and built on."""
    recipe: str
    reprojection_px: float
    findings: tuple[str, ...]
    figures: dict[str, float]
    agreement: tuple[str, ...]
    """What comparing it with other models said."""
    candidates: tuple[ModelFacts, ...]
    dropped: tuple[tuple[str, str], ...]
    """Name and reason of every photo without a trusted camera."""
    skipped: tuple[tuple[str, str], ...] = ()
    """File and reason of everything that intake left out."""
    not_in_model: int = 0
    """Photos in the folder that a given model says nothing of."""
    read_as_stored: tuple[str, ...] = ()
    """Names of photos that were stored turned, and whose given cameras mean them so."""

    @property
    def told(self) -> tuple[str, ...]:
        """What a user has to be told: which photos were left out, or read otherwise than EXIF says."""
        said = []
        left = [f"{name} ({why})" for name, why in (*self.dropped, *self.skipped)]
        if left or self.not_in_model:
            beside = f"; {self.not_in_model} more lie in the folder and aren't in the model" if self.not_in_model else ""
            shown = f"; left out: {_first(left)}" if left else ""
            said.append(f"{self.posed} of {self.posed + len(left) + self.not_in_model} photos are used{shown}{beside}")
        if stored := self.read_as_stored:
            said.append(
                f"{len(stored)} photos were stored turned, and their cameras mean the pixels as stored: read so, EXIF not "
                f"applied ({_first(stored)})"
            )
        return tuple(said)


def _first(names: Sequence[str]) -> str:
    """A few of them, and how many more there are."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


@dataclass(frozen=True, kw_only=True)
class OnePhotoFacts:
    """How the camera of a single photo was set up."""

    one_photo: Literal[True] = True
    finding: str
    focal_px: float
    focal_source: str
    tilt_deg: float
    """Of the viewing direction over the horizon."""


def poses_to_json(poses: PoseFacts | OnePhotoFacts | None) -> dict[str, Any]:
    """An empty object where cameras were given with the depth."""
    return {} if poses is None else to_row(poses)


def poses_from_json(row: dict[str, Any]) -> PoseFacts | OnePhotoFacts | None:
    """Inverse of :func:`poses_to_json`."""
    if not row:
        return None
    if "one_photo" in row:
        return from_row(OnePhotoFacts, row)
    models = [from_row(ModelFacts, one) for one in row.get("candidates", [])]
    return replace(from_row(PoseFacts, {**row, "candidates": []}), candidates=tuple(models))
