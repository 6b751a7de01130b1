"""The video network's weights from any file that holds them: names, sizes and what is missing worked out from the file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import torch

from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.conditions.correspondence import SLOT_CHANNELS
from lyra_sim_lyra2.conditions.history_packing import LYRA2_NAME, HistoryPacking
from lyra_sim_lyra2.network.packed_tokens import PATCH
from lyra_sim_lyra2.network.world_transformer import OCTAVES, WorldTransformer3DModel
from lyra_sim_lyra2.weights.key_report import KeyReport, Shape
from lyra_sim_lyra2.weights.names import is_memory, native_name, no_weight
from lyra_sim_lyra2.weights.network_part import NetworkPart, Recipe, taken
from lyra_sim_lyra2.weights.tensor_files import open_tensors
from lyra_sim_lyra2.weights.tensor_source import TensorSource

HEAD_WIDTH = 128
"""Features of a head wherever nothing else is said: shapes don't tell how many heads share them."""
SLOT_FEATURES = SLOT_CHANNELS * PATCH**2 * 2 * OCTAVES
STEM = "diffusion_pytorch_model"
_PATCH_WEIGHT, _PATCH_BIAS = "patch_embedding.weight", "patch_embedding.bias"


@dataclass(frozen=True, kw_only=True)
class TransformerWeights:
    """The network's weights in a file, ready to be read under our names."""

    part: NetworkPart
    memory_trained: bool
    """False: plain Wan 2.1, which knows nothing of cameras, correspondence and packed history. What it lacks is made:
    patch layers that average what the base layer makes of every patch they cover, encoders that add nothing."""
    ignored: tuple[str, ...]
    """Names in the file that belong to no network of ours: training counters, other networks beside it."""

    @property
    def config(self) -> Mapping[str, Any]:
        return self.part.config


def open_transformer(path: Path, *, heads: int | None = None, dtype: torch.dtype | None = None) -> TransformerWeights:
    """Work out what the weights at ``path`` are; reads no tensor yet.

    Args:
        path: Whatever :func:`~lyra_sim_lyra2.weights.tensor_files.open_tensors` opens.
        heads: Of attention. None: as the file or the config beside it says, otherwise one for every 128 features.
        dtype: To read them in; None: as they are kept.

    Raises:
        InputError: They aren't weights of this network, or some are missing; the message says which.
        SpecError: The number of heads can't be known.
    """
    source = open_tensors(path)
    names, ignored = _own_names(source)
    shapes = {native: _shape(native, source.specs[name].shape) for native, name in names.items()}
    if _PATCH_WEIGHT not in shapes:
        raise InputError(
            str(path),
            f"none of its {len(source.specs)} tensors is patch_embedding.weight",
            expected="weights of Lyra 2.0's or Wan 2.1's video network",
            likely="It is another part of the system, or a LoRA.",
        )
    config = _config(path, source, shapes, heads)
    needed = needed_shapes(config)
    memory_trained = any(is_memory(name) for name in shapes)
    made = {} if memory_trained else {name: shape for name, shape in needed.items() if is_memory(name)}
    KeyReport.of({**shapes, **made}, needed).check(str(path), "Lyra 2.0's or Wan 2.1's image-to-video network")
    packing = HistoryPacking.parse(config["packing"])
    recipes = {
        name: _initial(name, shape, names, packing) if name in made else taken(names[name], shape)
        for name, shape in needed.items()
    }
    part = NetworkPart(
        folder="transformer",
        stem=STEM,
        config=config,
        source=source,
        recipes=recipes,
        shapes=needed,
        keeps_float32=frozenset(WorldTransformer3DModel._keep_in_fp32_modules),
        dtype=dtype,
    )
    return TransformerWeights(part=part, memory_trained=memory_trained, ignored=ignored)


def load_transformer(
    path: Path, *, heads: int | None = None, dtype: torch.dtype = torch.float32
) -> tuple[WorldTransformer3DModel, TransformerWeights]:
    """The network with the weights at ``path`` in it, on the CPU, all in one dtype; for files that need no conversion first."""
    weights = open_transformer(path, heads=heads, dtype=dtype)
    weights = replace(weights, part=replace(weights.part, keeps_float32=frozenset()))
    network = WorldTransformer3DModel.from_config(dict(weights.config)).eval()
    parameters = dict(network.named_parameters())
    for name, tensor in weights.part.tensors():
        parameters[name].data = tensor.clone()
    return network, weights


def needed_shapes(config: Mapping[str, Any]) -> dict[str, Shape]:
    """Names and shapes of all parameters of a network of this size, in its own order; takes no memory."""
    with torch.device("meta"):
        network = WorldTransformer3DModel.from_config(dict(config))
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _own_names(source: TensorSource) -> tuple[dict[str, str], tuple[str, ...]]:
    """The source's name of each of our parameters, and the names that aren't the network's."""
    ends = [name for name in source.specs if name.endswith(_PATCH_WEIGHT)]
    prefix = min(ends, key=lambda name: (not name.startswith("net."), len(name)), default="").removesuffix(_PATCH_WEIGHT)
    own = [name for name in source.specs if name.startswith(prefix) and not no_weight(name[len(prefix) :])]
    names = {native_name(name[len(prefix) :]): name for name in own}
    return names, tuple(sorted(set(source.specs) - set(own)))


