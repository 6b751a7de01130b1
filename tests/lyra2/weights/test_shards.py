"""What is written tensor by tensor is what safetensors itself reads."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lyra_sim_lyra2.weights.network_part import NetworkPart, taken
from lyra_sim_lyra2.weights.random_folder import RandomTensors
from lyra_sim_lyra2.weights.shards import write_network, write_safetensors
from lyra_sim_lyra2.weights.tensor_source import TensorSpec, in_groups


def offsets(file: Path) -> dict[str, tuple[str, list[int]]]:
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    header.pop("__metadata__")
    return {name: (entry["dtype"], entry["data_offsets"]) for name, entry in header.items()}


def test_numbers_of_every_width_stay_aligned(tmp_path) -> None:
    widths = [torch.bfloat16, torch.float32, torch.float8_e4m3fn, torch.float64, torch.float16]
    specs = {f"w{number}": TensorSpec((3, 1 + 2 * number), width) for number, width in enumerate(widths)}
    source = RandomTensors(specs, seed=0)
    shapes = {name: spec.shape for name, spec in specs.items()}
    recipes = {name: taken(name, shape) for name, shape in shapes.items()}
    part = NetworkPart(folder="n", stem="m", config={"a": 1}, source=source, recipes=recipes, shapes=shapes)
    facts = write_network(tmp_path, part, shard_bytes=1 << 20)
    file = tmp_path / "n" / "m.safetensors"
    assert facts["n/m.safetensors"]["size"] == file.stat().st_size
    sizes = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1}
    assert all(start % sizes[kind] == 0 for kind, (start, _) in offsets(file).values())
    assert (8 + int.from_bytes(file.read_bytes()[:8], "little")) % 8 == 0
    read, drawn = load_file(file), source.read(specs)
    assert all(torch.equal(read[name].double(), drawn[name].double()) for name in specs)
    assert json.loads((tmp_path / "n" / "config.json").read_text()) == {"a": 1}


def test_a_scalar_and_nothing_at_all_are_written_too(tmp_path) -> None:
    tensors = {"scalar": torch.tensor(1.5), "empty": torch.zeros(0, 3)}
    specs = {name: TensorSpec(tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    write_safetensors(tmp_path / "s.safetensors", specs, iter(tensors.items()))
    read = load_file(tmp_path / "s.safetensors")
    assert read["scalar"] == 1.5 and read["empty"].shape == (0, 3)


def test_another_tensor_than_announced_is_never_written(tmp_path) -> None:
    spec = {"a": TensorSpec((2,), torch.float32)}
    with pytest.raises(AssertionError, match="where a"):
        write_safetensors(tmp_path / "s.safetensors", spec, iter([("b", torch.zeros(2))]))
    with pytest.raises(ValueError, match=r"zip\(\)"):
        write_safetensors(tmp_path / "s.safetensors", spec, iter([]))


def test_groups_keep_order_and_limit() -> None:
    sizes = {"a": 3, "b": 3, "c": 9, "d": 1, "e": 6, "f": 1}
    assert list(in_groups(list(sizes), sizes, 7)) == [["a", "b"], ["c"], ["d", "e"], ["f"]]
    assert list(in_groups([], {}, 7)) == []
