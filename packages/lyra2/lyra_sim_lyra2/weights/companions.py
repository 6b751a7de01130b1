"""What works beside the network: VAE, text encoder and image encoder, from Wan 2.1's own files under the libraries' names."""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.key_report import KeyReport, Shape
from lyra_sim_lyra2.weights.network_part import NetworkPart, Recipe, share, taken
from lyra_sim_lyra2.weights.tensor_files import open_tensors
from lyra_sim_lyra2.weights.tensor_source import TensorSource

T5_COPY = "encoder.embed_tokens.weight"
"""The embedding under its second name."""
CLIP_HEADS = {1280: 16}
"""Heads by width where they aren't 64 features wide each: ViT-H's are 80."""

_T5_MODULES = {
    "norm1": "layer.0.layer_norm",
    **{f"attn.{name}": f"layer.0.SelfAttention.{name}" for name in "qkvo"},
    "pos_embedding.embedding": "layer.0.SelfAttention.relative_attention_bias",
    "norm2": "layer.1.layer_norm",
    "ffn.gate.0": "layer.1.DenseReluDense.wi_0",
    "ffn.fc1": "layer.1.DenseReluDense.wi_1",
    "ffn.fc2": "layer.1.DenseReluDense.wo",
}
_CLIP_MODULES = {
    **{"norm1": "layer_norm1", "ln_1": "layer_norm1", "norm2": "layer_norm2", "ln_2": "layer_norm2"},
    **{"attn.proj": "self_attn.out_proj", "attn.out_proj": "self_attn.out_proj"},
    **{"mlp.0": "mlp.fc1", "mlp.c_fc": "mlp.fc1", "mlp.2": "mlp.fc2", "mlp.c_proj": "mlp.fc2"},
}
_CLIP_OUTSIDE = {
    **{"cls_embedding": "embeddings.class_embedding", "class_embedding": "embeddings.class_embedding"},
    **{"patch_embedding.weight": "embeddings.patch_embedding.weight", "conv1.weight": "embeddings.patch_embedding.weight"},
    **{"pos_embedding": "embeddings.position_embedding.weight", "positional_embedding": "embeddings.position_embedding.weight"},
    **{f"{ln}.{kind}": f"pre_layrnorm.{kind}" for ln in ("pre_norm", "ln_pre") for kind in ("weight", "bias")},
    **{f"{ln}.{kind}": f"post_layernorm.{kind}" for ln in ("post_norm", "ln_post") for kind in ("weight", "bias")},
}
_CLIP_UNUSED = ("log_scale", "logit_scale", "visual.head", "visual.proj", "visual_projection.weight")
_CLIP_QKV = re.compile(r"(?:transformer|transformer\.resblocks)\.(\d+)\.attn\.(?:to_qkv\.|in_proj_)(weight|bias)")
_CLIP_BLOCK = re.compile(r"(?:transformer|transformer\.resblocks)\.(\d+)\.(.+)\.(weight|bias)")
_T5_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)\.weight")

Found = dict[str, tuple[Recipe, Shape]]


def open_vae(path: Path) -> NetworkPart:
    """Wan 2.1's VAE, kept in the precision it comes in: it is small, and every pixel passes through it twice."""
    from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

    source = open_tensors(path)
    specs = source.specs
    names = {name: name for name in specs}
    if "encoder.conv1.weight" in specs:
        names = convert_wan_vae_to_diffusers(names)
    found: Found = {ours: (taken(name, specs[name].shape), specs[name].shape) for ours, name in names.items()}
    config = {
        "base_dim": _side(path, found, "encoder.conv_in.weight", 0),
        "z_dim": _side(path, found, "post_quant_conv.weight", 0),
    }
    return companion("vae", config, source, found, None)


