"""Files that are cut short, garbled, or made to run code: one clear error each, and nothing of them is run."""

import json
import os
import pickle  # noqa: TID251 (to make what must be refused)
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from lyra_sim.errors import InputError, LyraSimError
from lyra_sim_lyra2.weights.convert import convert, read_negative_prompt
from lyra_sim_lyra2.weights.transformer import open_transformer
from tests.lyra2.weights.published import WRITERS, as_published, native_state, write_distributed, write_sharded


class Runs:
    """Touches a file when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_torch_file_that_runs_code_is_refused(zipped, tmp_path) -> None:
    torch.save(
        {"net.patch_embedding.weight": Runs(tmp_path / "ran")}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped
    )
    for call in (open_transformer, read_negative_prompt, lambda file: convert(file, tmp_path / "made", accepted=["lyra2"])):
        with pytest.raises(InputError, match="would run code when loaded"):
            call(tmp_path / "w.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pth"]


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_table_of_contents_that_runs_code_is_refused(protocol, tmp_path) -> None:
    folder = write_distributed(tmp_path / "w", as_published(native_state()))
    (folder / ".metadata").write_bytes(pickle.dumps(Runs(tmp_path / "ran"), protocol))
    with pytest.raises(InputError, match=r"it asks for \w+\.mkdir"):
        open_transformer(folder)
    assert not (tmp_path / "ran").exists()


def test_names_behind_listed_ones_are_not_reached(tmp_path) -> None:
    folder = write_distributed(tmp_path / "w", as_published(native_state()))
    for asked in ("Size.__init__.__globals__", "load"):
        (folder / ".metadata").write_bytes(b"\x80\x04\x8c\x05torch\x8c" + bytes([len(asked)]) + asked.encode() + b"\x93.")
        with pytest.raises(InputError, match=r"it asks for torch\."):
            open_transformer(folder)


def test_a_table_of_contents_does_not_lead_elsewhere(tmp_path) -> None:
    folder = write_distributed(tmp_path / "w", as_published(native_state()))
    contents = pickle.loads((folder / ".metadata").read_bytes())
    shutil.move(folder / "__0_0.distcp", tmp_path / "outside")
    for info in contents.storage_data.values():
        info.relative_path = "../outside"
    (folder / ".metadata").write_bytes(pickle.dumps(contents))
    with pytest.raises(InputError, match=r"it points to \.\./outside"):
        open_transformer(folder)
    for info in contents.storage_data.values():
        info.relative_path = "__0_0.distcp"
    (folder / ".metadata").write_bytes(pickle.dumps(contents))
    with pytest.raises(InputError, match="1 of the 1 files it is made of are missing"):
        open_transformer(folder)


def test_an_index_that_names_what_is_not_there(tmp_path) -> None:
    folder = write_sharded(tmp_path / "w", as_published(native_state()))
    index = folder / "part.safetensors.index.json"
    stored = json.loads(index.read_text())
    (folder / "part-1.safetensors").rename(folder / "elsewhere")
    with pytest.raises(InputError, match=r"1 of the 3 files it names are missing, part-1\.safetensors first"):
        open_transformer(folder)
    (folder / "elsewhere").rename(folder / "part-1.safetensors")
    for changed, message in (
        ({name: "../w/part-0.safetensors" for name in stored["weight_map"]}, "it points to"),
        ({**stored["weight_map"], "net.patch_embedding.bias": "part-0.safetensors"}, "not in the files it names"),
        ({**stored["weight_map"], "net.more": "part-0.safetensors"}, "1 tensors of its index are not in"),
        ({}, "no weight_map"),
        ([], "no weight_map"),
        ({"net.patch_embedding.bias": 3}, "no weight_map"),
    ):
        index.write_text(json.dumps({"weight_map": changed}))
        with pytest.raises(InputError, match=message):
            open_transformer(folder)
    index.write_text('{"weight_map": ')
    with pytest.raises(InputError, match="not JSON"):
        open_transformer(folder)


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_files_are_told_as_such(kind, tmp_path) -> None:
    """Cut short, or with bytes changed: read as they are, or refused; never anything else."""
    state = as_published(native_state())
    path = WRITERS[kind](tmp_path / "w", state)
    files = [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    rng = np.random.default_rng(3)
    refused = 0
    for file in sorted(files):
        whole = file.read_bytes()
        cuts = [0, 5, 40, len(whole) // 2, len(whole) - 1]
        damaged = [whole[:cut] for cut in cuts]
        for _ in range(8):
            garbled = bytearray(whole)
            for place in rng.integers(0, min(len(whole), 3000), size=4):
                garbled[place] = rng.integers(0, 256)
            damaged.append(bytes(garbled))
        for content in damaged:
            file.write_bytes(content)
            try:
                for _ in open_transformer(path).part.tensors():
                    pass
            except LyraSimError:
                refused += 1
        file.write_bytes(whole)
    assert refused >= 4 * len(files)
    assert open_transformer(path).memory_trained


@pytest.mark.parametrize(
    "stored",
    [
        {"other": torch.zeros(3)},
        {"t5_text_embeddings": "text"},
        torch.zeros(3),
        [],
        {"t5_text_embeddings": torch.zeros(2, 3, 4)},
    ],
)
def test_what_is_no_negative_prompt(stored, tmp_path) -> None:
    torch.save(stored, tmp_path / "n.pt")
    with pytest.raises(InputError, match="no text embedding"):
        read_negative_prompt(tmp_path / "n.pt")
