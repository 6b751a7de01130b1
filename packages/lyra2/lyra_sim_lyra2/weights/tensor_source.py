"""Named tensors on disk, read a few at a time: 64 GB of weights pass through a machine that could not hold them."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from lyra_sim_lyra2.weights.key_report import Shape

READ_TOGETHER = 64 << 20
"""Bytes of tensors that are read at once, or one tensor where that is larger."""


@dataclass(frozen=True)
class TensorSpec:
    """What is known of a tensor before it is read."""

    shape: Shape
    dtype: torch.dtype

    @property
    def size(self) -> int:
        """Bytes."""
        count = self.dtype.itemsize
        for side in self.shape:
            count *= side
        return count


class TensorSource(ABC):
    """A file or folder of named tensors."""

    kind: str
    """Its format, as users call it."""
    path: Path

    @property
    @abstractmethod
    def specs(self) -> Mapping[str, TensorSpec]:
        """Of every tensor, by name."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that the tensors stand in."""
        return (self.path,)

    @property
    def stated(self) -> Mapping[str, str]:
        """What the file says of itself, where its format has room for that."""
        return {}

    @abstractmethod
    def read(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        """These tensors, on the CPU, in the dtype they are kept in."""


def in_groups(names: Sequence[str], sizes: Mapping[str, int], limit: int = READ_TOGETHER) -> Iterator[list[str]]:
    """Names in their order, cut into groups of at most ``limit`` bytes; a larger tensor is a group of its own."""
    group: list[str] = []
    total = 0
    for name in names:
        if group and total + sizes[name] > limit:
            yield group
            group, total = [], 0
        group.append(name)
        total += sizes[name]
    if group:
        yield group
