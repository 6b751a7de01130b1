"""The adapter with a real, tiny, random network of transformers, against that network called by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lyra_sim.depth.providers.chunk import depth_of_chunk
from lyra_sim.depth.providers.provider import LEARNED_CONFIDENCE, ProviderOptions
from lyra_sim.errors import EnvironmentNotReady, GeometryError, InputError
from lyra_sim.plugins import load_plugin
from lyra_sim_lyra2.transformers_depth import TransformersDepth, _Images
from tests.depth.providers.known_room import walk
from tests.lyra2.tiny_network import IMAGES, write_tiny_network

ROOM = walk(4, width=70, height=70)
FRAMES, TRUTH = ROOM.rendered


@pytest.fixture(scope="module")
def metric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_network(tmp_path_factory.mktemp("metric"))


@pytest.fixture(scope="module")
def relative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_network(tmp_path_factory.mktemp("relative"), kind="relative")


def by_hand(folder: Path, frames: np.ndarray) -> np.ndarray:
    """What the network says of frames that need no resizing."""
    from transformers import AutoModelForDepthEstimation

    network = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    pixels = (frames / 255 - IMAGES["image_mean"]) / IMAGES["image_std"]
    with torch.no_grad():
        return network(pixel_values=torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).predicted_depth.numpy()


def test_metric_depth_is_what_the_network_says(metric: Path) -> None:
    expected = by_hand(metric, FRAMES)
    assert expected.std() > 0.05, "the random network tells something"
    found = TransformersDepth(ProviderOptions(weights=metric, device="cpu", batch=3)).estimate(FRAMES, None)
    assert found.scale == "metric" and found.cameras is None
    np.testing.assert_allclose(found.z_depth, expected, rtol=1e-4)
    assert (found.confidence == np.float32(LEARNED_CONFIDENCE)).all()


def test_relative_depth_is_inverse(relative: Path) -> None:
    expected = by_hand(relative, FRAMES)
    found = TransformersDepth(ProviderOptions(weights=relative, device="cpu")).estimate(FRAMES, None)
    assert found.scale == "per_frame_inverse"
    told = expected > 1e-3 * expected.max(axis=(1, 2), keepdims=True)
    assert told.mean() > 0.3
    np.testing.assert_allclose(found.z_depth[told], 1 / expected[told], rtol=1e-3)


def test_relative_depth_gets_factor_and_shift_from_what_is_known(relative: Path) -> None:
    """Known depth that is the network's own, with a factor and shift for each frame, over half of each frame."""
    inverse = by_hand(relative, FRAMES)
    factor, shift = np.array([0.5, 1.0, 0.7, 2.0])[:, None, None], np.array([0.1, 0.3, 0.2, 0.15])[:, None, None]
    true = (1 / (factor * inverse + shift)).astype(np.float32)
    known = true.copy()
    known[:, :, 35:] = np.nan
    provider = TransformersDepth(ProviderOptions(weights=relative, device="cpu"))
    chunk = depth_of_chunk(provider, FRAMES, ROOM.cameras, every=1, known=lambda views: known)
    assert chunk.in_scale and np.isfinite(chunk.z_depth).mean() > 0.9
    there = np.isfinite(chunk.z_depth)
    np.testing.assert_allclose(chunk.z_depth[there], true[there], rtol=0.01)


def test_relative_depth_without_anything_known_is_refused(relative: Path) -> None:
    provider = TransformersDepth(ProviderOptions(weights=relative, device="cpu"))
    with pytest.raises(GeometryError, match=r"(?s)factor and shift of the inverse depth of their own.*a metric model"):
        depth_of_chunk(provider, FRAMES, ROOM.cameras)


@pytest.mark.parametrize(
    ("frames", "side", "wanted"),
    [((480, 832), None, (70, 126)), ((832, 480), None, (126, 70)), ((480, 832), 140, (140, 238)), ((70, 70), None, (70, 70))],
)
def test_images_keep_their_aspect_in_whole_patches(
    frames: tuple[int, int], side: int | None, wanted: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "images.json"
    path.write_text(json.dumps(IMAGES), encoding="utf-8")
    assert _Images.read(path).size_of(*frames, side) == wanted


def test_a_network_in_pieces_is_refused(metric: Path, tmp_path: Path) -> None:
    for file in metric.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["head.conv2.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"1 weights are missing in the folder .*head\.conv2\.weight"):
        load_plugin("frame_depth", "transformers")(ProviderOptions(weights=tmp_path, device="cpu"))


def test_a_network_whose_numbers_mean_something_else_is_refused(metric: Path, tmp_path: Path) -> None:
    for file in metric.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "depth_pro"}), encoding="utf-8")
    with pytest.raises(InputError, match="a network of type depth_pro"):
        load_plugin("frame_depth", "transformers")(ProviderOptions(weights=tmp_path, device="cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_no_device_is_swapped_for_another(metric: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="no cuda here"):
        TransformersDepth(ProviderOptions(weights=metric, device="cuda"))


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "off"), [("float32", 2e-3), ("auto", 0.02)])
def test_a_gpu_tells_the_same_and_repeats_itself(metric: Path, dtype: str, off: float) -> None:
    expected = TransformersDepth(ProviderOptions(weights=metric, device="cpu")).estimate(FRAMES, None).z_depth
    provider = TransformersDepth(ProviderOptions(weights=metric, device="cuda", dtype=dtype))
    found = provider.estimate(FRAMES, None).z_depth
    assert np.quantile(np.abs(found / expected - 1), 0.99) < off
    np.testing.assert_array_equal(provider.estimate(FRAMES, None).z_depth, found)
