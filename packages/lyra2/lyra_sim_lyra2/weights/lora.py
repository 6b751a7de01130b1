"""Adds LoRAs to a network's weights once, when it is loaded: the steps then cost what they cost without."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.weights.key_report import first_names
from lyra_sim_lyra2.weights.lora_file import LoraFile, read_lora


@dataclass(frozen=True, kw_only=True)
class LoraReport:
    """What a LoRA has changed."""

    layers: tuple[str, ...]
    """Changed layers, under our names."""
    dropped: tuple[str, ...]
    """Keys left out, because what they change is too little to matter."""
    strength: float

    def line(self) -> str:
        """To be printed."""
        left_out = f", {len(self.dropped)} negligible differences left out" if self.dropped else ""
        return f"{len(self.layers)} layers changed at strength {self.strength:g}{left_out}"


def merge_lora(target: torch.nn.Module | dict[str, torch.Tensor], file: Path, strength: float = 1.0) -> LoraReport:
    """Add a LoRA to weights in place: W + strength · alpha / rank · up · down, in float32, then in the weight's dtype again.

    Several are merged one after the other. Nothing is changed when the file doesn't fit.

    Args:
        target: The network, or its state dict under our names (whose entries are replaced).
        file: The LoRA.
        strength: Factor; 1 is as it was trained.

    Raises:
        InputError: Keys that fit no layer, or shapes that don't.
        SpecError: The strength is no number.
    """
    if not abs(strength) < float("inf"):
        raise SpecError("LoRA strength", f"{strength}", expected="a finite number")
    parameters: Mapping[str, torch.Tensor] = target if isinstance(target, dict) else dict(target.named_parameters())
    layers = {name.rpartition(".")[0] for name in parameters if name.endswith(".weight")}
    lora = read_lora(file, layers)
    _check(lora, parameters)
    with torch.no_grad():
        for layer, change in lora.layers.items():
            weight = parameters[f"{layer}.weight"]
            added = {"weight": change.weight_change(weight.device), "bias": change.bias}
            for kind, difference in added.items():
                if difference is None:
                    continue
                old = parameters[f"{layer}.{kind}"]
                difference = difference.to(old.device, torch.float32).reshape(old.shape)
                new = (old.float() + strength * difference).to(old.dtype)
                if isinstance(target, dict):
                    target[f"{layer}.{kind}"] = new
                else:
                    old.copy_(new)
    return LoraReport(layers=tuple(lora.layers), dropped=lora.dropped, strength=float(strength))


def _check(lora: LoraFile, parameters: Mapping[str, torch.Tensor]) -> None:
    """Shapes of all changes, before any is made."""
    wrong = []
    for layer, change in lora.layers.items():
        weight, bias = parameters[f"{layer}.weight"], parameters.get(f"{layer}.bias")
        outputs, inputs = weight.shape[0], weight[0].numel()
        if change.down is not None and change.up is not None:
            rank = change.down.shape[0]
            fits = change.down[0].numel() == inputs and tuple(change.up.flatten(1).shape) == (outputs, rank)
            if not fits:
                wrong.append(f"{layer} ({_sides(change.up)} by {_sides(change.down)} for {_sides(weight)})")
        if change.weight is not None and change.weight.numel() != weight.numel():
            wrong.append(f"{layer} (difference {_sides(change.weight)} for {_sides(weight)})")
        if change.bias is not None and (bias is None or change.bias.numel() != bias.numel()):
            wrong.append(f"{layer} (bias {_sides(change.bias)} for {'none' if bias is None else _sides(bias)})")
    if wrong:
        raise InputError(
            str(lora.path),
            f"{len(wrong)} of its changes don't fit the network's layers: {first_names(wrong)}",
            expected="a LoRA for a network of this size",
            likely="It was made for another model, such as a smaller Wan.",
        )


def _sides(tensor: torch.Tensor) -> str:
    return "×".join(str(side) for side in tensor.shape)
