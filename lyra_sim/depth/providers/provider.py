"""The slot that tells the depth of frames while a video is being drawn.

The step plug-ins of kind ``depth`` work on a whole capture on disk and answer to ``depth.backend`` of the scene file. Frames
that were just drawn are in memory, ten at a time, and their cameras are commanded, not found. Hence a kind of its own,
``frame_depth``, whose target is called ``target(options: ProviderOptions)`` and returns a :class:`DepthProvider`: nobody can
name one where the other is meant.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_sim.errors import EnvironmentNotReady, GeometryError, InputError
from lyra_sim.geometry.cameras import CameraPath

Scale = Literal["metric", "cameras", "free", "per_frame", "per_frame_inverse"]
"""Whose units depth is in. ``metric``: metres, as well as the network knows them. ``cameras``: those of the cameras that were
given. ``free``: right up to one factor for all frames of a call. ``per_frame``: a factor for each frame.
``per_frame_inverse``: inverse depth of each frame is right up to a factor and a shift; depth itself means nothing until both
are found (:mod:`lyra_sim.depth.providers.per_frame`)."""
LEARNED_CONFIDENCE = 0.5
"""Of a network that doesn't say how sure it is: below what counts as measured (``MEASURED_CONFIDENCE``). Convention."""


@dataclass(frozen=True, kw_only=True)
class ProvidedDepth:
    """Depth of some frames, at their size.

    Raises:
        GeometryError: Depth isn't positive or NaN, or the confidence doesn't fit it.
    """

    z_depth: Float32[np.ndarray, "n h w"]
    """Along the optical axis, in units of ``scale``; NaN where none is claimed, as in the sky."""
    confidence: Float32[np.ndarray, "n h w"]
    """0..1, 0 where ``z_depth`` is NaN."""
    cameras: CameraPath | None
    """As the provider saw them, in a frame of its own and in the units of its depth; None: it saw none."""
    scale: Scale

    def __post_init__(self) -> None:
        known = np.isfinite(self.z_depth)
        wrong = (self.z_depth[known] <= 0).any() or not np.array_equal(known, ~np.isnan(self.z_depth))
        if wrong or self.confidence.shape != self.z_depth.shape:
            raise GeometryError(
                "provided depth", "zero, negative or infinite depth", expected="depth > 0, NaN where there is none"
            )
        if (self.confidence[~known] != 0).any() or not ((self.confidence >= 0) & (self.confidence <= 1)).all():
            raise GeometryError(
                "provided depth", "a confidence that doesn't fit", expected="0..1, and 0 where there is no depth"
            )


@runtime_checkable
class DepthProvider(Protocol):
    """Tells the depth of frames. Equal frames and cameras give equal depth on the same device, whatever was asked before."""

    def estimate(self, frames: UInt8[np.ndarray, "n h w 3"], cameras: CameraPath | None) -> ProvidedDepth:
        """Depth of every frame.

        Args:
            frames: Display-referred sRGB, at least one.
            cameras: One a frame and of its size, where they are known; in any frame and units.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ProviderOptions:
    """What a provider is made with; each takes what concerns it."""

    weights: Path | None = None
    """Folder with the files of the network as its authors publish them; nothing is ever downloaded."""
    device: str = "auto"
    """As torch names it; auto: the first CUDA device, else the CPU."""
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Of the network's matrix products. auto: float16 on CUDA, float32 on a CPU. bfloat16 leaves steps of 0.4 % in depth."""
    batch: int = 10
    """Frames a network without a notion of several views takes at once."""
    side: int | None = None
    """Side of the frames as the network sees them [px], longer or shorter as is its custom; None: what it was trained with."""


class DepthProviderPlugin(Protocol):
    """What the plug-in's target is: a class, or a function, that makes a :class:`DepthProvider`."""

    def __call__(self, options: ProviderOptions) -> DepthProvider: ...


def check_frames(name: str, frames: UInt8[np.ndarray, "n h w 3"], cameras: CameraPath | None) -> None:
    """One clear error for what no provider can work with.

    Raises:
        GeometryError: There are no frames, or cameras of another number or size.
    """
    if len(frames) == 0:
        raise GeometryError(f"frame_depth '{name}'", "no frames", expected="at least one")
    if cameras is None:
        return
    found, wanted = (len(cameras), cameras.height, cameras.width), frames.shape[:3]
    if found != wanted:
        raise GeometryError(
            f"frame_depth '{name}'",
            f"{found[0]} cameras of {found[2]}×{found[1]} px for {wanted[0]} frames of {wanted[2]}×{wanted[1]} px",
            expected="one camera a frame, of its size",
            next_step="Resize the cameras with the frames (CameraPath.resized).",
        )


def weights_folder(name: str, options: ProviderOptions, *, files: tuple[str, ...]) -> Path:
    """The folder of the weights, with every file in it that is read from there.

    Raises:
        InputError: None is named, or a file is missing in it.
    """
    if options.weights is None:
        raise InputError(f"frame_depth '{name}'", "no weights", expected=f"a folder with {', '.join(files)}")
    missing = [file for file in files if not (options.weights / file).is_file()]
    if missing:
        raise InputError(
            f"frame_depth '{name}'",
            f"no {', '.join(missing)} in the folder {options.weights.name}",
            expected=", ".join(files),
            likely="The folder is another model's, or its download was cut short.",
        )
    return options.weights


def device_name(name: str, options: ProviderOptions) -> str:
    """The torch device asked for.

    Raises:
        EnvironmentNotReady: It isn't there; nothing falls back to the CPU unasked.
    """
    import torch

    if options.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        raise EnvironmentNotReady(
            f"frame_depth '{name}'", f"no {options.device} here", expected="a CUDA device that torch can use"
        )
    return options.device
