"""Training that can be cut anywhere: what a checkpoint holds is all that the next step depends on."""

import math
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from lyra_sim.depth.network.examples import Batch
from lyra_sim.depth.network.losses import losses
from lyra_sim.depth.network.moments import packed_first, packed_second, unpacked_first, unpacked_second
from lyra_sim.depth.network.network import Config, DepthNetwork
from lyra_sim.depth.network.shards import read_shards, write_shards
from lyra_sim.depth.network.weights import config_from

CHECKPOINT = "checkpoint"
SHARD_BYTES = 15 * 2**20
"""Of tensors a file of a checkpoint at the most. Convention."""
MOMENTS = {"exp_avg": (packed_first, unpacked_first), "exp_avg_sq": (packed_second, unpacked_second)}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How fast it learns."""

    total: int
    """Steps after which the rate is 0."""
    peak: float = 7e-4
    """Greatest learning rate (tuned: nothing larger was tried)."""
    warm_up: int = 400
    """Steps to the peak."""
    decay: float = 0.02
    """Weight decay (convention)."""
    average: float = 0.9985
    """Of the running mean of the weights, which is what is kept (Polyak and Juditsky 1992)."""

    def rate(self, step: int) -> float:
        """Linear to the peak, then half a cosine (Loshchilov and Hutter 2017)."""
        if step < self.warm_up:
            return self.peak * (step + 1) / self.warm_up
        part = min(1.0, (step - self.warm_up) / max(1, self.total - self.warm_up))
        return self.peak * 0.5 * (1 + math.cos(math.pi * part))


class Trainer:
    """A network, the running mean of its weights, and AdamW (Loshchilov and Hutter 2019)."""

    def __init__(self, network: DepthNetwork, schedule: Schedule, device: torch.device) -> None:
        self.device, self.schedule, self.step = device, schedule, 0
        self.network = network.to(device).train()
        for value in self.network.parameters():
            if value.dim() == 4:  # convolutions are fastest so
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        self.mean = deepcopy(self.network).eval().requires_grad_(False)
        fused = device.type == "cuda"
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=schedule.peak, betas=(0.9, 0.98), weight_decay=schedule.decay, fused=fused
        )

    def _parts(self, batch: Batch) -> dict[str, torch.Tensor]:
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            found = self.network(batch.rgb, batch.geometry)
        return losses(found, batch.truth, batch.geometry)

    def learn(self, batch: Batch) -> dict[str, torch.Tensor]:
        """One step; the parts of its loss, on the device."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        parts = self._parts(batch)
        torch.stack(list(parts.values())).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        average = min(self.schedule.average, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean.parameters()), list(self.network.parameters()), 1 - average)
        return {**{name: part.detach() for name, part in parts.items()}, "gradient": norm.detach()}

    def save(self, folder: Path) -> None:
        """Write a checkpoint, and go on from exactly what was written.

        Weights keep 32 bits, their running mean 16, moments 8: 8 bytes a parameter.
        """
        tensors: dict[str, torch.Tensor] = {}
        for name, value in self.network.named_parameters():
            tensors[f"weight/{name}"] = value
            for moment, (pack, _) in MOMENTS.items():
                if value in self.optimiser.state:
                    parts = pack(self.optimiser.state[value][moment])
                    tensors |= {f"{moment}/{name}/{part}": held for part, held in parts.items()}
        tensors |= {f"mean/{name}": value.half() for name, value in self.mean.named_parameters()}
        facts = {"step": self.step, "config": asdict(self.network.config), "schedule": asdict(self.schedule)}
        write_shards(folder, CHECKPOINT, tensors, facts, limit=SHARD_BYTES)
        self._restore(tensors, facts)

    def _restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        self.step = int(facts["step"])
        with torch.no_grad():
            for name, value in self.mean.named_parameters():
                value.copy_(tensors[f"mean/{name}"].to(self.device))
            for name, value in self.network.named_parameters():
                value.copy_(tensors[f"weight/{name}"].to(self.device))
                if f"exp_avg/{name}/code" not in tensors:
                    continue
                state = self.optimiser.state[value]
                for moment, (_, unpack) in MOMENTS.items():
                    parts = {part: tensors[f"{moment}/{name}/{part}"].to(self.device) for part in ("code", "scale")}
                    state[moment] = torch.zeros_like(value).copy_(unpack(parts, value.shape))  # strides of the weight
                state["step"] = torch.tensor(float(self.step), device=self.device if self.device.type == "cuda" else "cpu")

    @classmethod
    def resumed(cls, folder: Path, device: torch.device, schedule: Schedule | None = None) -> "Trainer":
        """Where :meth:`save` left off; another ``schedule`` than the stored one may be given."""
        tensors, facts = read_shards(folder, CHECKPOINT)
        trainer = cls(DepthNetwork(config_from(facts)), schedule or Schedule(**facts["schedule"]), device)
        trainer._restore(tensors, facts)
        return trainer


def fresh(config: Config, schedule: Schedule, device: torch.device, seed: int) -> Trainer:
    """A trainer at step 0, its weights drawn by ``seed``."""
    torch.manual_seed(seed)
    return Trainer(DepthNetwork(config), schedule, device)


def warm_started(network: DepthNetwork, schedule: Schedule, device: torch.device) -> Trainer:
    """A trainer at step 0 of a new schedule that begins with given weights; the moments are gathered during its warm-up."""
    return Trainer(network, schedule, device)
