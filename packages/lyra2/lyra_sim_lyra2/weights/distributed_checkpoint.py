"""Folders that ``torch.distributed.checkpoint`` wrote, as Lyra 2.0's network is published in, read by one process.

torch's reader unpickles the table of contents without limits; here that goes through :mod:`.safe_unpickler`. Its planner
would also unpickle entries that aren't tensors; those are never asked for.
"""

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path, PurePath
from typing import Any

import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load

from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.safe_unpickler import read_listed
from lyra_sim_lyra2.weights.tensor_source import TensorSource, TensorSpec

METADATA = ".metadata"


class _KnownContents(FileSystemReader):
    """torch's reader with the table of contents read already, once and safely."""

    def __init__(self, path: Path, contents: Metadata) -> None:
        super().__init__(path)
        self._contents = contents

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        return self._contents


class DistributedCheckpoint(TensorSource):
    """A folder with a table of contents and one or more files for every process that wrote it."""

    kind = "torch distributed checkpoint"

    def __init__(self, path: Path) -> None:
        self.path = path
        contents = read_listed(path / METADATA)
        try:
            tensors = {
                name: entry for name, entry in contents.state_dict_metadata.items() if isinstance(entry, TensorStorageMetadata)
            }
            self._specs = {
                name: TensorSpec(tuple(int(side) for side in entry.size), entry.properties.dtype)
                for name, entry in tensors.items()
            }
            places = {(index.fqn, tuple(index.offset or ())): info for index, info in contents.storage_data.items()}
            wanted = {str(places[name, tuple(c.offsets)].relative_path) for name, e in tensors.items() for c in e.chunks}
            gaps = [name for name, e in tensors.items() if sum(c.sizes.numel() for c in e.chunks) != e.size.numel()]
            contents.storage_meta = contents.storage_meta or StorageMeta()
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            raise InputError(
                str(path / METADATA), f"it contradicts itself ({error!r})", expected="a table of contents of tensors"
            ) from error
        if gaps:
            raise InputError(str(path / METADATA), f"{len(gaps)} tensors have parts that stand nowhere, {gaps[0]} first")
        if not self._specs:
            raise InputError(str(path), "a distributed checkpoint without tensors", expected="the weights of a network")
        strange = sorted(name for name in wanted if PurePath(name).name != name)
        if strange:
            raise InputError(str(path / METADATA), f"it points to {strange[0]}", expected="names of files beside it")
        absent = sorted(name for name in wanted if not (path / name).is_file())
        if absent:
            raise InputError(
                str(path),
                f"{len(absent)} of the {len(wanted)} files it is made of are missing, {absent[0]} first",
                likely="A download was cut short.",
                next_step="Download the missing files into this folder.",
            )
        self._contents = contents
        self._files = (path / METADATA, *(path / name for name in sorted(wanted)))

    @property
    def files(self) -> tuple[Path, ...]:
        return self._files

    @property
    def specs(self) -> Mapping[str, TensorSpec]:
        return self._specs

    def read(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        tensors: dict[str, torch.Tensor] = {}
        try:
            tensors = {name: _blank(self._specs[name]) for name in names}
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
                load(
                    tensors,
                    storage_reader=_KnownContents(self.path, self._contents),
                    planner=DefaultLoadPlanner(),
                    no_dist=True,
                )
            if unread := [name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.isnan().any()]:
                raise ValueError(f"{unread[0]} has parts that nothing was read into")
        except (CheckpointException, RuntimeError, OSError, EOFError, ValueError, AssertionError) as error:
            raise InputError(
                str(self.path),
                f"{next(iter(names))} or a tensor read with it is damaged",
                likely="A file was cut short, or files of two checkpoints are mixed.",
                next_step="Download the checkpoint again.",
            ) from error
        return tensors


def _blank(spec: TensorSpec) -> torch.Tensor:
    """To be read into; not a number wherever nothing is, as when two parts of a tensor claim the same place."""
    if spec.dtype.is_floating_point:
        return torch.full(spec.shape, float("nan"), dtype=spec.dtype)
    return torch.zeros(spec.shape, dtype=spec.dtype)
