"""The few file formats every data type is made of: strict JSON, plain npz, PNG."""

import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lyra_sim.errors import InputError, StoreError

Facts = TypeVar("Facts")
"""A dataclass of plain values."""


def write_json(path: Path, value: Any) -> None:
    """Sorted, indented, NaN-free JSON, so that equal values give equal bytes."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Parse a JSON file; one clear error if it is absent or broken.

    Raises:
        InputError: It is one of these.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected="a JSON file") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(str(path), f"not JSON ({error})", likely="The file is truncated or of another type.") from error


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """An npz of plain arrays; member timestamps are fixed by numpy, so equal arrays give equal bytes."""
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path, *, max_bytes: int = 8 << 30) -> dict[str, np.ndarray]:
    """Read an npz without pickle, refusing one that would unpack to more than ``max_bytes``.

    Raises:
        InputError: It is missing, holds something else, or would unpack to more.
    """
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > max_bytes:
            raise InputError(str(path), f"it unpacks to {size / 1e9:.1f} GB", expected=f"at most {max_bytes / 1e9:.1f} GB")
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError as error:
        raise InputError(str(path), "the file is missing", expected="an npz file") from error
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise InputError(
            str(path),
            f"not a readable npz of plain arrays ({error})",
            likely="The file is truncated, or holds pickled objects, which are never loaded.",
        ) from error


def to_row(facts: Any, *, optional: Collection[str] = ()) -> dict[str, Any]:
    """A dataclass of plain values as the JSON object it is stored as; ``optional`` fields are left out where they are None."""
    return {name: value for name, value in asdict(facts).items() if value is not None or name not in optional}


def from_row(kind: type[Facts], row: Mapping[str, Any]) -> Facts:
    """The dataclass a JSON object was written from; lists become tuples.

    Raises:
        StoreError: It has a field that isn't known, or lacks one that has no default.
    """
    declared = fields(kind)  # type: ignore[arg-type]  # typeshed's bound can't be resolved at run time
    known = {field.name for field in declared}
    needed = {field.name for field in declared if field.default is MISSING and field.default_factory is MISSING}
    if (strange := sorted(row.keys() - known)) or (absent := sorted(needed - row.keys())):
        raise StoreError(
            kind.__name__,
            f"unknown field {strange[0]}" if strange else f"no field {absent[0]}",
            expected=", ".join(sorted(known)),
            likely="Another version of lyra-sim wrote it.",
            next_step="Build this step again.",
        )
    return kind(**{name: _frozen(value) for name, value in row.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
