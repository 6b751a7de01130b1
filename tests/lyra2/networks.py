"""Small networks on random weights, and inputs for them."""

import torch

from lyra_sim_lyra2.network.world_transformer import PreparedChunk, WorldTransformer3DModel

HEIGHT, WIDTH, NEW = 4, 6, 2
"""Of the latents."""


def small_network(*, seed: int = 0, slots: int = 2) -> WorldTransformer3DModel:
    torch.manual_seed(seed)
    network = WorldTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=24,
        ffn_dim=64,
        num_layers=2,
        freq_dim=32,
        text_dim=16,
        image_dim=12,
        added_kv_proj_dim=48,
        slots=slots,
        buffer_width=8,
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return network.eval()


def inputs(network: WorldTransformer3DModel, *, seed: int = 1, branches: int = 1) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    frames = network.packing.count + NEW
    shape = (frames, HEIGHT, WIDTH)
    return {
        "latents": torch.randn(16, *shape),
        "condition_latents": torch.randn(16, *shape),
        "mask": torch.ones(4, *shape),
        "camera_maps": torch.randn(384, *shape),
        "correspondence": torch.rand(256 * network.config.slots, *shape) * 2 - 1,
        "text": torch.randn(branches, 512, 16),
        "picture": torch.randn(1, 5, 12),
    }


def prepared(network: WorldTransformer3DModel, **changed: torch.Tensor) -> PreparedChunk:
    return network.prepare(**{**inputs(network), **changed})
