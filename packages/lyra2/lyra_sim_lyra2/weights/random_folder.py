"""A weights folder of random numbers: everything runs that runs with the real ones, and nothing it makes means anything."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch

from lyra_sim.errors import SpecError
from lyra_sim_lyra2.network.world_transformer import WorldTransformer3DModel
from lyra_sim_lyra2.weights.companions import companion, companion_shapes
from lyra_sim_lyra2.weights.convert import (
    Written,
    new_folder,
    write_negative_prompt,
    write_parts,
    write_record,
)
from lyra_sim_lyra2.weights.folder import NEGATIVE_PROMPT, UNTRAINED
from lyra_sim_lyra2.weights.key_report import Shape
from lyra_sim_lyra2.weights.network_part import NetworkPart, taken
from lyra_sim_lyra2.weights.shards import file_facts, write_safetensors
from lyra_sim_lyra2.weights.small_tokenizer import vocabulary, write_small_tokenizer
from lyra_sim_lyra2.weights.tensor_source import TensorSource, TensorSpec
from lyra_sim_lyra2.weights.transformer import STEM, needed_shapes

TEXT_TOKENS = 512
LORA_NAMES = ("dmd_distillation", "realism_boost", "detail_enhancer")
LORA_RANK = 4
SPREAD = 0.02
"""Standard deviation of biases, and of a LoRA's second half."""
PARTS = ("transformer", "vae", "text_encoder", "image_encoder", "tokenizer", NEGATIVE_PROMPT, "lora")

Size = Literal["tiny", "full"]
_TINY_TRANSFORMER: dict[str, Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": 48,
    "ffn_dim": 192,
    "num_layers": 2,
    "text_dim": 64,
    "image_dim": 32,
    "added_kv_proj_dim": 96,
    "buffer_width": 16,
}
_COMPANIONS: dict[Size, dict[str, dict[str, Any]]] = {
    "tiny": {
        "vae": {"base_dim": 8, "z_dim": 16},
        "text_encoder": {
            "vocab_size": len(vocabulary()),
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 128,
            "num_heads": 4,
            "num_layers": 2,
            "relative_attention_num_buckets": 32,
        },
        "image_encoder": {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 224,
            "patch_size": 14,
        },
    },
    "full": {
        "vae": {"base_dim": 96, "z_dim": 16},
        "text_encoder": {
            "vocab_size": 256384,
            "d_model": 4096,
            "d_kv": 64,
            "d_ff": 10240,
            "num_heads": 64,
            "num_layers": 24,
            "relative_attention_num_buckets": 32,
        },
        "image_encoder": {
            "hidden_size": 1280,
            "intermediate_size": 5120,
            "num_hidden_layers": 32,
            "num_attention_heads": 16,
            "image_size": 224,
            "patch_size": 14,
        },
    },
}


