"""Tiny VAE, text encoder and image encoder, under the libraries' names and under those of Wan 2.1's own files."""

import re
from pathlib import Path

import torch

from lyra_sim_lyra2.weights.companions import companion_shapes
from tests.lyra2.weights.published import State

VAE = {"base_dim": 4, "z_dim": 16}
TEXT_ENCODER = {
    "vocab_size": 40,
    "d_model": 24,
    "d_kv": 6,
    "d_ff": 20,
    "num_heads": 3,
    "num_layers": 2,
    "relative_attention_num_buckets": 8,
}
IMAGE_ENCODER = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "image_size": 28,
    "patch_size": 14,
}


def library_state(folder: str, config: dict[str, int], seed: int) -> State:
    generator = torch.Generator().manual_seed(seed)
    shapes = companion_shapes(folder, config)
    return {name: (torch.randn(shape, generator=generator) * 0.2).half().float() for name, shape in shapes.items()}


def wan_vae(state: State) -> State:
    """Under the names of ``Wan2.1_VAE.pth``: blocks of a half count through, stages and resamplers alike."""
    kinds = {
        "norm1": "residual.0",
        "conv1": "residual.2",
        "norm2": "residual.3",
        "conv2": "residual.6",
        "conv_shortcut": "shortcut",
    }
    named = {}
    for name, tensor in state.items():
        name = re.sub(r"\b(norm1|conv1|norm2|conv2|conv_shortcut)\b", lambda found: kinds[found[1]], name)
        for old, new in (
            ("post_quant_conv", "conv2"),
            ("quant_conv", "conv1"),
            (".conv_in.", ".conv1."),
            (".norm_out.", ".head.0."),
            (".conv_out.", ".head.2."),
            (".mid_block.attentions.0.", ".middle.1."),
            (".mid_block.resnets.0.", ".middle.0."),
            (".mid_block.resnets.1.", ".middle.2."),
            (".down_blocks.", ".downsamples."),
        ):
            name = name.replace(old, new)
        up = re.match(r"decoder\.up_blocks\.(\d)\.(resnets|upsamplers)\.(\d)\.", name)
        if up is not None:
            place = 4 * int(up[1]) + (int(up[3]) if up[2] == "resnets" else 3)
            name = f"decoder.upsamples.{place}.{name[up.end() :]}"
        named[name] = tensor
    return named


def wan_text_encoder(state: State) -> State:
    """Under the names of ``models_t5_umt5-xxl-enc-bf16.pth``."""
    named = {}
    for name, tensor in state.items():
        for old, new in (
            ("shared.", "token_embedding."),
            ("encoder.final_layer_norm.", "norm."),
            ("encoder.block.", "blocks."),
            ("layer.0.layer_norm.", "norm1."),
            ("layer.1.layer_norm.", "norm2."),
            ("layer.0.SelfAttention.relative_attention_bias.", "pos_embedding.embedding."),
            ("layer.0.SelfAttention.", "attn."),
            ("layer.1.DenseReluDense.wi_0.", "ffn.gate.0."),
            ("layer.1.DenseReluDense.wi_1.", "ffn.fc1."),
            ("layer.1.DenseReluDense.wo.", "ffn.fc2."),
        ):
            name = name.replace(old, new)
        named[name] = tensor
    return named


def wan_image_encoder(state: State, *, open_clip: bool = False) -> State:
    """Under the names of Wan's CLIP file, or of open_clip; with tensors of the text half."""
    layer = "transformer.resblocks" if open_clip else "transformer"
    renames = (
        [
            ("embeddings.class_embedding", "class_embedding"),
            ("embeddings.position_embedding.weight", "positional_embedding"),
            ("embeddings.patch_embedding", "conv1"),
            ("pre_layrnorm", "ln_pre"),
            ("post_layernorm", "ln_post"),
            *(
                ("self_attn.out_proj", "attn.out_proj"),
                ("layer_norm", "ln_"),
                ("mlp.fc1", "mlp.c_fc"),
                ("mlp.fc2", "mlp.c_proj"),
            ),
        ]
        if open_clip
        else [
            ("embeddings.class_embedding", "cls_embedding"),
            ("embeddings.position_embedding.weight", "pos_embedding"),
            ("embeddings.patch_embedding", "patch_embedding"),
            ("pre_layrnorm", "pre_norm"),
            ("post_layernorm", "post_norm"),
            *(("self_attn.out_proj", "attn.proj"), ("layer_norm", "norm"), ("mlp.fc1", "mlp.0"), ("mlp.fc2", "mlp.2")),
        ]
    )
    named: State = {"textual.head.0.weight": torch.zeros(2), "log_scale": torch.zeros(())}
    for name, tensor in state.items():
        if re.search(r"\.[kv]_proj\.", name):
            continue
        if ".q_proj." in name:
            tensor = torch.cat([state[name.replace(".q_proj.", f".{letter}_proj.")] for letter in "qkv"])
            joined = ("attn.in_proj_", "attn.in_proj_") if open_clip else ("attn.to_qkv.", "attn.to_qkv.")
            name = name.replace("self_attn.q_proj.", joined[0])
        name = name.replace("encoder.layers", layer)
        for old, new in renames:
            name = name.replace(old, new)
        if name == "cls_embedding":
            tensor = tensor.reshape(1, 1, -1)
        if name == "pos_embedding":
            tensor = tensor[None]
        named[f"visual.{name}"] = tensor
    named["visual.proj" if open_clip else "visual.head"] = torch.zeros(16, 4)
    return named


def write_companions(root: Path) -> dict[str, State]:
    """All three where the published folder has them; returns them under the libraries' names."""
    states = {
        "vae": library_state("vae", VAE, 1),
        "text_encoder": library_state("text_encoder", TEXT_ENCODER, 2),
        "image_encoder": library_state("image_encoder", IMAGE_ENCODER, 3),
    }
    for folder in states:
        (root / folder).mkdir(parents=True)
    torch.save(wan_vae(states["vae"]), root / "vae" / "vae.pth")
    torch.save(wan_text_encoder(states["text_encoder"]), root / "text_encoder" / "encoder.pth")
    torch.save(wan_image_encoder(states["image_encoder"]), root / "image_encoder" / "model.pth")
    return states
