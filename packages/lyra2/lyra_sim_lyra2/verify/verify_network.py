"""Our network beside recorded numbers: how far its velocity is off.

A vector file (safetensors) holds weights under the published checkpoint's names, inputs, and the velocity that another
implementation made of them.
"""

import json
from pathlib import Path
from typing import Any

import torch

from lyra_sim.errors import InputError, LyraSimError, SpecError
from lyra_sim_lyra2.network.world_transformer import CAMERA_CHANNELS, LATENT_CHANNELS, MASK_CHANNELS
from lyra_sim_lyra2.weights.transformer import load_transformer

TOLERANCE = 1e-5
"""Largest absolute difference, in float32: rounding of sums in another order reaches a tenth of it."""
INPUTS = ("latents_and_noise", "timestep", "text_first12", "image_embeds", "condition", "correspondence")
STATED = ("num_heads", "new_latents")


def holds_a_network(path: Path) -> bool:
    """Whether a vector file is one of the network; it may be one of the memory."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(str(path), "no such file", expected="a safetensors file of test vectors")
    try:
        with safe_open(path, framework="pt") as file:
            return "config" in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise SpecError(str(path), "it can't be read as safetensors", expected="a file of test vectors") from error


def network_difference(path: Path) -> float:
    """Largest absolute difference of the velocity; infinite where shapes differ or a number isn't finite.

    Raises:
        InputError: There is no such file.
        SpecError: It isn't a file of the network's vectors.
    """
    stated, tensors = _read(path)
    try:
        return _difference(path, stated, tensors)
    except LyraSimError as error:
        raise SpecError(str(path), "its vectors contradict each other", next_step=str(error)) from error
    except (ValueError, TypeError, IndexError, KeyError, RuntimeError) as error:
        raise SpecError(str(path), f"its vectors don't fit together: {error}", expected="vectors of one network") from error


@torch.no_grad()
def _difference(path: Path, stated: dict[str, Any], tensors: dict[str, torch.Tensor]) -> float:
    network, _ = load_transformer(path)
    given = {name: tensors[f"input.{name}"] for name in INPUTS}
    text = torch.zeros(1, stated.get("text_len", 512), network.config.text_dim)
    text[:, : given["text_first12"].shape[1]] = given["text_first12"]
    mask, latents, cameras = given["condition"][0].split([MASK_CHANNELS, LATENT_CHANNELS, CAMERA_CHANNELS])
    chunk = network.prepare(
        latents=given["latents_and_noise"][0],
        condition_latents=latents,
        mask=mask,
        camera_maps=cameras,
        correspondence=given["correspondence"][0],
        text=text,
        picture=given["image_embeds"],
    )
    noisy = given["latents_and_noise"][0, :, -stated["new_latents"] :]
    made, recorded = network.velocity(noisy, float(given["timestep"].flatten()[0]), chunk), tensors["output.velocity"]
    if made.shape != recorded.shape:
        return float("inf")
    largest = float((made - recorded).abs().max())
    return largest if largest == largest else float("inf")


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Metadata, its JSON read, and all tensors as float32."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            stated, names = json.loads((file.metadata() or {}).get("config", "{}")), set(file.keys())
            wanted = [*(f"input.{name}" for name in INPUTS), "output.velocity"]
            missing = [name for name in wanted if name not in names] + [name for name in STATED if name not in stated]
            if missing or not any(name.startswith("net.") for name in names):
                raise SpecError(
                    str(path),
                    f"it lacks {', '.join(missing[:4]) or 'net.*'}{' and more' if len(missing) > 4 else ''}",
                    expected="tensors net.*, input.* and output.velocity, and a config in its metadata",
                    likely="It holds vectors of something else.",
                )
            return stated, {name: file.get_tensor(name).float() for name in wanted}
    except (SafetensorError, OSError, TypeError, AttributeError, ValueError) as error:
        raise SpecError(str(path), "it can't be read as vectors", expected="a safetensors file of network vectors") from error
