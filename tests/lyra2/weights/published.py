"""A tiny network of random numbers under the names, and in the formats, that the real one is published in."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file

from lyra_sim_lyra2.weights.names import is_memory, published_name
from lyra_sim_lyra2.weights.transformer import needed_shapes

State = dict[str, torch.Tensor]
CONFIG: dict[str, Any] = {
    "num_attention_heads": 1,
    "attention_head_dim": 128,
    "ffn_dim": 48,
    "num_layers": 2,
    "text_dim": 24,
    "freq_dim": 32,
    "image_dim": 16,
    "added_kv_proj_dim": 128,
    "slots": 2,
    "buffer_width": 8,
}


def native_state(config: dict[str, Any] = CONFIG, seed: int = 0) -> State:
    """Under our names; float16 values, so that every format holds them exactly."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (torch.randn(shape, generator=generator) * 0.05).half().float() for name, shape in needed_shapes(config).items()
    }


def as_published(native: State, prefix: str = "net.", *, memory: bool = True) -> State:
    """Under the published names: the patch layer is linear, and training counters stand among the weights."""
    state = {prefix + published_name(name): tensor for name, tensor in native.items() if memory or not is_memory(name)}
    patch = f"{prefix}patch_embedding.weight"
    state[patch] = state[patch].flatten(1).clone()
    if memory:
        state.update({f"{prefix}accum_{name}": torch.zeros(1) for name in ("image", "video", "hours", "iterations")})
    return state


def write_distributed(path: Path, state: State) -> Path:
    """As ``checkpoints/model/model`` is, with an entry that is no tensor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.save({**state, "note": "no tensor"}, checkpoint_id=path, no_dist=True)
    return path


def write_single(path: Path, state: State) -> Path:
    save_file(state, path.with_suffix(".safetensors"))
    return path.with_suffix(".safetensors")


def write_sharded(path: Path, state: State, *, files: int = 3) -> Path:
    path.mkdir(parents=True)
    places = {name: f"part-{number % files}.safetensors" for number, name in enumerate(state)}
    for file in set(places.values()):
        save_file({name: state[name] for name in state if places[name] == file}, path / file)
    (path / "part.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return path


def write_torch(path: Path, state: State) -> Path:
    torch.save(state, path.with_suffix(".pth"))
    return path.with_suffix(".pth")


def write_old_torch(path: Path, state: State) -> Path:
    """As torch wrote before 1.6, inside a trainer's wrapping."""
    wrapped = {"iteration": 5000, "model": state}
    torch.save(wrapped, path.with_suffix(".pt"), _use_new_zipfile_serialization=False)
    return path.with_suffix(".pt")


WRITERS: dict[str, Callable[[Path, State], Path]] = {
    "distributed": write_distributed,
    "single": write_single,
    "sharded": write_sharded,
    "torch": write_torch,
    "old torch": write_old_torch,
}
