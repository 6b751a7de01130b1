"""``lyra-sim verify memory``: beside the published network's vectors, and beside vectors worked out on paper."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.verify.verify_memory import TOLERANCE, strided_mean, verify_memory
from tests.conftest import reference_file
from tests.lyra2.vectors import write_vectors

PUBLISHED = reference_file("lyra2", "memory.safetensors")


def test_the_published_network_is_met() -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the published network's vectors aren't beside this checkout")
    comparison = verify_memory(PUBLISHED)
    assert comparison.found == comparison.expected == (24, 0, 16, 8)
    assert comparison.agrees and max(comparison.differences.values()) <= TOLERANCE / 2


@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 64), (48, 128)])
def test_vectors_worked_out_on_paper_are_met(height: int, width: int, tmp_path: Path) -> None:
    write_vectors(tmp_path / "v.safetensors", height=height, width=width)
    comparison = verify_memory(tmp_path / "v.safetensors")
    assert comparison.found == comparison.expected == (0,)
    assert comparison.differences == {name: pytest.approx(0, abs=5e-4) for name in comparison.differences}
    assert comparison.agrees and len(comparison.lines()) == 6


@pytest.mark.parametrize("output", ["latents", "condition", "mask", "correspondence"])
def test_one_number_off_is_told(output: str, tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    write_vectors(path, height=32, width=64)
    recorded = load_file(path)[f"output.{output}"]
    recorded[0, -1, -1, 1, 2] += 0.01
    write_vectors(path, height=32, width=64, **{f"output__{output}": recorded})
    comparison = verify_memory(path)
    assert not comparison.agrees and comparison.differences[output] == pytest.approx(0.01, rel=0.1)
    assert sum(value > TOLERANCE for value in comparison.differences.values()) == 1


def test_outputs_of_another_shape_differ_without_end(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    write_vectors(path, height=32, width=64, output__mask=np.ones((1, 4, 28, 4, 8), np.float32))
    assert verify_memory(path).differences["mask"] == float("inf")


def test_other_frames_than_recorded_are_told(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    write_vectors(path, height=32, width=64)
    rewrite(path, retrieved=json.dumps([[0, 0], [8, 8]]))
    comparison = verify_memory(path)
    assert (comparison.expected, comparison.found, comparison.agrees) == ((0, 8), (0,), False)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"image_hw": "broad"}, "metadata image_hw is 'broad'"),
        ({"history_frames": "[]"}, "don't fit together"),
        ({"cached_frames": "[0, 99]"}, r"frames 0 to 99 cached of 9 known"),
        ({"image_hw": "64,32"}, "contradict each other"),
    ],
)
def test_vectors_that_make_no_sense_are_refused(stated: dict[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    write_vectors(path, height=32, width=64)
    rewrite(path, **stated)
    with pytest.raises(SpecError, match=message):
        verify_memory(path)


def test_what_is_no_vector_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        verify_memory(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(SpecError, match="can't be read as safetensors"):
        verify_memory(tmp_path / "text")
    save_file({"net.weight": np.zeros(3)}, tmp_path / "other")
    with pytest.raises(SpecError, match=r"lacks input\.depth"):
        verify_memory(tmp_path / "other")


def test_the_stand_in_for_the_vae() -> None:
    video = np.zeros((3, 9, 16, 8), np.float32)
    video[1, 4, :8] = 1
    video[1, 5:8] = 7
    latents = strided_mean(torch.from_numpy(video)).numpy()
    assert latents.shape == (16, 3, 2, 1)
    assert np.flatnonzero(latents[:, 1, 0, 0]).tolist() == [1, 4, 7, 10, 13] and latents.sum() == 5


def rewrite(path: Path, **stated: str) -> None:
    """Other metadata, the same tensors."""
    kept = {"retrieved": "[[0, 0]]", "cached_frames": "[0, 8]", "history_frames": "9", "new_latents": "2", "image_hw": "32,64"}
    save_file(load_file(path), path, metadata={**kept, **stated})
