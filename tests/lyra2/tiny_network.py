"""A Depth Anything network of a few thousand random weights, in a folder as its authors publish theirs."""

import json
from pathlib import Path
from typing import Any

import torch

IMAGES = {
    "do_normalize": True,
    "ensure_multiple_of": 14,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "keep_aspect_ratio": True,
    "size": {"height": 70, "width": 70},
}


def write_tiny_network(folder: Path, *, kind: str = "metric", images: dict[str, Any] | None = None) -> Path:
    """``metric`` or ``relative``; the weights are large enough for depth to follow the image."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=70,
        patch_size=14,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 16, 16, 16],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type=kind,
        max_depth=20 if kind == "metric" else 1,
    )
    network = DepthAnythingForDepthEstimation(config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, (2 / parameter[0].numel()) ** 0.5, generator=generator)
            if name.startswith("head.conv3"):  # else much of it is cut off at 0, or at either end of the sigmoid
                parameter.abs_().add_(0.05) if kind == "relative" else parameter.mul_(0.1)
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(IMAGES if images is None else images), encoding="utf-8")
    return folder
