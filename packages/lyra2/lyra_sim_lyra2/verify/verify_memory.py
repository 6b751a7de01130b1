"""Our spatial memory and network inputs beside recorded ones: which frames are retrieved, and how far each output is off.

A vector file (safetensors) holds known frames and cameras, and what another implementation made of them. The VAE is stood in
for by a strided mean, so that no weights are needed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32

from lyra_sim.errors import InputError, LyraSimError, SpecError
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.generators.memory import SpatialMemory
from lyra_sim.generators.retrieval import PUBLISHED
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.rigid import invert_rigid
from lyra_sim_lyra2.conditions.correspondence import SLOT_CHANNELS
from lyra_sim_lyra2.conditions.latent_grid import FRAMES_A_LATENT, PIXELS_A_LATENT
from lyra_sim_lyra2.conditions.memory_inputs import memory_inputs
from lyra_sim_lyra2.conditions.seen_frame import SeenFrame

TOLERANCE = 1e-3
"""Vectors are kept in float16, whose step near 1 is half of this. Derived."""
OUTPUTS = ("latents", "condition", "mask", "correspondence")
INPUTS = ("input.depth", "input.depth_last", "input.w2c", "input.K", "input.video", "input.history")
STATED = ("retrieved", "cached_frames", "history_frames", "image_hw")
LATENT_CHANNELS = 16
"""Of the network's latents. Convention."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was asked for and what was found."""

    expected: tuple[int, ...]
    """Retrieved frames, the best last."""
    found: tuple[int, ...]
    differences: dict[str, float]
    """Largest absolute difference of each output; infinite where shapes differ or numbers aren't finite."""

    @property
    def agrees(self) -> bool:
        return self.found == self.expected and all(value <= TOLERANCE for value in self.differences.values())

    def lines(self) -> list[str]:
        """To be printed."""
        frames = [f"retrieved expected  {list(self.expected)}", f"retrieved found     {list(self.found)}"]
        return frames + [f"{name:<19} {value:.2e}" for name, value in self.differences.items()]


def verify_memory(path: Path) -> Comparison:
    """Run the file's inputs through our memory and compare with its outputs.

    Raises:
        InputError: There is no such file.
        SpecError: It isn't a file of memory vectors.
    """
    stated, tensors = _read(path)
    try:
        return _compare(stated, tensors)
    except LyraSimError as error:
        raise SpecError(str(path), "its vectors contradict each other", next_step=str(error)) from error
    except (ValueError, TypeError, IndexError, KeyError, ArithmeticError) as error:
        raise SpecError(str(path), f"its vectors don't fit together: {error}", expected="vectors of one memory") from error


def strided_mean(video: Float32[torch.Tensor, "3 t h w"]) -> Float32[torch.Tensor, "16 n h8 w8"]:
    """Stands in for the VAE: every fourth frame, averaged over squares of 8, its colours repeated to 16 channels."""
    mean = F.avg_pool2d(video[:, ::FRAMES_A_LATENT].transpose(0, 1), PIXELS_A_LATENT).transpose(0, 1)
    return mean.repeat(-(-LATENT_CHANNELS // mean.shape[0]), 1, 1, 1)[:LATENT_CHANNELS]


def _compare(stated: dict[str, Any], tensors: dict[str, np.ndarray]) -> Comparison:
    cached = [int(id) for id in stated["cached_frames"]]
    height, width = (int(side) for side in stated["image_hw"])
    known = int(stated["history_frames"])
    w2c, K = tensors["input.w2c"].astype(np.float64), tensors["input.K"].astype(np.float64)
    cameras = CameraPath(c2w=invert_rigid(w2c), K=K, width=width, height=height)
    video = tensors["input.video"].astype(np.float32)
    if min(cached) < 0 or max(cached) >= known or known > video.shape[1]:
        raise ValueError(f"frames {min(cached)} to {max(cached)} cached of {known} known, {video.shape[1]} in the video")
    z_depths = dict(zip(cached, tensors["input.depth"].astype(np.float32), strict=True))
    depth_last = tensors["input.depth_last"].astype(np.float32)

    memory = SpatialMemory(_never_read, tolerance=PUBLISHED, cached=len(cached))
    for id in cached:
        rgb = np.rint((video[:, id].transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
        memory.add(KnownFrame(id=id, rgb=rgb, z_depth=z_depths[id], invented=None, K=cameras.K[id], c2w=cameras.c2w[id]))
    slots = len(_without_batch(tensors["output.correspondence"])) // SLOT_CHANNELS
    newest = max(cached)
    found = memory.retrieve(
        cameras.select(np.array([len(cameras) - 1])), count=slots, covered_by=newest if newest > 0 else None
    )

    def seen(id: int, z_depth: np.ndarray) -> SeenFrame:
        return SeenFrame(
            colours=torch.from_numpy(np.ascontiguousarray(video[:, id])),
            z_depth=torch.from_numpy(z_depth),
            camera=cameras.select(np.array([id])),
        )

    history = _without_batch(tensors["input.history"])
    ages = np.arange(history.shape[1])[::-1] * FRAMES_A_LATENT
    latest = known - 1
    made = memory_inputs(
        history=torch.from_numpy(history),
        history_cameras=cameras.select(np.maximum(latest - ages, 0)),
        first=seen(0, z_depths.get(0, np.full((height, width), np.nan, np.float32))),
        latest=seen(latest, depth_last),
        retrieved=[seen(id, z_depths[id]) for id in found],
        targets=cameras.select(np.arange(known, len(cameras))),
        encode=strided_mean,
    )
    return Comparison(
        expected=tuple(int(frame) for _, frame in stated["retrieved"]),
        found=found,
        differences={name: _difference(getattr(made, name).numpy(), tensors[f"output.{name}"]) for name in OUTPUTS},
    )


def _difference(made: np.ndarray, recorded: np.ndarray) -> float:
    recorded = _without_batch(recorded)
    if made.shape != recorded.shape:
        return float("inf")
    largest = float(np.abs(made - recorded).max())
    return largest if np.isfinite(largest) else float("inf")


def _without_batch(tensor: np.ndarray) -> Float32[np.ndarray, "c t h w"]:
    return tensor.astype(np.float32).reshape(tensor.shape[-4:])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata, its JSON read, and all tensors."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(str(path), "no such file", expected="a safetensors file of memory vectors")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            names = list(file.keys())
            wanted = [*INPUTS, *(f"output.{name}" for name in OUTPUTS)]
            missing = [name for name in wanted if name not in names] + [name for name in STATED if name not in metadata]
            if missing:
                raise SpecError(
                    str(path),
                    f"it lacks {', '.join(missing[:4])}{' and more' if len(missing) > 4 else ''}",
                    expected="tensors input.* and output.* of memory vectors, and their metadata",
                    likely="It holds vectors of something else.",
                )
            tensors = {name: file.get_tensor(name) for name in wanted}
            return {name: _stated(path, name, metadata[name]) for name in STATED}, tensors
    except (SafetensorError, OSError, TypeError, AttributeError) as error:
        raise SpecError(str(path), "it can't be read as safetensors", expected="a file of memory vectors") from error


def _stated(path: Path, name: str, text: str) -> Any:
    """JSON, or whole numbers with commas between them."""
    try:
        return [int(part) for part in text.split(",")] if name == "image_hw" else json.loads(text)
    except ValueError as error:
        raise SpecError(str(path), f"metadata {name} is {text!r}", expected="numbers as JSON") from error


def _never_read(id: int) -> KnownFrame:
    raise InputError(f"frame {id}", "it is to be read back", expected="all frames of the file held in memory")
