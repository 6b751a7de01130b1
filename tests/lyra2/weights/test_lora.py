"""LoRAs of every naming are merged to what the formula says; what fits nothing is told, and changes nothing."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.network.world_transformer import WorldTransformer3DModel
from lyra_sim_lyra2.weights.lora import merge_lora
from tests.lyra2.weights.published import CONFIG, State, native_state

LAYERS = {
    "blocks.0.self_attn.q": "blocks.0.attn1.to_q",
    "blocks.1.self_attn.o": "blocks.1.attn1.to_out.0",
    "blocks.0.cross_attn.k_img": "blocks.0.attn2.add_k_proj",
    "blocks.1.ffn.0": "blocks.1.ffn.net.0.proj",
    "blocks.1.cam_encoder": "blocks.1.attn1.camera_encoder",
    "blocks.0.buffer_encoder.1": "blocks.0.attn1.buffer_encoder.1",
    "clean_patch_embeddings.1": "clean_patch_embeddings.1",
    "patch_embedding": "patch_embedding",
    "head.head": "proj_out",
    "time_projection.1": "condition_embedder.time_proj",
    "img_emb.proj.3": "condition_embedder.image_embedder.ff.net.2",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
}
"""Published → ours, of every kind of layer that LoRAs change."""
RANK = 3


def pairs(native: State, seed: int = 4) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Down and up of every layer, by its published name."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    weights = {layer: native[f"{ours}.weight"] for layer, ours in LAYERS.items()}
    return {layer: (drawn(RANK, w[0].numel()), drawn(w.shape[0], RANK)) for layer, w in weights.items()}


def in_naming(naming: str, changes: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> State:
    """The tensors of a file."""
    state = {}
    for layer, (down, up) in changes.items():
        named = {
            "peft": (f"base_model.model.{layer}.lora_A.weight", f"base_model.model.{layer}.lora_B.weight"),
            "peft with an adapter's name": (f"net.{layer}.lora_A.default.weight", f"net.{layer}.lora_B.default.weight"),
            "comfy": (f"diffusion_model.{layer}.lora_down.weight", f"diffusion_model.{layer}.lora_up.weight"),
            "net": (f"net.{layer}.lora_A.weight", f"net.{layer}.lora_B.weight"),
            "bare": (f"{layer}.lora_A.weight", f"{layer}.lora_B.weight"),
            "diffusers": (f"transformer.{LAYERS[layer]}.lora_A.weight", f"transformer.{LAYERS[layer]}.lora_B.weight"),
            "musubi": tuple(f"lora_unet_{layer.replace('.', '_')}.lora_{end}.weight" for end in ("down", "up")),
        }[naming]
        state |= dict(zip(named, (down, up), strict=True))
        if naming == "musubi":
            state[f"lora_unet_{layer.replace('.', '_')}.alpha"] = torch.tensor(float(RANK))
    return state


def write(path: Path, state: State) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path


@pytest.mark.parametrize("naming", ["peft", "peft with an adapter's name", "comfy", "net", "bare", "diffusers", "musubi"])
def test_every_naming_is_merged_as_the_formula_says(naming, tmp_path) -> None:
    native = native_state()
    changes = pairs(native)
    network = WorldTransformer3DModel(**CONFIG)
    network.load_state_dict(native)
    report = merge_lora(network, write(tmp_path / "l.safetensors", in_naming(naming, changes)), 0.4)
    assert set(report.layers) == set(LAYERS.values()) and report.dropped == ()
    wanted = dict(native)
    for layer, (down, up) in changes.items():
        name = f"{LAYERS[layer]}.weight"
        wanted[name] = native[name] + 0.4 * (up.double() @ down.double()).float().reshape(native[name].shape)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], atol=1e-5, rtol=0)
    assert "12 layers changed at strength 0.4" in report.line()


def test_what_a_merged_layer_computes_is_the_layer_plus_the_lora(tmp_path) -> None:
    native = native_state()
    down, up = pairs(native)["blocks.0.self_attn.q"]
    state = {"net.blocks.0.self_attn.q.lora_A.weight": down, "net.blocks.0.self_attn.q.lora_B.weight": up}
    state["net.blocks.0.self_attn.q.alpha"] = torch.tensor(1.5)
    state["net.blocks.0.self_attn.q.diff_b"] = torch.linspace(-1, 1, 128)
    network = WorldTransformer3DModel(**CONFIG)
    network.load_state_dict(native)
    layer, x = network.blocks[0].attn1.to_q, torch.randn(5, 128, generator=torch.Generator().manual_seed(0))
    before = layer(x)
    merge_lora(network, write(tmp_path / "l.safetensors", state), 0.7)
    beside = 0.7 * ((1.5 / RANK) * (x @ down.T @ up.T) + torch.linspace(-1, 1, 128))
    torch.testing.assert_close(layer(x), before + beside, atol=1e-4, rtol=0)


def test_bfloat16_weights_are_rounded_once(tmp_path) -> None:
    native = {name: tensor.bfloat16() for name, tensor in native_state().items()}
    changes = pairs(native_state())
    state = dict(native)
    merge_lora(state, write(tmp_path / "l.safetensors", in_naming("net", changes)), 0.3)
    for layer, (down, up) in changes.items():
        name = f"{LAYERS[layer]}.weight"
        exact = native[name].float() + 0.3 * (up @ down).reshape(native[name].shape)
        assert torch.equal(state[name], exact.bfloat16()), name
        assert not torch.equal(state[name], native[name])


def test_several_add_up_and_strength_zero_changes_nothing(tmp_path) -> None:
    native = native_state()
    files = [write(tmp_path / f"{seed}.safetensors", in_naming("net", pairs(native, seed))) for seed in (1, 2)]
    state = dict(native)
    merge_lora(state, files[0], 0.0)
    assert all(torch.equal(state[name], native[name]) for name in native)
    for file in files:
        merge_lora(state, file)
    name = "blocks.0.attn1.to_q.weight"
    both = sum(up @ down for down, up in (pairs(native, seed)["blocks.0.self_attn.q"] for seed in (1, 2)))
    torch.testing.assert_close(state[name], native[name] + both, atol=1e-4, rtol=0)


def test_biases_of_peft_and_differences_of_weights(tmp_path) -> None:
    native = native_state()
    down, up = pairs(native)["head.head"]
    state = {
        "net.head.head.lora_A.weight": down,
        "net.head.head.lora_B.weight": up,
        "net.head.head.lora_B.bias": torch.full((64,), 0.5),
        "net.blocks.0.norm3.diff": torch.full((128,), 1e-3),
        "net.blocks.0.modulation.diff": torch.full((1, 6, 128), 1e-4),
        "net.blocks.1.norm3.diff": torch.linspace(0, 1, 128),
        "net.blocks.1.norm3.diff_b": torch.full((128,), 1e-3),
    }
    changed = dict(native)
    report = merge_lora(changed, write(tmp_path / "l.safetensors", state), 2.0)
    assert (
        report.dropped == ("net.blocks.0.modulation.diff", "net.blocks.0.norm3.diff")
        and "2 negligible differences left out" in report.line()
    )
    assert torch.equal(changed["blocks.0.norm2.weight"], native["blocks.0.norm2.weight"])
    torch.testing.assert_close(changed["proj_out.bias"], native["proj_out.bias"] + 1.0)
    torch.testing.assert_close(changed["blocks.1.norm2.weight"], native["blocks.1.norm2.weight"] + torch.linspace(0, 2, 128))
    torch.testing.assert_close(changed["blocks.1.norm2.bias"], native["blocks.1.norm2.bias"] + 2e-3)


@pytest.mark.parametrize(
    ("key", "tensor", "message"),
    [
        ("net.blocks.9.self_attn.q.lora_A.weight", torch.zeros(3, 128), r"1 of its 25 keys fit no layer.*blocks\.9"),
        ("lora_unet_blocks_0_self_attn_z.lora_down.weight", torch.zeros(3, 128), "fit no layer"),
        ("net.blocks.0.self_attn.q.dora_scale", torch.zeros(128), "fit no layer.*dora_scale"),
        ("net.blocks.0.self_attn.k.lora_A.weight", torch.zeros(3, 128), "one half of a pair only: blocks.0.attn1.to_k"),
        ("net.blocks.1.cam_encoder.diff_b", torch.ones(128), r"camera_encoder \(bias 128 for none\)"),
        ("net.blocks.0.self_attn.k.diff_b", torch.ones(12), r"attn1\.to_k \(bias 12 for 128\)"),
        ("net.blocks.0.self_attn.q.alpha", torch.zeros(2), "expected one number"),
        ("diffusion_model.blocks.0.self_attn.q.lora_A.weight", torch.zeros(3, 128), "says again"),
        ("net.blocks.0.self_attn.k.diff_b", torch.full((128,), torch.nan), "no finite number"),
    ],
)
def test_what_fits_nothing_is_told_and_nothing_is_changed(key, tensor, message, tmp_path) -> None:
    native = native_state()
    state, file = dict(native), tmp_path / "l.safetensors"
    write(file, {**in_naming("net", pairs(native)), key: tensor})
    with pytest.raises(InputError, match=message):
        merge_lora(state, file)
    assert all(state[name] is native[name] for name in native)


def test_a_lora_of_a_smaller_network_is_refused(tmp_path) -> None:
    small = native_state({**CONFIG, "attention_head_dim": 64, "added_kv_proj_dim": 64})
    file = write(tmp_path / "l.safetensors", in_naming("net", pairs(small)))
    with pytest.raises(InputError, match=r"\d+ of its changes don't fit .*64×3 by 3×64 for 128×128"):
        merge_lora(dict(native_state()), file)


def test_files_that_change_nothing_and_strengths_that_are_no_number(tmp_path) -> None:
    file = write(tmp_path / "l.safetensors", {"net.blocks.0.norm3.diff": torch.zeros(128)})
    with pytest.raises(InputError, match="it changes no layer"):
        merge_lora(dict(native_state()), file)
    with pytest.raises(SpecError, match="nan"):
        merge_lora(dict(native_state()), file, float("nan"))
