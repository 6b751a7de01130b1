"""Frame depth by MoGe (plug-in ``frame_depth:moge``; Wang et al. 2024, 2025), which looks at each frame on its own.

Version 1 tells depth up to a factor a frame (Lyra 2.0 ties its first frame to it), version 2 metres. The field of view is that
of the cameras where they are given. Weights are ``model.pt`` as published (MIT). The package on the registry is a repackaging,
``dlr-moge`` 2.0.0; what is here was tested against a stand-in with its signatures and exact depth, and has run with its own
code and random weights in both versions; trained weights were not at hand.
"""

import numpy as np
import torch
from jaxtyping import UInt8

from lyra_sim.depth.providers.on_device import planes
from lyra_sim.depth.providers.provider import (
    LEARNED_CONFIDENCE,
    ProvidedDepth,
    ProviderOptions,
    Scale,
    check_frames,
    device_name,
    weights_folder,
)
from lyra_sim.geometry.cameras import CameraPath

NAME = "moge"
WEIGHTS = "model.pt"


class MogeDepth:
    """See the module."""

    def __init__(self, options: ProviderOptions) -> None:
        from moge.model import import_model_class_by_version

        file = weights_folder(NAME, options, files=(WEIGHTS,)) / WEIGHTS
        # version 1 names its encoder, version 2 describes it
        described = torch.load(file, map_location="cpu", weights_only=True, mmap=True)["model_config"]
        version = "v1" if isinstance(described["encoder"], str) else "v2"
        self._options, self._device = options, device_name(NAME, options)
        self._network = import_model_class_by_version(version).from_pretrained(file).to(self._device).eval()
        self._scale: Scale = "metric" if hasattr(self._network, "scale_head") else "per_frame"

    def estimate(self, frames: UInt8[np.ndarray, "n h w 3"], cameras: CameraPath | None) -> ProvidedDepth:
        """Depth of every frame on its own; cameras give the field of view."""
        check_frames(NAME, frames, cameras)
        parts = []
        for start in range(0, len(frames), self._options.batch):
            some = slice(start, start + self._options.batch)
            fov_x = None
            if cameras is not None:
                half = np.arctan(cameras.width / 2 / cameras.K[some, 0, 0])
                fov_x = torch.from_numpy(np.degrees(2 * half).astype(np.float32)).to(self._device)
            half_precision = self._options.dtype != "float32" and torch.device(self._device).type == "cuda"
            told = self._network.infer(planes(frames[some], self._device), fov_x=fov_x, use_fp16=half_precision)["depth"]
            parts.append(torch.where(torch.isfinite(told) & (told > 0), told.float(), torch.nan))
        z_depth = torch.cat(parts).cpu().numpy()
        confidence = np.where(np.isnan(z_depth), 0, LEARNED_CONFIDENCE).astype(np.float32)
        return ProvidedDepth(z_depth=z_depth, confidence=confidence, cameras=None, scale=self._scale)
