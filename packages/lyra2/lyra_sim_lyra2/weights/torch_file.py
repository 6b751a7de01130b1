"""Files that ``torch.save`` wrote (.pth, .pt), read without running what a pickle may ask for."""

import zipfile
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.safe_unpickler import UnpicklingError
from lyra_sim_lyra2.weights.tensor_source import TensorSource, TensorSpec

_WRAPPERS = ("state_dict", "model_state_dict", "module", "model")
"""Keys under which trainers put the tensors themselves."""


class TorchFile(TensorSource):
    """One file; its tensors are mapped, not loaded, where the file's age allows (torch 1.6 and later)."""

    kind = "torch file"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._specs = {name: TensorSpec(tuple(t.shape), t.dtype) for name, t in self._tensors().items()}

    @property
    def specs(self) -> Mapping[str, TensorSpec]:
        return self._specs

    def read(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        # Loaded anew each time: pages of a file that stays mapped count as memory in use.
        tensors = self._old if "_old" in self.__dict__ else self._tensors()
        return {name: tensors[name] for name in names}

    @cached_property
    def _old(self) -> dict[str, torch.Tensor]:
        """Of the format before zip, which can't be mapped: all of it, once."""
        return _flat(self.path, read_torch_file(self.path))

    def _tensors(self) -> dict[str, torch.Tensor]:
        return _flat(self.path, read_torch_file(self.path)) if zipfile.is_zipfile(self.path) else self._old


def read_torch_file(path: Path) -> Any:
    """What the file holds: tensors and plain containers, and never anything that runs.

    Raises:
        InputError: There is more in it than that, or it is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except UnpicklingError as error:
        raise InputError(
            str(path),
            "it holds more than tensors: Python objects that would run code when loaded",
            expected="a file that torch.load(weights_only=True) reads",
            likely="It is a whole training state, or not what its name says; nothing in it was run.",
            next_step="Get the file as safetensors, or save its tensors alone.",
        ) from error
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            str(path),
            f"it can't be read ({first})",
            likely="It was cut short, or is of another type.",
            next_step="Download it again.",
        ) from error


def _flat(path: Path, stored: Any) -> dict[str, torch.Tensor]:
    while isinstance(stored, dict):
        inner = next((stored[key] for key in _WRAPPERS if isinstance(stored.get(key), dict)), None)
        if inner is None:
            break
        stored = inner
    tensors = {
        name: value for name, value in (stored.items() if isinstance(stored, dict) else ())
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }  # fmt: skip
    if not tensors:
        raise InputError(str(path), "it holds no named tensors", expected="a state dict")
    return tensors
