"""The network beside the published one's numbers, and what must hold whatever its weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lyra_sim.errors import GeometryError, InputError, SpecError
from lyra_sim_lyra2.conditions.history_packing import LYRA2, LYRA2_NAME, HistoryPacking
from lyra_sim_lyra2.network import world_transformer as network_module
from lyra_sim_lyra2.network.packed_tokens import patches, pooled, rotary_angles, unpatched
from lyra_sim_lyra2.verify.verify_network import TOLERANCE, holds_a_network, network_difference
from tests.conftest import reference_file
from tests.lyra2.networks import HEIGHT, NEW, WIDTH, inputs, prepared, small_network

VECTORS = reference_file("lyra2", "dit.safetensors")
needs_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason="the published network's vectors aren't beside the project")


@needs_vectors
def test_velocity_is_the_published_networks() -> None:
    assert holds_a_network(VECTORS)
    assert network_difference(VECTORS) <= TOLERANCE


@needs_vectors
def test_a_changed_weight_is_found(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(VECTORS, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(VECTORS)
    tensors["net.blocks.1.cam_encoder.weight"] *= 1.05
    save_file(tensors, tmp_path / "changed.safetensors", metadata=metadata)
    assert network_difference(tmp_path / "changed.safetensors") > 10 * TOLERANCE


def test_vectors_of_nothing_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(InputError, match="no such file"):
        holds_a_network(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(SpecError, match="can't be read"):
        holds_a_network(tmp_path / "text.safetensors")
    save_file({"net.x": torch.zeros(1)}, tmp_path / "few.safetensors", metadata={"config": "{}"})
    with pytest.raises(SpecError, match=r"it lacks input\.latents_and_noise"):
        network_difference(tmp_path / "few.safetensors")


def test_parts_of_the_correspondence_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network()
    whole = prepared(network)
    monkeypatch.setattr(network_module, "TOKENS_TOGETHER", 3)
    parts = prepared(network)
    for one, other in zip(whole.blocks, parts.blocks, strict=True):
        assert torch.allclose(one.seen_before, other.seen_before, atol=1e-6)


def test_branches_do_not_touch_each_other() -> None:
    network = small_network()
    chunk = network.prepare(**inputs(network, branches=3))
    noisy = torch.randn(16, NEW, HEIGHT, WIDTH)
    together = network.velocity(noisy, 700.0, chunk)
    for number in range(3):
        alone = network.velocity(noisy, 700.0, chunk.branch(number))
        assert torch.allclose(alone[0], together[number], atol=1e-6)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


@pytest.mark.parametrize("given", ["latents", "condition_latents", "camera_maps", "correspondence", "text", "picture"])
def test_everything_given_matters(given: str) -> None:
    network = small_network()
    noisy = torch.randn(16, NEW, HEIGHT, WIDTH)
    before = network.velocity(noisy, 500.0, prepared(network))
    after = network.velocity(noisy, 500.0, prepared(network, **{given: inputs(network, seed=9)[given]}))
    assert (before - after).abs().max() > 1e-4


def test_correspondence_of_the_videos_own_past_is_left_out() -> None:
    network = small_network()
    noisy, own = torch.randn(16, NEW, HEIGHT, WIDTH), inputs(network)["correspondence"]
    past = torch.tensor([*(not spatial for spatial in network.packing.is_spatial), *[False] * NEW])
    own[:, past] = 7.0
    same = network.velocity(noisy, 500.0, prepared(network, correspondence=own))
    assert torch.equal(same, network.velocity(noisy, 500.0, prepared(network)))


def test_new_latents_in_the_history_input_are_not_read() -> None:
    network = small_network()
    latents = inputs(network)["latents"].clone()
    latents[:, -NEW:] = float("nan")
    chunk = prepared(network, latents=latents)
    assert torch.isfinite(network.velocity(torch.randn(16, NEW, HEIGHT, WIDTH), 10.0, chunk)).all()


def test_bfloat16_is_near_float32() -> None:
    network = small_network()
    noisy = torch.randn(16, NEW, HEIGHT, WIDTH)
    exact = network.velocity(noisy, 500.0, prepared(network))
    halved = small_network().to(torch.bfloat16)
    near = halved.velocity(noisy, 500.0, prepared(halved))
    assert near.dtype == torch.float32
    assert (near - exact).norm() < 0.03 * exact.norm()


def test_a_wrong_number_of_slots_is_one_clear_error() -> None:
    network = small_network(slots=2)
    with pytest.raises(GeometryError, match=r"correspondence of 256 channels \(expected 512"):
        prepared(network, correspondence=inputs(network)["correspondence"][:256])
    odd = {name: t[..., :5] if t.ndim == 4 else t for name, t in inputs(network).items()}
    with pytest.raises(GeometryError, match="sides in multiples of 2"):
        network.prepare(**odd)


def test_tokens_of_a_full_size_chunk() -> None:
    """Counted by the published code at 480 x 832."""
    tokens = sum(
        -(-segment.count // segment.kernel[0]) * -(-30 // segment.kernel[1]) * -(-52 // segment.kernel[2])
        for segment in LYRA2.segments
    )
    assert tokens + 20 * 30 * 52 == 38246


def test_patches_and_back() -> None:
    x = torch.randn(2, 16, 3, 4, 6)
    tokens = patches(x, (1, 2, 2)).unflatten(2, (16, 4)).transpose(2, 3).flatten(2)  # the output's order of features
    assert torch.equal(unpatched(tokens, 3, 2, 3), x)


def test_pooling_is_a_mean_and_fills_by_repeating() -> None:
    x = torch.arange(6.0).reshape(1, 1, 1, 2, 3)
    assert pooled(x, (1, 2, 2)).flatten().tolist() == [(0 + 1 + 3 + 4) / 4, (2 + 2 + 5 + 5) / 4]


def test_rotary_angles_grow_with_their_own_axis_alone() -> None:
    angles = rotary_angles(3, 4, 5, 24)[0]
    assert angles.shape == (12, 3, 4, 5)
    for features, axis in ((slice(0, 4), 1), (slice(4, 8), 2), (slice(8, 12), 3)):
        others = [a for a in (1, 2, 3) if a != axis]
        assert (angles[features].diff(dim=axis)[0] == 1).all()
        assert all((angles[features].diff(dim=other) == 0).all() for other in others)


@pytest.mark.parametrize("name", ["", "f1", "f1k1x", "k1f1", "f1k1 f2s2"])
def test_a_packing_that_is_none(name: str) -> None:
    with pytest.raises(GeometryError, match="history packing"):
        HistoryPacking.parse(name)


def test_the_published_packing() -> None:
    assert HistoryPacking.parse(LYRA2_NAME) == LYRA2 == replace(LYRA2)
    assert (LYRA2.count, LYRA2.spatial_count, LYRA2.temporal_count) == (25, 5, 20)
    assert [segment.kernel for segment in LYRA2.segments] == [
        (1, 1, 1),
        (1, 2, 2),
        (1, 1, 1),
        (4, 4, 4),
        (2, 2, 2),
        (1, 1, 1),
    ]
