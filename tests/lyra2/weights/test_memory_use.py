"""Converting takes no more memory than a part of one output file, whatever format the source is in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lyra_sim_lyra2.weights.names import published_name
from lyra_sim_lyra2.weights.random_folder import RandomTensors
from lyra_sim_lyra2.weights.shards import write_safetensors
from lyra_sim_lyra2.weights.tensor_files import open_tensors
from lyra_sim_lyra2.weights.tensor_source import TensorSpec
from lyra_sim_lyra2.weights.transformer import needed_shapes
from tests.lyra2.weights.published import CONFIG, as_published, native_state, write_distributed, write_single, write_torch

SHARD_GB = 0.1
LARGER = {**CONFIG, "num_attention_heads": 4, "added_kv_proj_dim": 512, "ffn_dim": 2048, "num_layers": 8, "slots": 1}
"""Some 60 million parameters."""
PROGRAM = """
import json, sys
from pathlib import Path
from lyra_sim_lyra2.weights.convert import convert

def memory(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

small, shard_gb, *sources = sys.argv[1:]
convert(Path(small), Path(small + ".made"), accepted=["lyra2"])
for source in sources:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = memory("VmRSS")
    convert(Path(source), Path(source + ".made"), shard_gb=float(shard_gb), accepted=["lyra2"], heads=4)
    print(json.dumps({Path(source).name: memory("VmHWM") - before}))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are counted by Linux")
def test_the_peak_is_below_two_shards(tmp_path) -> None:
    shapes = {f"net.{published_name(name)}": shape for name, shape in needed_shapes(LARGER).items()}
    source = RandomTensors({name: TensorSpec(shape, torch.float32) for name, shape in shapes.items()}, seed=1)
    single = tmp_path / "single.safetensors"
    facts = write_safetensors(single, source.specs, ((name, source.read([name])[name]) for name in shapes))
    assert facts["size"] > 200e6
    stored = open_tensors(single)
    whole = stored.read(stored.specs)
    sources = [single, write_distributed(tmp_path / "distributed", whole), write_torch(tmp_path / "torch", whole)]
    small = write_single(tmp_path / "small", as_published(native_state()))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, small, str(SHARD_GB), *sources], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    peaks = {name: peak for line in done.stdout.splitlines() for name, peak in json.loads(line).items()}
    assert len(peaks) == 3
    shards = sorted((tmp_path / "single.safetensors.made" / "transformer").glob("*.safetensors"))
    largest = max(shard.stat().st_size for shard in shards)
    assert len(shards) > 1 and largest <= SHARD_GB * 1e9
    assert max(peaks.values()) < 2 * largest, peaks
    made = [open_tensors(tmp_path / f"{source.name}.made" / "transformer") for source in sources]
    for name in ("blocks.7.attn1.to_q.weight", "clean_patch_embeddings.3.weight"):
        wanted = whole[f"net.{published_name(name)}"].bfloat16()
        assert all(torch.equal(folder.read([name])[name], wanted) for folder in made)
    print(peaks)
