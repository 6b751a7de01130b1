"""What a layout names, and what comes of it: frames of colour, depth and camera that belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from lyra_sim.capture.cameras.camera_files import CameraTable
from lyra_sim.capture.cameras.camera_readers import GivenIntrinsics
from lyra_sim.data.given import ReadingNotes


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where a folder keeps what a recording is made of."""

    layout: str
    """In a user's words: ``TUM RGB-D``."""
    colours: tuple[Path, ...] = ()
    """In order of time; empty where they are frames of ``video``."""
    video: Path | None = None
    depths: tuple[Path, ...]
    paired: bool = False
    """Depth k belongs to image k, as a file says; else names, numbers or times tell."""
    cameras: Path
    intrinsics: GivenIntrinsics = None
    depth_unit: float | str
    """Metres of one depth count, or ``m``, ``cm``, ``mm``; ``auto``: metres of fractions, millimetres of counts."""
    confidences: tuple[Path, ...] = ()
    """8-bit images with the stems of ``depths``; 0 is low."""
    masks: Mapping[Path, Path] = field(default_factory=dict)
    """Of images, where the layout names some; others' may lie beside the images."""
    depth_K: Float64[np.ndarray, "3 3"] | None = None
    """Of the depth camera, which looks from where the colour camera does [px, integer centres]; None: the same field of
    view."""
    axes: str = "auto"
    pixel_centres: str = "auto"
    cameras_said: str = ""
    """Which cameras were taken, where a folder has a choice."""
    unit_said: str = ""
    """Where the depth unit comes from, where it isn't the layout's alone."""
    remarks: tuple[str, ...] = ()
    """What else was guessed."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One moment of a recording."""

    name: str
    """File stem of its images in the capture's folder."""
    colour: Path
    depth: Path
    confidence: Path | None
    mask: Path | None = None
    """Black where neither colour nor depth is to be looked at."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Frames in order, each with a camera."""

    frames: tuple[Frame, ...]
    table: CameraTable
    """Camera k belongs to frame k."""
    subject: Path
    """The camera file, for messages."""
    depth_unit: float | str
    depth_K: Float64[np.ndarray, "3 3"] | None
    notes: ReadingNotes
