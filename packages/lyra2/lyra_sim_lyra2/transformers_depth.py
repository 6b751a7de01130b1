"""Frame depth by a network of transformers (plug-in ``frame_depth:transformers``): Depth Anything, ZoeDepth, DPT, GLPN.

Each frame is looked at on its own, so nothing makes two frames agree but the network's habits. Metric networks give metres,
relative ones inverse depth up to a factor and a shift a frame. What the authors do around their network beyond resizing
(ZoeDepth pads with mirrored borders and averages with the mirrored image) isn't done. The licence is that of the files in the
folder: Depth Anything V2 Small is Apache-2.0, its Base and Large are CC BY-NC 4.0, ZoeDepth and DPT are MIT.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from lyra_sim.depth.providers.on_device import depth_at_size, network_input, planes, precision
from lyra_sim.depth.providers.provider import (
    LEARNED_CONFIDENCE,
    ProvidedDepth,
    ProviderOptions,
    Scale,
    check_frames,
    device_name,
    weights_folder,
)
from lyra_sim.errors import InputError
from lyra_sim.geometry.cameras import CameraPath

NAME = "transformers"
CONFIG, IMAGES = "config.json", "preprocessor_config.json"
DEEPEST = 1e4
"""Inverse depth is cut off at this fraction of the frame's greatest: 0 would be no depth at all. Convention."""


@dataclass(frozen=True, kw_only=True)
class _Images:
    """How a network wants its images (``preprocessor_config.json``)."""

    height: int | None
    width: int | None
    keep_aspect: bool
    multiple: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, path: Path) -> "_Images":
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        size = stored.get("size") or {}
        return cls(
            height=size.get("height"),
            width=size.get("width"),
            keep_aspect=bool(stored.get("keep_aspect_ratio", False)),
            multiple=int(stored.get("ensure_multiple_of") or stored.get("size_divisor") or 1),
            mean=tuple(stored.get("image_mean") or (0.0, 0.0, 0.0)) if stored.get("do_normalize", True) else (0.0, 0.0, 0.0),
            std=tuple(stored.get("image_std") or (1.0, 1.0, 1.0)) if stored.get("do_normalize", True) else (1.0, 1.0, 1.0),
        )

    def size_of(self, height: int, width: int, side: int | None) -> tuple[int, int]:
        """Height and width for frames of a size: by the factor nearer to 1 where the aspect is kept (Ranftl et al. 2021)."""
        down, along = (self.height or height) / height, (self.width or width) / width
        if side is not None:
            down = along = side / min(height, width)
        elif self.keep_aspect:
            down = along = min(down, along, key=lambda factor: abs(1 - factor))
        return self._whole(height * down), self._whole(width * along)

    def _whole(self, length: float) -> int:
        return max(1, round(length / self.multiple)) * self.multiple


def _depth_anything(config: Any) -> Scale:
    return "metric" if config.depth_estimation_type == "metric" else "per_frame_inverse"


SCALES = {
    "depth_anything": _depth_anything,
    "zoedepth": lambda config: "metric",
    "glpn": lambda config: "metric",
    "dpt": lambda config: "per_frame_inverse",
}
"""By ``model_type``, what a network's numbers are. Others exist whose numbers need work of their own (Depth Pro, prompted
ones), and taking those for depth would be wrong without a sign of it."""


class TransformersDepth:
    """See the module.

    Raises:
        InputError: The folder lacks weights, or holds a network of a type that isn't known.
    """

    def __init__(self, options: ProviderOptions) -> None:
        from transformers import AutoConfig, AutoModelForDepthEstimation

        folder = weights_folder(NAME, options, files=(CONFIG, IMAGES))
        self._options, self._device = options, device_name(NAME, options)
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        if config.model_type not in SCALES:
            raise InputError(
                f"frame_depth '{NAME}'",
                f"a network of type {config.model_type} in the folder {folder.name}",
                expected=", ".join(SCALES),
                likely="What its output means isn't known here.",
            )
        self._scale: Scale = SCALES[config.model_type](config)
        self._images = _Images.read(folder / IMAGES)
        network, report = AutoModelForDepthEstimation.from_pretrained(
            folder, config=config, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
        if lost := sorted(report["missing_keys"]):
            raise InputError(
                f"frame_depth '{NAME}'",
                f"{len(lost)} weights are missing in the folder {folder.name}, the first is {lost[0]}",
                expected=f"all weights of {type(network).__name__}",
                likely="The file of the weights is another model's.",
            )
        self._network = network.to(self._device).eval()

    def estimate(self, frames: UInt8[np.ndarray, "n h w 3"], cameras: CameraPath | None) -> ProvidedDepth:
        """Depth of every frame on its own; cameras are only checked."""
        check_frames(NAME, frames, cameras)
        parts = [
            self._batch(frames[start : start + self._options.batch]) for start in range(0, len(frames), self._options.batch)
        ]
        z_depth = torch.cat(parts).cpu().numpy()
        confidence = np.where(np.isnan(z_depth), 0, LEARNED_CONFIDENCE).astype(np.float32)
        return ProvidedDepth(z_depth=z_depth, confidence=confidence, cameras=None, scale=self._scale)

    def _batch(self, frames: UInt8[np.ndarray, "n h w 3"]) -> Float32[torch.Tensor, "n h w"]:
        height, width = frames.shape[1:3]
        size = self._images.size_of(height, width, self._options.side)
        with torch.inference_mode():
            images = network_input(planes(frames, self._device), *size, self._images.mean, self._images.std)
            with precision(self._options, self._device):
                told = self._network(pixel_values=images).predicted_depth
            told = told.float()
            if self._scale == "per_frame_inverse":
                greatest = told.flatten(1).amax(1).clamp(min=1e-12)[:, None, None]
                z = 1 / torch.maximum(told, greatest / DEEPEST)
            else:
                z = told
            z = torch.where(torch.isfinite(z) & (z > 0), z, torch.nan)
            return depth_at_size(z, height, width)
