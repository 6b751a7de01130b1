"""Writes safetensors one tensor at a time: sizes are known beforehand, so the header can go first and nothing is kept.

The library's own writer takes a file's tensors all at once, and copies them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from lyra_sim.data.files import write_json
from lyra_sim_lyra2.weights.network_part import NetworkPart
from lyra_sim_lyra2.weights.tensor_source import TensorSpec, in_groups

_CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
CONFIG = "config.json"


def write_network(root: Path, part: NetworkPart, *, shard_bytes: int) -> dict[str, dict[str, Any]]:
    """Write a network's config and its tensors, in as many files as it takes, named as diffusers and transformers look for.

    Returns:
        SHA-256 and size of every file written, by its path in ``root``.
    """
    folder = root / part.folder
    folder.mkdir(parents=True)
    write_json(folder / CONFIG, dict(part.config))
    specs = part.specs()
    shards = list(in_groups(list(specs), {name: spec.size for name, spec in specs.items()}, shard_bytes))
    facts, places = {}, {}
    for number, names in enumerate(shards, 1):
        mark = "" if len(shards) == 1 else f"-{number:05d}-of-{len(shards):05d}"
        file = folder / f"{part.stem}{mark}.safetensors"
        names = sorted(names, key=lambda name: -specs[name].dtype.itemsize)  # wide numbers first: all of them stay aligned
        places.update(dict.fromkeys(names, file.name))
        facts[f"{part.folder}/{file.name}"] = write_safetensors(
            file, {name: specs[name] for name in names}, part.tensors(names)
        )
    if len(shards) > 1:
        total = sum(spec.size for spec in specs.values())
        index = folder / f"{part.stem}.safetensors.index.json"
        write_json(index, {"metadata": {"total_size": total}, "weight_map": places})
        facts[f"{part.folder}/{index.name}"] = file_facts(index)
    facts[f"{part.folder}/{CONFIG}"] = file_facts(folder / CONFIG)
    return facts


def write_safetensors(
    file: Path, specs: Mapping[str, TensorSpec], tensors: Iterator[tuple[str, torch.Tensor]]
) -> dict[str, Any]:
    """One file, from tensors that come in the order of ``specs``; returns its SHA-256 and size."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, spec in specs.items():
        header[name] = {"dtype": _CODES[spec.dtype], "shape": list(spec.shape), "data_offsets": [end, end + spec.size]}
        end += spec.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with file.open("wb") as stream:
        for block in (len(text).to_bytes(8, "little"), text):
            stream.write(block)
            digest.update(block)
        for (name, tensor), (wanted, spec) in zip(tensors, specs.items(), strict=True):
            if name != wanted or TensorSpec(tuple(tensor.shape), tensor.dtype) != spec:
                raise AssertionError(f"{name} {tuple(tensor.shape)} {tensor.dtype} came where {wanted} {spec} was announced")
            data = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data
            stream.write(data)
            digest.update(data)
    return {"sha256": digest.hexdigest(), "size": 8 + len(text) + end}


def file_facts(file: Path) -> dict[str, Any]:
    """SHA-256 and size of a file, read in pieces."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"sha256": digest, "size": file.stat().st_size}