def _shape(native: str, shape: Shape) -> Shape:
    """Published, the patch layer is linear: its input is the flattened patch."""
    if native == _PATCH_WEIGHT and len(shape) == 2 and shape[1] % PATCH**2 == 0:
        return (shape[0], shape[1] // PATCH**2, 1, PATCH, PATCH)
    return shape


def _config(path: Path, source: TensorSource, shapes: Mapping[str, Shape], heads: int | None) -> dict[str, Any]:
    """As diffusers writes it; every size from a tensor's shape, so that networks of any size are read."""

    def side(name: str, axis: int, default: int) -> int:
        shape = shapes.get(name, ())
        return shape[axis] if axis < len(shape) else default

    dim, embedder = side(_PATCH_WEIGHT, 0, 0), "condition_embedder"
    blocks = {name.split(".")[1] for name in shapes if name.startswith("blocks.")}
    stated = _stated(path, source)
    heads = heads or stated.get("heads")
    if heads is None:
        if dim % HEAD_WIDTH:
            raise SpecError(
                str(path),
                f"it is {dim} features wide, and nothing says how many heads share them",
                next_step="Give --heads.",
            )
        heads = dim // HEAD_WIDTH
    if dim % heads or (dim // heads) % 2:
        raise SpecError(str(path), f"{heads} heads for {dim} features", expected="an even number of features for every head")
    buffer = "blocks.0.attn1.buffer_encoder.0.weight"
    return {
        "_class_name": WorldTransformer3DModel.__name__,
        "_diffusers_version": diffusers.__version__,
        "num_attention_heads": heads,
        "attention_head_dim": dim // heads,
        "in_channels": side(_PATCH_WEIGHT, 1, 36),
        "out_channels": side("proj_out.weight", 0, 16 * PATCH**2) // PATCH**2,
        "text_dim": side(f"{embedder}.text_embedder.linear_1.weight", 1, 4096),
        "freq_dim": side(f"{embedder}.time_embedder.linear_1.weight", 1, 256),
        "ffn_dim": side("blocks.0.ffn.net.0.proj.weight", 0, 4 * dim),
        "num_layers": len(blocks),
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "eps": 1e-6,
        "image_dim": side(f"{embedder}.image_embedder.ff.net.0.proj.weight", 1, 1280),
        "added_kv_proj_dim": dim,
        "rope_max_seq_len": 1024,
        "pos_embed_seq_len": None,
        "packing": stated.get("packing", LYRA2_NAME),
        "slots": max(side(buffer, 1, 5 * SLOT_FEATURES) // SLOT_FEATURES, 1),
        "buffer_width": side(buffer, 0, 256),
    }


def _stated(path: Path, source: TensorSource) -> dict[str, Any]:
    """What shapes don't tell, as the file or the config.json beside it says it: ``heads`` and ``packing``."""
    said: list[Any] = []
    folder = path if path.is_dir() else path.parent
    if (folder / "config.json").is_file():
        said.append(read_json(folder / "config.json"))
    try:
        said.append(json.loads(source.stated.get("config", "{}")))
    except ValueError:
        pass  # a note of somebody else's under that name
    stated: dict[str, Any] = {}
    for config in (config for config in said if isinstance(config, dict)):
        heads = config.get("num_attention_heads", config.get("num_heads"))
        if isinstance(heads, int) and heads > 0:
            stated.setdefault("heads", heads)
        packing, splits, kernels = (config.get(name) for name in ("packing", "splits", "kernels"))
        if isinstance(splits, list) and isinstance(kernels, str) and len(splits) == len(kernels.split()):
            parts = zip(splits, kernels.split(), strict=True)
            packing = packing or "".join(f"f{count}{kernel}" for count, kernel in parts if kernel != "g")
        if isinstance(packing, str):
            stated.setdefault("packing", packing)
    return stated


def _initial(name: str, shape: Shape, names: Mapping[str, str], packing: HistoryPacking) -> Recipe:
    """What stands in for memory conditioning that was never trained.

    A layer for k × k (× k in time) patches gets the base layer's weight once for every patch it covers, divided by their
    number: it starts as the mean of what the base layer would have made of each (FramePack: Zhang & Agrawala 2025).
    """
    if not name.startswith("clean_patch_embeddings."):
        return Recipe((names[_PATCH_BIAS],), lambda bias: torch.zeros(shape, dtype=bias.dtype))
    if name.endswith(".bias"):
        return taken(names[_PATCH_BIAS], shape)
    time, rows, columns = packing.segments[int(name.split(".")[1])].kernel

    def tiled(weight: torch.Tensor) -> torch.Tensor:
        base = weight.reshape(weight.shape[0], -1, 1, PATCH, PATCH).float()
        spread = base.repeat(1, 1, time, rows, columns) / (time * rows * columns)
        return spread.reshape(shape).to(weight.dtype)

    return Recipe((names[_PATCH_WEIGHT],), tiled)
