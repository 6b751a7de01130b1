"""The slot a generator fills: it is told where the cameras are and what is known, and returns frames."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from lyra_sim.depth.providers.chunk import Motion
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.scene.generate import GenerateConfig


@dataclass(frozen=True, kw_only=True)
class Condition:
    """All that a generator may know about the frames it is asked for. Frame and units are the capture's."""

    chunk: int
    """Number of the chunk, from 0; its frames are 1 + 80 chunk … 80 + 80 chunk of the video."""
    cameras: CameraPath
    """Of the new frames, in order."""
    memory: SpatialMemory
    """Photos from the start, then what was generated before; read only."""
    latest: KnownFrame
    """The frame just before the first new one."""
    history: Callable[[int], UInt8[np.ndarray, "h w 3"]]
    """Pixels of an earlier frame of the video by its index."""
    path: CameraPath
    """Of all frames of the video."""
    folder: Path
    """For files of the generator's own that the next chunks need, such as latents; kept while the video is being made. What
    is there of this chunk or later ones is left from an interrupted run, and may be written over."""
    seed: int
    """Of this chunk: differs from chunk to chunk, and is the same when the chunk is made again."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """Frames as a generator draws them, one for each camera of the condition."""

    rgb: UInt8[np.ndarray, "n h w 3"]
    """Display-referred sRGB."""
    invented: Bool[np.ndarray, "n h w"]
    """Pixels that come from no photo. A network that redraws everything marks what its memory didn't show."""
    z_depth: Float32[np.ndarray, "n h w"]
    """Along the optical axis, NaN where the generator claims none."""
    in_scale: bool
    """Depth was drawn from known depth, in its scale. False: an estimate, right up to one factor, which the loop finds."""
    motion: Motion | None = None
    """Cameras as commanded and as a depth provider saw them: what they say about that factor."""


@runtime_checkable
class Generator(Protocol):
    """Draws the next frames. Made once a video by its plug-in, ``target(cfg: GenerateConfig)``; equal conditions give equal
    frames, whatever it drew before, so that a video can be resumed at any chunk."""

    def generate(self, condition: Condition) -> Generated: ...


class GeneratorPlugin(Protocol):
    """What the plug-in's target is: a class, or a function, that makes a :class:`Generator`."""

    def __call__(self, cfg: GenerateConfig) -> Generator: ...
