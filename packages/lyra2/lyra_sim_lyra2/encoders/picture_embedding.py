"""What CLIP sees in the latest frame: the tokens that every chunk is told beside its caption (Wan 2.1, 2025)."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import nn

from lyra_sim.errors import GeometryError
from lyra_sim_lyra2.encoders.companion_folder import load_companion

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's training images, RGB in 0..1 (Radford et al. 2021)."""


class PictureEmbedder:
    """The image half of CLIP, up to its last block but one: 257 tokens of 1280 for ViT-H/14."""

    def __init__(self, encoder: nn.Module, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> None:
        """
        Args:
            encoder: transformers' ``CLIPVisionModel``; it is moved and converted in place.
            dtype: Of its work; what comes out has it too.
            device: Where it stays.
        """
        self._encoder = encoder.to(device=device, dtype=dtype).eval().requires_grad_(False)
        config: Any = encoder.config
        self._dtype, self._device, self._side = dtype, torch.device(device), int(config.image_size)

    @classmethod
    def load(cls, path: Path, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> "PictureEmbedder":
        """From a folder that transformers wrote, or ``lyra-sim weights convert``.

        Raises:
            InputError: It isn't there, or isn't whole.
        """
        from transformers import CLIPVisionModel

        return cls(load_companion(CLIPVisionModel, path, dtype), dtype=dtype, device=device)

    @torch.inference_mode()
    def embed(self, frame: Float[torch.Tensor, "3 h w"]) -> Float[torch.Tensor, "1 tokens width"]:
        """Tokens of a frame in -1..1, stretched to CLIP's square as in the network's training: bicubic, not antialiased."""
        if frame.shape[1] < 1 or frame.shape[2] < 1:
            raise GeometryError("picture", f"a frame of {frame.shape[2]}x{frame.shape[1]}", expected="at least one pixel")
        frame = frame.to(self._device, torch.float32)[None]
        square = F.interpolate(frame, size=(self._side, self._side), mode="bicubic", align_corners=False)
        mean, std = (torch.tensor(x, device=self._device)[:, None, None] for x in (CLIP_MEAN, CLIP_STD))
        told = self._encoder(pixel_values=(((square + 1) / 2 - mean) / std).to(self._dtype), output_hidden_states=True)
        return told.hidden_states[-2]
