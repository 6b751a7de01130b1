"""Puts the network where a profile wants it, with the attention, precision and compilation that were asked for."""

from typing import Any

import torch

from lyra_sim.errors import EnvironmentNotReady
from lyra_sim.scene.lyra2 import Lyra2Config
from lyra_sim_lyra2.network.memory_attention import MemoryAttnProcessor
from lyra_sim_lyra2.network.world_transformer import WorldTransformer3DModel
from lyra_sim_lyra2.profiles import Profile

FLOAT8_LAYERS = ("attn1.to_", "attn2.to_q", "attn2.to_out", "ffn.")
"""Layers of a block that see every token: nearly all of the work. What is small keeps its precision."""
FLOAT8_CAPABILITY = (8, 9)


def settle(network: WorldTransformer3DModel, profile: Profile, options: Lyra2Config) -> None:
    """Put a network where the profile wants it, with the attention, precision and compilation that were asked for."""
    on_gpu = profile.least_gb > 0
    _choose_attention(network, options.attention, on_gpu=on_gpu)
    if not on_gpu:
        return
    if options.precision == "float8":
        if profile.offloaded:
            raise EnvironmentNotReady(
                "generate.lyra2.precision: float8",
                f"memory profile {profile.name}",
                expected="a profile that keeps the network on the GPU (80gb, 48gb)",
                next_step="Set it to bfloat16: blocks that come and go take no room that float8 would save.",
            )
        torch.nn.Module.to(network, "cuda")
        _to_float8(network)
    if options.compile and profile.offloaded:
        # Inside the hooks that move a block: those are Python that can't be part of a graph.
        for block in network.blocks:
            block.forward = torch.compile(block.forward, fullgraph=True, dynamic=False)
    if profile.offloaded:
        network.enable_group_offload(
            onload_device=torch.device("cuda"),
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=True,
        )
    else:
        torch.nn.Module.to(network, "cuda")
    if options.compile and not profile.offloaded:
        network.compile_repeated_blocks(fullgraph=True, dynamic=False)


def _choose_attention(network: WorldTransformer3DModel, asked: str, *, on_gpu: bool) -> None:
    if asked == "native" or (asked == "auto" and not on_gpu):
        return
    if not on_gpu:
        raise EnvironmentNotReady(
            f"generate.lyra2.attention: {asked}", "no GPU that torch can use", next_step="Set it to auto."
        )
    network.set_attention_backend("_native_cudnn")
    if asked == "flash4":
        try:
            import flash_attn.cute  # noqa: F401
        except ImportError as error:
            raise EnvironmentNotReady(
                "generate.lyra2.attention: flash4",
                f"flash-attn-4 doesn't load ({error})",
                next_step="Run: pip install --pre 'flash-attn-4[cu13]', or set attention to cudnn.",
            ) from error
        for block in network.blocks:
            processor: MemoryAttnProcessor = block.attn1.processor
            processor.flash4 = True


def _to_float8(network: WorldTransformer3DModel) -> None:
    """Weights once, activations as they come, a scale for each row (Micikevicius et al. 2022: FP8 formats)."""
    if torch.cuda.get_device_capability() < FLOAT8_CAPABILITY:
        raise EnvironmentNotReady(
            "generate.lyra2.precision: float8",
            f"a GPU of compute capability {'.'.join(map(str, torch.cuda.get_device_capability()))}",
            expected="8.9 or later (Ada, Hopper, Blackwell)",
            next_step="Set it to bfloat16.",
        )
    try:
        from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, PerRow, quantize_
    except ImportError as error:
        raise EnvironmentNotReady(
            "generate.lyra2.precision: float8", f"torchao doesn't load ({error})", next_step="Run: pip install torchao"
        ) from error

    def is_large(module: Any, name: str) -> bool:
        inside = name.startswith("blocks.") and any(f".{part}" in name for part in FLOAT8_LAYERS)
        return isinstance(module, torch.nn.Linear) and inside

    quantize_(network, Float8DynamicActivationFloat8WeightConfig(granularity=PerRow()), filter_fn=is_large)


def dtype_of(profile: Profile) -> torch.dtype:
    """Of weights and activations."""
    return torch.float32 if profile.least_gb == 0 else torch.bfloat16