class RandomTensors(TensorSource):
    """Tensors that are drawn when they are read: each from a seed of its own, so neither order nor shards matter.

    Matrices are scaled by the number of their inputs, so that what goes through a network of any size keeps its size.
    """

    kind = "random numbers"

    def __init__(self, specs: Mapping[str, TensorSpec], *, seed: int) -> None:
        self.path = Path("random")
        self._specs = dict(specs)
        self._seed = seed
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def files(self) -> tuple[Path, ...]:
        return ()

    @property
    def specs(self) -> Mapping[str, TensorSpec]:
        return self._specs

    def read(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        return {name: self._drawn(name) for name in names}

    def _drawn(self, name: str) -> torch.Tensor:
        spec = self._specs[name]
        if _is_norm(name):
            return torch.ones(spec.shape, dtype=spec.dtype)
        seed = int.from_bytes(hashlib.sha256(f"{self._seed}:{name}".encode()).digest()[:8], "little") >> 1
        generator = torch.Generator(self._device).manual_seed(seed)
        drawn = torch.randn(spec.shape, generator=generator, device=self._device)
        return drawn.mul_(_spread(name, spec.shape)).to(spec.dtype).cpu()


def write_random(
    target: Path,
    *,
    size: Size = "tiny",
    seed: int = 0,
    dtype: torch.dtype = torch.bfloat16,
    shard_gb: float = 4.0,
    parts: Sequence[str] = PARTS,
    say: Callable[[str], None] = lambda line: None,
) -> Written:
    """Write a weights folder that no training has seen. The same seed gives the same bytes on the same kind of device.

    Args:
        target: Must not exist.
        size: ``tiny``, for tests; ``full``, the sizes of Lyra 2.0 (17 billion parameters and 6 beside them, 48 GB).
        seed: Of all numbers.
        dtype: As for :func:`~lyra_sim_lyra2.weights.convert.convert`.
        shard_gb: Largest size of a file [GB].
        parts: Which of :data:`PARTS` to write.
        say: Told what is being done.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        raise SpecError("--part", f"{unknown[0] if unknown else 'none'}", expected=", ".join(PARTS))
    config = transformer_config(size)
    shapes = needed_shapes(config)
    network = NetworkPart(
        folder="transformer",
        stem=STEM,
        config=config,
        source=RandomTensors(_specs(shapes, dtype, WorldTransformer3DModel._keep_in_fp32_modules), seed=seed),
        recipes={name: taken(name, shape) for name, shape in shapes.items()},
        shapes=shapes,
    )
    networks = [network] if "transformer" in parts else []
    for number, (name, sizes) in enumerate(_COMPANIONS[size].items(), 1):
        if name in parts:
            kept = torch.float32 if name == "vae" else dtype
            source = RandomTensors(_specs(companion_shapes(name, sizes), kept), seed=seed + number)
            networks.append(companion(name, sizes, source, None, None))
    with new_folder(target, networks) as folder:
        files, came_from = write_parts(folder, networks, shard_gb=shard_gb, root=None, say=say)
        if "tokenizer" in parts:
            for name in write_small_tokenizer(folder / "tokenizer", length=TEXT_TOKENS):
                files[f"tokenizer/{name}"] = file_facts(folder / "tokenizer" / name)
        if NEGATIVE_PROMPT in parts:
            text = {NEGATIVE_PROMPT: (TEXT_TOKENS, config["text_dim"])}
            drawn = RandomTensors(_specs(text, torch.float32), seed=seed).read(text)[NEGATIVE_PROMPT]
            files.update(write_negative_prompt(folder, (drawn * config["text_dim"] ** 0.5).to(dtype)))
        if "lora" in parts:
            (folder / "lora").mkdir()
            for number, name in enumerate(LORA_NAMES, 1):
                files[f"lora/{name}.safetensors"] = _write_lora(folder / "lora" / f"{name}.safetensors", shapes, seed + number)
        write_record(folder, licence="random", files=files, parts=came_from, memory_conditioning=UNTRAINED, seed=seed)
    return Written(
        folder=target,
        parts=tuple(parts),
        memory_trained=False,
        licence="random",
        notes=("random weights: no meaning in what they draw",),
    )


def transformer_config(size: Size) -> dict[str, Any]:
    """Content of config.json."""
    with torch.device("meta"):
        defaults = dict(WorldTransformer3DModel(num_layers=0).config)
    defaults = {name: value for name, value in defaults.items() if not name.startswith("_") and name != "patch_size"}
    sizes = {"num_layers": 40, **(_TINY_TRANSFORMER if size == "tiny" else {})}
    head = {"_class_name": WorldTransformer3DModel.__name__, "_diffusers_version": diffusers.__version__}
    return {**head, **defaults, **sizes}


def _write_lora(file: Path, shapes: Mapping[str, Shape], seed: int) -> dict[str, Any]:
    """A small change to every layer that the published ones change: attention, feed-forward, memory and patch layers."""
    wanted = ("attn1.", "attn2.to_", "attn2.add_", "ffn.", "clean_patch_embeddings.", "patch_embedding.")
    pairs: dict[str, Shape] = {}
    for name, shape in shapes.items():
        if name.endswith(".weight") and len(shape) > 1 and any(part in name for part in wanted):
            layer = name.removesuffix(".weight")
            pairs[f"{layer}.lora_A.weight"] = (LORA_RANK, torch.Size(shape[1:]).numel())
            pairs[f"{layer}.lora_B.weight"] = (shape[0], LORA_RANK)
    source = RandomTensors(_specs(pairs, torch.bfloat16), seed=seed)
    return write_safetensors(file, source.specs, ((name, source.read([name])[name]) for name in pairs))


def _specs(shapes: Mapping[str, Shape], dtype: torch.dtype, float32: Collection[str] = ()) -> dict[str, TensorSpec]:
    """Of tensors to be drawn; those inside the modules named stay float32."""
    return {
        name: TensorSpec(shape, torch.float32 if set(float32) & set(name.split(".")) else dtype)
        for name, shape in shapes.items()
    }


def _is_norm(name: str) -> bool:
    """Whether a parameter scales what was normalised."""
    layer, _, kind = name.rpartition(".")
    return kind == "gamma" or (kind == "weight" and "norm" in layer.rpartition(".")[2])


def _spread(name: str, shape: Shape) -> float:
    """Standard deviation."""
    if name.endswith("lora_B.weight") or name.endswith(".bias") or len(shape) < 2:
        return SPREAD
    if name.endswith(("shared.weight", "position_embedding.weight", "relative_attention_bias.weight")):
        return 1.0
    inputs = torch.Size(shape[1:]).numel() if "scale_shift_table" not in name else shape[-1]
    return inputs**-0.5
