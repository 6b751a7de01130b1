"""The network's weights in 8 bits a number, with one scale a channel: what the repository holds and training goes on from."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from lyra_sim.depth.network.network import Config, DepthNetwork
from lyra_sim.depth.network.shards import read_shards, write_shards
from lyra_sim.errors import InputError

SHIPPED = Path(__file__).parent / "trained"
"""Where the repository keeps them; wheels leave them out."""
STEM = "depth_network"
SHARD_BYTES = 1_900_000
"""Files in the repository stay below 2 MB. Convention."""
SCALE = "/scale"
"""What is appended to a tensor's name for its scales."""
LEVELS = 127
"""Steps from 0 to the greatest weight of a channel: the greatest signed number of 8 bits. Derived."""


def packed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of convolutions and linear layers as int8 with a scale for every output channel; the rest as it is."""
    out: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if value.dim() < 2:
            out[name] = value.float()
            continue
        flat = value.float().flatten(1)
        scale = flat.abs().amax(dim=1).clamp(min=1e-12) / LEVELS
        out[name] = (flat / scale[:, None]).round().clamp(-LEVELS, LEVELS).to(torch.int8).reshape(value.shape)
        out[name + SCALE] = scale
    return out


def unpacked(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Float weights of what :func:`packed` made."""
    out = {}
    for name, value in tensors.items():
        if name.endswith(SCALE):
            continue
        scale = tensors.get(name + SCALE)
        out[name] = value if scale is None else value.float() * scale.reshape(-1, *[1] * (value.dim() - 1))
    return out


def save_network(folder: Path, network: DepthNetwork, facts: Mapping[str, Any]) -> None:
    """Write 8-bit weights; ``facts`` say where they come from and how sigma is scaled."""
    write_shards(folder, STEM, packed(network.state_dict()), {**facts, "config": asdict(network.config)}, limit=SHARD_BYTES)


def load_network(folder: Path, device: torch.device | str = "cpu") -> tuple[DepthNetwork, dict[str, Any]]:
    """A network ready to use, or to train on, and the facts that were saved with it.

    Raises:
        InputError: The files are missing, damaged, or of another network.
    """
    if not any(folder.glob(f"{STEM}-*")):
        raise InputError(
            str(folder),
            "no weights of the depth network are there",
            expected=f"{STEM}-1-of-….safetensors and its siblings",
            likely="The repository holds them, and installed packages leave them out.",
            next_step="Run from a checkout, or name a folder that pipelines/train_depth.py wrote.",
        )
    tensors, facts = read_shards(folder, STEM)
    network = DepthNetwork(config_from(facts))
    try:
        network.load_state_dict(unpacked(tensors))
    except RuntimeError as error:
        raise InputError(
            str(folder), f"weights of another network: {error}", likely="The code is newer than they are."
        ) from error
    return network.to(device).eval(), facts


def config_from(facts: Mapping[str, Any]) -> Config:
    """The configuration that was stored as JSON."""
    stored = dict(facts["config"])
    stored["widths"] = tuple(stored["widths"])
    return Config(**stored)
