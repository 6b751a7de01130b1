"""One network of a weights folder: what its tensors are made of, and how they are written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.key_report import Shape
from lyra_sim_lyra2.weights.tensor_source import TensorSource, TensorSpec, in_groups


@dataclass(frozen=True)
class Recipe:
    """How one tensor is made: which tensors of the source it takes, and what is done with them."""

    takes: tuple[str, ...]
    make: Callable[..., torch.Tensor]


def taken(name: str, shape: Shape) -> Recipe:
    """A tensor of the source as it stands, its sides named anew."""
    return Recipe((name,), lambda tensor: tensor.reshape(shape))


def share(name: str, part: int, parts: int) -> Recipe:
    """One of several equal parts along the first axis: queries of a layer that holds queries, keys and values."""
    return Recipe((name,), lambda tensor: tensor.chunk(parts)[part])


@dataclass(frozen=True, kw_only=True)
class NetworkPart:
    """A network that is about to be written or loaded, tensor by tensor."""

    folder: str
    """Its place in a weights folder."""
    stem: str
    """Start of its files' names, as the library that loads it expects."""
    config: Mapping[str, Any]
    """Content of its config.json."""
    source: TensorSource
    recipes: Mapping[str, Recipe]
    """In the order in which they are written."""
    shapes: Mapping[str, Shape]
    keeps_float32: frozenset[str] = field(default=frozenset())
    """Names of modules that are held in float32 whatever the rest is."""
    dtype: torch.dtype | None = None
    """Of the rest; None: as in the source."""

    def specs(self) -> dict[str, TensorSpec]:
        """Of the tensors as they are written."""
        return {name: TensorSpec(shape, self._dtype(name)) for name, shape in self.shapes.items()}

    def tensors(self, names: Sequence[str] | None = None) -> Iterator[tuple[str, torch.Tensor]]:
        """Name and tensor, read in groups of bounded size, in the dtype they are written in."""
        known, specs = self.source.specs, self.specs()
        wanted = list(self.recipes) if names is None else list(names)
        sizes = {name: sum(known[taken].size for taken in self.recipes[name].takes) for name in wanted}
        for group in in_groups(wanted, sizes):
            read = self.source.read(dict.fromkeys(taken for name in group for taken in self.recipes[name].takes))
            for name in group:
                recipe = self.recipes[name]
                made = recipe.make(*(read[taken] for taken in recipe.takes))
                cast = made.to(specs[name].dtype).contiguous()
                if cast.dtype is torch.float16 and not bool(torch.isfinite(cast).all()):
                    raise InputError(
                        f"{self.folder}: {name}",
                        "it holds numbers beyond float16",
                        next_step="Write it as bf16 or fp32.",
                    )
                yield name, cast
                del made
            del read  # or two groups are held while the next is read

    def _dtype(self, name: str) -> torch.dtype:
        if self.dtype is None:
            return self.source.specs[self.recipes[name].takes[0]].dtype
        return torch.float32 if self.keeps_float32 & set(name.split(".")) else self.dtype
