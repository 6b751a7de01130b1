"""The networks of Lyra 2.0 loaded from a weights folder, placed, and the words already turned to embeddings."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float

from lyra_sim.errors import EnvironmentNotReady, InputError, SpecError
from lyra_sim.scene.lyra2 import DISTILLED_LORA, Lyra2Config
from lyra_sim_lyra2.codec.video_codec import VideoCodec
from lyra_sim_lyra2.encoders.picture_embedding import PictureEmbedder
from lyra_sim_lyra2.encoders.text_embedding import TextEmbedder, negative_embedding
from lyra_sim_lyra2.network.world_transformer import WorldTransformer3DModel
from lyra_sim_lyra2.placement import dtype_of, settle
from lyra_sim_lyra2.profiles import PROFILES, Profile, choose, gpu_gb
from lyra_sim_lyra2.weights.folder import NEGATIVE_PROMPT, WeightsFolder
from lyra_sim_lyra2.weights.key_report import KeyReport
from lyra_sim_lyra2.weights.lora import merge_lora

LARGEST_FOR_CPU = 2e9
"""Size of a network's files up to which a CPU draws with it unasked [bytes]."""


@dataclass(frozen=True, kw_only=True)
class Lyra2Models:
    """All that drawing needs, in place."""

    network: WorldTransformer3DModel
    codec: VideoCodec
    picture: PictureEmbedder
    captions: dict[str, Float[torch.Tensor, "1 512 e"]]
    """By text."""
    negative: Float[torch.Tensor, "1 512 e"]
    profile: Profile
    device: torch.device


def load_models(options: Lyra2Config, captions: Iterable[str]) -> Lyra2Models:
    """Read the folder, add LoRAs, place everything.

    The text encoder comes first and goes before the network arrives: together they would not fit a small GPU.

    Args:
        options: From the scene file.
        captions: All texts that will be asked for.

    Raises:
        InputError, SpecError: The folder isn't one of ours, or lacks a part that is needed.
        EnvironmentNotReady: The GPU is too small for the profile asked for.
    """
    folder = WeightsFolder.open(options.weights)
    profile = choose(options.memory, gpu_gb())
    _check_size(folder, profile, asked=options.memory)
    device, dtype = torch.device("cpu" if profile.least_gb == 0 else "cuda"), dtype_of(profile)
    words, negative = _words(folder, options, captions, dtype, device)
    network = load_network(folder.transformer_path, torch.device("cpu") if profile.offloaded else device, dtype)
    for file, strength in _loras(folder, options):
        merge_lora(network, file, strength)
    settle(network, profile, options)
    if folder.image_encoder_path is None:
        raise InputError(str(folder.root), "it has no image_encoder", next_step="Convert the published folder whole.")
    return Lyra2Models(
        network=network,
        codec=VideoCodec.load(
            folder.vae_path,
            dtype=dtype,
            device=device,
            tokens_at_once=profile.latents_at_once,
        ),
        picture=PictureEmbedder.load(folder.image_encoder_path, dtype=dtype, device=device),
        captions=words,
        negative=negative,
        profile=profile,
        device=device,
    )


def _check_size(folder: WeightsFolder, profile: Profile, *, asked: str) -> None:
    """A network of full size never falls to a CPU unasked: a segment would take days."""
    size = sum(file.stat().st_size for file in folder.transformer_path.glob("*.safetensors"))
    if asked == "auto" and profile.least_gb == 0 and size > LARGEST_FOR_CPU:
        found, least = gpu_gb(), min(p.least_gb for p in PROFILES.values() if p.least_gb)
        raise EnvironmentNotReady(
            "generate.lyra2.memory: auto",
            f"a GPU of {found:.0f} GB" if found else "no GPU that torch can use",
            expected=f"at least {least:g} GB for a network of {size / 1e9:.0f} GB",
            next_step="Run it on a larger GPU, or set memory to cpu to have it drawn there.",
        )


def load_network(path: Path, device: torch.device, dtype: torch.dtype) -> WorldTransformer3DModel:
    """The transformer, shard by shard straight to the device; nothing of its size is held twice.

    Layers that the file keeps in float32 stay so (diffusers' rule: time embedding, modulation and norms).

    Raises:
        InputError: Missing, unexpected or misshapen parameters, all of them named.
    """
    from safetensors.torch import load_file

    with torch.device("meta"):
        network = WorldTransformer3DModel.from_config(WorldTransformer3DModel.load_config(path))
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found: dict[str, tuple[int, ...]] = {}
    for file in sorted(path.glob("*.safetensors")):
        state = load_file(file, device=str(device))
        found |= {name: tuple(tensor.shape) for name, tensor in state.items()}
        fitting = {name: tensor for name, tensor in state.items() if needed.get(name) == tuple(tensor.shape)}
        kept = WorldTransformer3DModel._keep_in_fp32_modules
        for name, tensor in fitting.items():
            in_float32 = any(part in name.split(".") for part in kept)
            fitting[name] = tensor.to(torch.float32 if in_float32 else dtype)
        network.load_state_dict(fitting, strict=False, assign=True)
    KeyReport.of(found, needed).check(str(path), "the network that its config.json describes")
    return network.eval().requires_grad_(False)


def _words(
    folder: WeightsFolder, options: Lyra2Config, captions: Iterable[str], dtype: torch.dtype, device: torch.device
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    if folder.text_encoder_path is None or folder.tokenizer_path is None:
        lacking = "text_encoder" if folder.text_encoder_path is None else "tokenizer"
        raise InputError(
            str(folder.root),
            f"it has no {lacking}",
            expected="text_encoder/ and tokenizer/, to read captions with",
            next_step="Put the tokenizer files of google/umt5-xxl into tokenizer/."
            if lacking == "tokenizer"
            else "Convert the published folder whole.",
        )
    embedder = TextEmbedder(folder.text_encoder_path, folder.tokenizer_path, dtype=dtype, device=device)
    words = {text: embedder.embed(text) for text in dict.fromkeys(captions)}
    width = next(iter(words.values())).shape[-1]
    if options.negative_file is not None:
        negative = negative_embedding(options.negative_file, width=width)
    elif options.negative is not None:
        negative = embedder.embed(options.negative)
    elif folder.negative_prompt is not None:
        negative = negative_embedding(folder.root / f"{NEGATIVE_PROMPT}.safetensors", width=width)
    else:
        negative = embedder.embed("")
    embedder.release()
    return words, negative.to(device, dtype)


def _loras(folder: WeightsFolder, options: Lyra2Config) -> tuple[tuple[Path, float], ...]:
    """Those asked for, each one there."""
    for file, _ in options.lora_files():
        if file.is_file():
            continue
        distilled = file.stem == DISTILLED_LORA
        raise SpecError(
            "generate.lyra2.sampler: distilled" if distilled else "generate.lyra2.loras",
            f"no LoRA {file.stem} in {file.parent.parent.name}/{file.parent.name}",
            expected=", ".join(folder.lora_names) or "it",
            likely="Without it the network can't draw in four steps." if distilled else "Its name is misspelt.",
            next_step="Set the sampler to guided, or convert the published folder with its lora/." if distilled else None,
        )
    return options.lora_files()
