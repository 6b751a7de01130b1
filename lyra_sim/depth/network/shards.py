"""Named tensors in numbered safetensors files of a bounded size."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from lyra_sim.errors import InputError

SUFFIX = ".safetensors"


def write_shards(folder: Path, stem: str, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any], *, limit: int) -> None:
    """Write ``stem-1-of-n.safetensors`` …, tensors in the order of their names.

    Args:
        folder: Where; made if it isn't there. Older shards of the same stem go.
        stem: What the files' names begin with.
        tensors: By name.
        facts: Anything JSON holds; every file carries it.
        limit: Bytes of tensors a file at the most, unless one tensor alone is larger.
    """
    parts: list[dict[str, torch.Tensor]] = [{}]
    filled = 0
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        size = value.numel() * value.element_size()
        if parts[-1] and filled + size > limit:
            parts.append({})
            filled = 0
        parts[-1][name] = value
        filled += size
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{stem}-*-of-*{SUFFIX}"):
        old.unlink()
    for number, part in enumerate(parts, 1):
        save_file(part, folder / f"{stem}-{number}-of-{len(parts)}{SUFFIX}", {"facts": json.dumps(dict(facts), sort_keys=True)})


def read_shards(folder: Path, stem: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What :func:`write_shards` wrote.

    Raises:
        InputError: Files are missing or damaged.
    """
    files = sorted(folder.glob(f"{stem}-*-of-*{SUFFIX}"))
    if not files or len(files) != int(files[0].stem.rpartition("-")[2]):
        raise InputError(str(folder), f"{len(files)} files of '{stem}'", expected="all of them", likely="A copy was cut short.")
    tensors: dict[str, torch.Tensor] = {}
    facts: dict[str, Any] = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                facts = json.loads(opened.metadata()["facts"])
                tensors |= {name: opened.get_tensor(name) for name in opened.keys()}
        except (SafetensorError, KeyError, TypeError) as error:
            raise InputError(str(file), f"it can't be read: {error}", likely="The file is damaged.") from error
    return tensors, facts