def open_text_encoder(path: Path, dtype: torch.dtype | None) -> NetworkPart:
    """The encoder half of UMT5."""
    source = open_tensors(path)
    named = {_t5_name(name): (name, spec.shape) for name, spec in source.specs.items()}
    found: Found = {ours: (taken(name, shape), shape) for ours, (name, shape) in named.items() if ours != T5_COPY}
    bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    heads = _side(path, found, bias, 1)
    config = {
        "vocab_size": _side(path, found, "shared.weight", 0),
        "d_model": _side(path, found, "shared.weight", 1),
        "d_kv": _side(path, found, "encoder.block.0.layer.0.SelfAttention.q.weight", 0) // heads,
        "d_ff": _side(path, found, "encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 0),
        "num_heads": heads,
        "num_layers": len({name.split(".")[2] for name in found if name.startswith("encoder.block.")}),
        "relative_attention_num_buckets": _side(path, found, bias, 0),
    }
    return companion("text_encoder", config, source, found, dtype)


def open_image_encoder(path: Path, dtype: torch.dtype | None) -> NetworkPart:
    """The image half of CLIP."""
    source = open_tensors(path)
    found: Found = {}
    for name, spec in source.specs.items():
        found.update(_clip_tensors(name, spec.shape))
    width = _side(path, found, "embeddings.class_embedding", 0)
    patch = _side(path, found, "embeddings.patch_embedding.weight", 2)
    patches = _side(path, found, "embeddings.position_embedding.weight", 0) - 1
    config = {
        "hidden_size": width,
        "intermediate_size": _side(path, found, "encoder.layers.0.mlp.fc1.weight", 0),
        "num_hidden_layers": len({name.split(".")[2] for name in found if name.startswith("encoder.layers.")}),
        "num_attention_heads": _stated_heads(path) or CLIP_HEADS.get(width, max(width // 64, 1)),
        "image_size": math.isqrt(patches) * patch,
        "patch_size": patch,
    }
    return companion("image_encoder", config, source, found, dtype)


def companion(
    folder: str, config: Mapping[str, Any], source: TensorSource, found: Found | None, dtype: torch.dtype | None
) -> NetworkPart:
    """A network beside the transformer, what was found checked against an empty model of that size.

    Args:
        folder: ``vae``, ``text_encoder`` or ``image_encoder``.
        config: Sizes only; the rest is the same for all of its kind.
        source: Where its tensors come from.
        found: How each is made, and its shape; None: the source has the library's names already.
        dtype: To write it in; None: as in the source.

    Raises:
        InputError: Tensors are missing, or not of this network.
    """
    stem, settings, network, _ = _KINDS[folder]
    config = {**settings, **config}
    needed = companion_shapes(folder, config)
    if found is None:
        found = {name: (taken(name, spec.shape), spec.shape) for name, spec in source.specs.items()}
    KeyReport.of({name: shape for name, (_, shape) in found.items()}, needed).check(str(source.path), network)
    return NetworkPart(
        folder=folder,
        stem=stem,
        config=config,
        source=source,
        recipes={name: found[name][0] for name in needed},
        shapes=needed,
        dtype=dtype,
    )


def companion_shapes(folder: str, config: Mapping[str, Any]) -> dict[str, Shape]:
    """Names and shapes of all parameters of a network beside the transformer; takes no memory."""
    _, settings, network, empty = _KINDS[folder]
    try:
        with torch.device("meta"):
            state = empty({**settings, **config}).state_dict()
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise InputError(folder, f"no such network can be built ({error})", expected=network) from error
    return {name: tuple(tensor.shape) for name, tensor in state.items() if name != T5_COPY}


def _empty_vae(config: dict[str, Any]) -> torch.nn.Module:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan.from_config(config)


def _empty_text_encoder(config: dict[str, Any]) -> torch.nn.Module:
    from transformers import UMT5Config, UMT5EncoderModel

    return UMT5EncoderModel(UMT5Config(**config))


def _empty_image_encoder(config: dict[str, Any]) -> torch.nn.Module:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    return CLIPVisionModel(CLIPVisionConfig(**config))


_KINDS: dict[str, tuple[str, dict[str, Any], str, Callable[[dict[str, Any]], torch.nn.Module]]] = {
    "vae": ("diffusion_pytorch_model", {"_class_name": "AutoencoderKLWan"}, "Wan 2.1's VAE", _empty_vae),
    "text_encoder": (
        "model",
        {
            "model_type": "umt5",
            "architectures": ["UMT5EncoderModel"],
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": True,
        },
        "the UMT5 encoder",
        _empty_text_encoder,
    ),
    "image_encoder": (
        "model",
        {
            "model_type": "clip_vision_model",
            "architectures": ["CLIPVisionModel"],
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-5,
        },
        "CLIP's image encoder",
        _empty_image_encoder,
    ),
}


def _t5_name(name: str) -> str:
    """In transformers' naming."""
    if name == "token_embedding.weight":
        return "shared.weight"
    if name == "norm.weight":
        return "encoder.final_layer_norm.weight"
    block = _T5_BLOCK.fullmatch(name)
    if block is not None and block[2] in _T5_MODULES:
        return f"encoder.block.{block[1]}.{_T5_MODULES[block[2]]}.weight"
    return name


def _clip_tensors(name: str, shape: Shape) -> Found:
    """What a tensor becomes in transformers' naming; nothing for those of the text half and the projection after it."""
    if name.startswith("textual.") or name in _CLIP_UNUSED:
        return {}
    short = name.removeprefix("visual.").removeprefix("vision_model.")
    if short == "embeddings.position_ids":
        return {}
    if short in _CLIP_OUTSIDE:
        whole = short.endswith((".weight", ".bias"))
        bare = shape if whole else shape[next((axis for axis, side in enumerate(shape) if side != 1), 0) :]
        return {_CLIP_OUTSIDE[short]: (taken(name, bare), bare)}
    if (joined := _CLIP_QKV.fullmatch(short)) is not None and shape and shape[0] % 3 == 0:
        third = (shape[0] // 3, *shape[1:])
        return {
            f"encoder.layers.{joined[1]}.self_attn.{letter}_proj.{joined[2]}": (share(name, number, 3), third)
            for number, letter in enumerate("qkv")
        }
    block = _CLIP_BLOCK.fullmatch(short)
    if block is not None and block[2] in _CLIP_MODULES:
        return {f"encoder.layers.{block[1]}.{_CLIP_MODULES[block[2]]}.{block[3]}": (taken(name, shape), shape)}
    return {short: (taken(name, shape), shape)}


def _stated_heads(path: Path) -> int | None:
    """Of a folder that says so; shapes don't tell."""
    config = read_json(path / "config.json") if (path / "config.json").is_file() else {}
    heads = config.get("num_attention_heads") if isinstance(config, dict) else None
    return heads if isinstance(heads, int) and heads > 0 else None


def _side(path: Path, found: Found, name: str, axis: int) -> int:
    """One side of a tensor that tells the network's size."""
    shape = found[name][1] if name in found else ()
    if axis >= len(shape) or shape[axis] < 1:
        raise InputError(
            str(path),
            f"it has no {name} of at least {axis + 1} axes",
            likely="It holds another network, or is named as no version we know.",
        )
    return shape[axis]
