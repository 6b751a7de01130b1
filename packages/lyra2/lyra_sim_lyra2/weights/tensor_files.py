"""Opens whatever weights are kept in: safetensors, alone or sharded, torch's own files, torch's distributed checkpoints."""

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path, PurePath

import torch
from safetensors import SafetensorError, safe_open

from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.distributed_checkpoint import METADATA, DistributedCheckpoint
from lyra_sim_lyra2.weights.tensor_source import TensorSource, TensorSpec
from lyra_sim_lyra2.weights.torch_file import TorchFile

INDEX_SUFFIX = ".safetensors.index.json"
FORMATS = "a .safetensors file, a folder of them with an index, a .pth or .pt file, or a torch distributed checkpoint"
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def open_tensors(path: Path) -> TensorSource:
    """What stands at ``path``, by its looks.

    Raises:
        InputError: Nothing does, or nothing that holds weights, or it is damaged.
    """
    if path.is_dir():
        if (path / METADATA).is_file():
            return DistributedCheckpoint(path)
        return _folder(path)
    if not path.exists():
        raise InputError(str(path), "no such file or folder", expected=FORMATS)
    if path.suffix in (".pth", ".pt", ".bin", ".ckpt"):
        return TorchFile(path)
    if path.name.endswith(INDEX_SUFFIX):
        return _indexed(path)
    if path.suffix == ".safetensors":
        return SafetensorsFiles(path, (path,))
    raise InputError(str(path), f"a file of type {path.suffix or '(none)'}", expected=FORMATS)


class SafetensorsFiles(TensorSource):
    """One safetensors file or several that make up one model."""

    kind = "safetensors"

    def __init__(self, path: Path, files: tuple[Path, ...], promised: Mapping[str, str] | None = None) -> None:
        """``promised``: which file the index says a tensor is in."""
        self.path, self._files = path, files
        self._places: dict[str, Path] = {}
        self._specs: dict[str, TensorSpec] = {}
        for file in files:
            self._open(file)
        astray = [name for name, file in (promised or {}).items() if self._places.get(name) != path / file]
        if astray:
            raise InputError(
                str(path),
                f"{len(astray)} tensors of its index are not in the files it names, {astray[0]} first",
                likely="Files of two downloads are mixed, or one of them was cut short.",
            )

    def _open(self, file: Path) -> None:
        try:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():
                    part = opened.get_slice(name)
                    if part.get_dtype() not in _DTYPES:
                        raise InputError(str(file), f"{name} is of type {part.get_dtype()}", expected=", ".join(_DTYPES))
                    if name in self._places:
                        raise InputError(
                            str(file), f"{name} stands in {self._places[name].name} too", expected="every name once"
                        )
                    self._places[name] = file
                    self._specs[name] = TensorSpec(tuple(part.get_shape()), _DTYPES[part.get_dtype()])
        except (SafetensorError, OSError) as error:
            raise _unreadable(file, error) from error

    @property
    def files(self) -> tuple[Path, ...]:
        return self._files

    @property
    def specs(self) -> Mapping[str, TensorSpec]:
        return self._specs

    @cached_property
    def stated(self) -> Mapping[str, str]:
        with safe_open(self._files[0], framework="pt") as opened:
            return dict(opened.metadata() or {})

    def read(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = {}
        for file in dict.fromkeys(self._places[name] for name in names):
            try:
                # Opened anew each time: pages of a file that stays mapped count as memory in use.
                with safe_open(file, framework="pt") as opened:
                    found.update({name: opened.get_tensor(name) for name in names if self._places[name] == file})
            except (SafetensorError, OSError) as error:
                raise _unreadable(file, error) from error
        return found


def _folder(path: Path) -> TensorSource:
    indices = sorted(path.glob(f"*{INDEX_SUFFIX}"))
    if len(indices) == 1:
        return _indexed(indices[0])
    files = sorted(path.glob("*.safetensors"))
    if len(files) == 1 and not indices:
        return SafetensorsFiles(path, (files[0],))
    if not files and not indices:
        raise InputError(str(path), "it holds no weights", expected=FORMATS)
    raise InputError(
        str(path),
        f"{len(files)} safetensors files and {len(indices)} indices",
        expected="one file, or one index that says which file holds what",
        next_step="Name the file, or the index.",
    )


def _indexed(index: Path) -> SafetensorsFiles:
    stored = read_json(index)
    places = stored.get("weight_map") if isinstance(stored, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(file, str) for file in places.values()):
        raise InputError(str(index), "it has no weight_map", expected="names of tensors and of the files they are in")
    names = sorted(set(places.values()))
    strange = [name for name in names if PurePath(name).name != name]
    if strange:
        raise InputError(str(index), f"it points to {strange[0]}", expected="names of files beside it")
    absent = [name for name in names if not (index.parent / name).is_file()]
    if absent:
        raise InputError(
            str(index),
            f"{len(absent)} of the {len(names)} files it names are missing, {absent[0]} first",
            likely="A download was cut short.",
            next_step="Download the missing files into this folder.",
        )
    return SafetensorsFiles(index.parent, tuple(index.parent / name for name in names), places)


def _unreadable(file: Path, error: Exception) -> InputError:
    return InputError(
        str(file),
        f"it can't be read as safetensors ({error})",
        likely="It was cut short, or is of another type.",
        next_step="Download it again.",
    )
