"""Every format of weights gives the same network, and a file that holds another one is told which tensors are the matter."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.weights.names import native_name, published_name
from lyra_sim_lyra2.weights.transformer import load_transformer, needed_shapes, open_transformer
from tests.conftest import reference_file
from tests.lyra2.weights.published import (
    CONFIG,
    WRITERS,
    as_published,
    native_state,
    write_distributed,
    write_sharded,
    write_single,
    write_torch,
)

PUBLISHED = reference_file("lyra2", "dit.safetensors")


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("prefix", ["net.", "", "model.diffusion_model."])
def test_every_format_gives_the_same_network(writer, prefix, tmp_path) -> None:
    native = native_state()
    weights = open_transformer(writer(tmp_path / "w", as_published(native, prefix)))
    assert weights.memory_trained
    assert {name: weights.config[name] for name in CONFIG} == CONFIG
    read = dict(weights.part.tensors())
    assert list(read) == list(needed_shapes(CONFIG))
    for name, tensor in read.items():
        assert torch.equal(tensor, native[name]), name


def test_diffusers_names_are_read_as_they_are(tmp_path) -> None:
    native = native_state()
    unused = {"blocks.0.attn2.norm_added_q.weight": torch.ones(128)}
    weights = open_transformer(write_sharded(tmp_path / "w", {**native, **unused}))
    read = dict(weights.part.tensors())
    assert list(read) == list(native) and weights.ignored == tuple(unused)
    assert all(torch.equal(read[name], native[name]) for name in native)


@pytest.mark.parametrize("writer", [write_single, write_distributed, write_torch])
def test_the_published_vectors_are_read(writer, tmp_path) -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the published network's vectors aren't beside this checkout")
    recorded = {name: tensor for name, tensor in load_file(PUBLISHED).items() if name.startswith("net.")}
    network, weights = load_transformer(writer(tmp_path / "w", recorded), heads=2)
    assert weights.memory_trained and weights.config["slots"] == 1 and weights.config["attention_head_dim"] == 32
    for name, tensor in network.named_parameters():
        assert torch.equal(tensor, recorded["net." + published_name(name)].float().reshape(tensor.shape)), name


def test_the_vectors_say_themselves_how_many_heads_there_are() -> None:
    if not PUBLISHED.is_file():
        pytest.skip("the published network's vectors aren't beside this checkout")
    weights = open_transformer(PUBLISHED)
    assert weights.config["num_attention_heads"] == 2 and len(weights.ignored) == 7


def test_heads_that_nothing_tells_are_asked_for(tmp_path) -> None:
    config = {**CONFIG, "num_attention_heads": 2, "attention_head_dim": 32, "added_kv_proj_dim": 64}
    native = native_state(config)
    file = write_single(tmp_path / "w", as_published(native))
    with pytest.raises(SpecError, match="--heads"):
        open_transformer(file)
    assert open_transformer(file, heads=2).config["attention_head_dim"] == 32
    save_file(as_published(native), file, metadata={"config": '{"num_heads": 4}'})
    assert open_transformer(file).config["num_attention_heads"] == 4


def test_names_go_both_ways() -> None:
    for name in needed_shapes(CONFIG):
        assert native_name(published_name(name)) == name
        assert published_name(name) != name or name.startswith(("clean_patch", "patch_embedding"))
    assert published_name("blocks.7.attn1.camera_encoder.weight") == "blocks.7.cam_encoder.weight"
    assert native_name("blocks.11.norm3.bias") == "blocks.11.norm2.bias"
    assert native_name("head.modulation") == "scale_shift_table"
    assert native_name("something.else") == "something.else"


def test_plain_wan_starts_with_memory_that_adds_nothing(tmp_path) -> None:
    native = native_state()
    weights = open_transformer(write_single(tmp_path / "w", as_published(native, "", memory=False)))
    assert not weights.memory_trained
    read = dict(weights.part.tensors())
    base, bias = native["patch_embedding.weight"], native["patch_embedding.bias"]
    assert torch.equal(read["clean_patch_embeddings.0.weight"], base.flatten(1))
    for name in ("camera_encoder", "buffer_encoder.0", "buffer_encoder.1"):
        assert not read[f"blocks.1.attn1.{name}.weight"].any()
    generator = torch.Generator().manual_seed(1)
    for number, (time, side) in enumerate([(1, 1), (1, 2), (1, 1), (4, 4), (2, 2), (1, 1)]):
        latents = torch.randn((1, 36, time, 2 * side, 2 * side), generator=generator)
        packed = latents.flatten(1) @ read[f"clean_patch_embeddings.{number}.weight"].T
        small = torch.nn.functional.conv3d(latents, base, stride=(1, 2, 2)).flatten(2).mean(dim=2)
        torch.testing.assert_close(packed, small, atol=1e-5, rtol=0)
        assert torch.equal(read[f"clean_patch_embeddings.{number}.bias"], bias)


def test_what_is_wrong_is_told_by_name(tmp_path) -> None:
    state = as_published(native_state())
    for name in ("net.blocks.0.cam_encoder.weight", "net.blocks.1.self_attn.q.bias"):
        state.pop(name)
    state |= {"net.blocks.0.extra.weight": torch.zeros(2), "net.head.head.bias": torch.zeros(3)}
    with pytest.raises(InputError) as told:
        open_transformer(write_single(tmp_path / "w", state))
    message = str(told.value)
    assert "2 missing: " in message and "blocks.0.attn1.camera_encoder.weight" in message
    assert "1 unexpected: blocks.0.extra.weight" in message
    assert "1 wrong shape: proj_out.bias 3 instead of 64" in message


def test_long_reports_show_the_first_names_only(tmp_path) -> None:
    state = {name: tensor for name, tensor in as_published(native_state()).items() if ".ffn." not in name}
    with pytest.raises(InputError, match=r"8 missing: (\S+, ){4}…"):
        open_transformer(write_single(tmp_path / "w", state))


def test_another_network_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"none of its 1 tensors is patch_embedding\.weight"):
        open_transformer(write_single(tmp_path / "w", {"lora": torch.zeros(1)}))
    with pytest.raises(InputError, match="no such file"):
        open_transformer(tmp_path / "nothing.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="it holds no weights"):
        open_transformer(tmp_path / "empty")
    (tmp_path / "w.npz").touch()
    with pytest.raises(InputError, match=r"of type \.npz"):
        open_transformer(tmp_path / "w.npz")
