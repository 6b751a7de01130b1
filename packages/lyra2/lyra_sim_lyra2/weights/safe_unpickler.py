"""The one place that reads pickles, because torch's checkpoints are made of them: only names on a list are ever looked up.

A pickle is a program. What it may call is decided by ``find_class``; with plain data classes on the list and nothing else,
it can build those and no more.
"""

import pickle  # noqa: TID251 (torch keeps the table of contents of a distributed checkpoint as one)
from pathlib import Path, PurePosixPath
from typing import Any

from lyra_sim.errors import InputError

UnpicklingError = pickle.UnpicklingError

_PLAIN = {
    "torch.distributed.checkpoint.metadata": (
        "Metadata",
        "StorageMeta",
        "TensorStorageMetadata",
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "TensorProperties",
        "MetadataIndex",
        "_MEM_FORMAT_ENCODING",
    ),
    "torch.distributed.checkpoint.filesystem": ("_StorageInfo",),
    "torch.serialization": ("_get_layout",),
    "torch": (
        "Size",
        *("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"),
        *("int64", "int32", "int16", "int8", "uint8", "bool"),
    ),
    "collections": ("OrderedDict",),
}
_PATHS = ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "Path")


class _ListedOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in ("pathlib", "pathlib._local") and name in _PATHS:
            return PurePosixPath
        if name in _PLAIN.get(module, ()):
            return super().find_class(module, name)
        raise UnpicklingError(f"it asks for {module}.{name}")


def read_listed(path: Path) -> Any:
    """The object in a pickle that is made of checkpoint metadata and nothing else.

    Raises:
        InputError: It asks for anything that isn't on the list, or is damaged.
    """
    try:
        with path.open("rb") as stream:
            return _ListedOnly(stream).load()
    except UnpicklingError as error:
        raise InputError(
            str(path),
            f"it can't be read safely ({error})",
            expected="the table of contents that torch.distributed.checkpoint writes",
            likely="It is damaged, or made to run code; nothing in it was run.",
        ) from error
    except Exception as error:
        raise InputError(
            str(path), f"it is damaged ({error})", expected="the table of contents of a torch distributed checkpoint"
        ) from error
