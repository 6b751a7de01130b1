"""LoRA files (Hu et al. 2021) of every naming in use, sorted by the layer of ours that each tensor belongs to."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.key_report import first_names
from lyra_sim_lyra2.weights.names import published_module
from lyra_sim_lyra2.weights.tensor_files import open_tensors

NEGLIGIBLE = 1.6e-2
"""Full-weight differences whose magnitudes lie closer together than this are left out, as the published system does."""
KOHYA = "lora_unet_"
_PREFIXES = ("base_model.model.", "diffusion_model.", "transformer.", "module.", "model.", "net.")
_ENDS = re.compile(
    r"(?P<module>.+?)\.(?:"
    r"(?P<down>lora_A|lora_down)(?:\.\w+)?\.weight"
    r"|(?P<up>lora_B|lora_up)(?:\.\w+)?\.weight"
    r"|(?P<up_bias>lora_B|lora_up)(?:\.\w+)?\.bias"
    r"|(?P<end>alpha|diff|diff_b))"
)


@dataclass(kw_only=True)
class LayerChange:
    """What a LoRA does to one layer."""

    down: torch.Tensor | None = None
    """[rank, inputs]"""
    up: torch.Tensor | None = None
    """[outputs, rank]"""
    alpha: float | None = None
    """None: as large as the rank."""
    weight: torch.Tensor | None = None
    """Added to the weight as it is."""
    bias: torch.Tensor | None = None
    """Added to the bias as it is."""

    def weight_change(self, device: torch.device) -> torch.Tensor | None:
        """Of the whole weight [outputs, inputs], at strength 1, float32."""
        change = None if self.weight is None else self.weight.to(device, torch.float32).reshape(len(self.weight), -1)
        if self.down is not None and self.up is not None:
            rank = self.down.shape[0]
            scale = 1.0 if self.alpha is None else self.alpha / rank
            down, up = (side.to(device, torch.float32).flatten(1) for side in (self.down, self.up))
            product = scale * (up @ down)
            change = product if change is None else change + product
        return change


@dataclass(frozen=True, kw_only=True)
class LoraFile:
    """Changes by layer, under our names."""

    path: Path
    layers: Mapping[str, LayerChange]
    dropped: tuple[str, ...] = field(default=())
    """Keys of differences too small to matter."""


def read_lora(path: Path, layers: Collection[str]) -> LoraFile:
    """Read a LoRA for a network that has these layers.

    Known are PEFT's names (``lora_A``, ``lora_B``) and those of kohya and musubi (``lora_down``, ``lora_up``; dots written as
    underscores after ``lora_unet_``), over published or diffusers' names of layers, behind any of the usual prefixes.

    Raises:
        InputError: A key fits no layer, or half of a pair is missing; the message says which.
    """
    source = open_tensors(path)
    tensors = source.read(source.specs)
    known = _spellings(layers)
    found: dict[str, LayerChange] = {}
    dropped, unused = [], []
    for key, tensor in tensors.items():
        parsed = _ENDS.fullmatch(key)
        layer = None if parsed is None else known.get(_bare(parsed["module"]))
        end = None if parsed is None else parsed["end"]
        if _negligible(tensor) and (end == "diff" or (end == "diff_b" and layer is None)):
            dropped.append(key)
        elif parsed is None or layer is None:
            unused.append(key)
        else:
            _put(path, found.setdefault(layer, LayerChange()), parsed, key, tensor)
    if unused or not found:
        raise InputError(
            str(path),
            f"{len(unused)} of its {len(tensors)} keys fit no layer of the network: {first_names(sorted(unused))}"
            if unused
            else "it changes no layer",
            expected="a LoRA for Wan 2.1 or Lyra 2.0, of layers this network has",
            likely="It was made for another model, or is of a kind other than LoRA.",
        )
    halves = [layer for layer, change in found.items() if (change.down is None) != (change.up is None)]
    if halves:
        raise InputError(
            str(path), f"{len(halves)} layers have one half of a pair only: {first_names(sorted(halves))}", expected="both"
        )
    return LoraFile(path=path, layers=dict(sorted(found.items())), dropped=tuple(sorted(dropped)))


def _spellings(layers: Collection[str]) -> dict[str, str]:
    """Every way to write a layer's name → our name."""
    known = {}
    for layer in layers:
        for spelling in (layer, published_module(layer)):
            if spelling is not None:
                known[spelling] = layer
                known[KOHYA + spelling.replace(".", "_")] = layer
    return known


def _bare(module: str) -> str:
    """Without what trainers put in front; as often as they do."""
    while (prefix := next((p for p in _PREFIXES if module.startswith(p)), None)) is not None:
        module = module.removeprefix(prefix)
    return module


def _negligible(tensor: torch.Tensor) -> bool:
    size = tensor.float().abs()
    return bool(size.numel() == 0 or size.max() - size.min() < NEGLIGIBLE)


def _put(path: Path, change: LayerChange, parsed: re.Match[str], key: str, tensor: torch.Tensor) -> None:
    kinds = {"down": "down", "up": "up", "up_bias": "bias"}
    kind = next((name for group, name in kinds.items() if parsed[group]), "")
    kind = kind or {"alpha": "alpha", "diff": "weight", "diff_b": "bias"}[parsed["end"]]
    if getattr(change, kind) is not None:
        raise InputError(str(path), f"{key} says again what another key says of this layer", expected="every layer once")
    if not tensor.is_floating_point() or not bool(torch.isfinite(tensor.float()).all()):
        raise InputError(str(path), f"{key} holds what is no finite number", likely="The file is damaged.")
    if kind == "alpha":
        if tensor.numel() != 1:
            raise InputError(str(path), f"{key} is of shape {tuple(tensor.shape)}", expected="one number")
        change.alpha = float(tensor)
    elif kind in ("down", "up") and (tensor.ndim < 2 or not tensor.shape[0]):
        raise InputError(str(path), f"{key} is of shape {tuple(tensor.shape)}", expected="a matrix")
    else:
        setattr(change, kind, tensor)
