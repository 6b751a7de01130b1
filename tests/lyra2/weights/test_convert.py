"""Published files become a folder that diffusers and transformers load, with a record of what it is; once, and whole."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModel, UMT5EncoderModel

from lyra_sim.errors import InputError, SpecError
from lyra_sim_lyra2.network.world_transformer import WorldTransformer3DModel
from lyra_sim_lyra2.weights.companions import open_image_encoder
from lyra_sim_lyra2.weights.convert import convert
from lyra_sim_lyra2.weights.folder import WeightsFolder
from tests.lyra2.weights.companions import wan_image_encoder, write_companions
from tests.lyra2.weights.published import as_published, native_state, write_distributed, write_sharded, write_single

ACCEPTED = ("lyra2",)


def published_folder(root: Path) -> dict[str, dict[str, torch.Tensor]]:
    """All that is published, at tiny size."""
    states = {"transformer": native_state(), **write_companions(root)}
    write_distributed(root / "model" / "model", as_published(states["transformer"]))
    torch.save({"t5_text_embeddings": torch.full((1, 512, 24), 0.5)}, root / "text_encoder" / "negative_prompt.pt")
    (root / "lora").mkdir()
    save_file({"net.head.head.diff_b": torch.ones(64)}, root / "lora" / "realism_boost.safetensors")
    (root / "recon").mkdir()
    (root / "recon" / "model.pt").write_bytes(b"not read")
    return states


def tree(root: Path) -> dict[str, str]:
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_the_published_folder_becomes_one_that_the_libraries_load(tmp_path) -> None:
    states = published_folder(tmp_path / "checkpoints")
    written = convert(tmp_path, tmp_path / "w", dtype=torch.float32, shard_gb=0.002, accepted=ACCEPTED)
    folder = WeightsFolder.open(tmp_path / "w")
    assert written.memory_trained and folder.memory_trained and folder.licence == "lyra2"
    network, told = WorldTransformer3DModel.from_pretrained(folder.transformer_path, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    loaded = {
        "transformer": network,
        "vae": AutoencoderKLWan.from_pretrained(folder.vae_path),
        "text_encoder": UMT5EncoderModel.from_pretrained(folder.text_encoder_path),
        "image_encoder": CLIPVisionModel.from_pretrained(folder.image_encoder_path),
    }
    for name, model in loaded.items():
        found = model.state_dict()
        for key, tensor in states[name].items():
            assert torch.equal(found[key], tensor), (name, key)
    assert loaded["image_encoder"].config.hidden_act == "gelu" and loaded["text_encoder"].config.d_kv == 6
    assert torch.equal(folder.negative_prompt, torch.full((512, 24), 0.5))
    assert folder.lora("realism_boost").is_file() and folder.lora_names == ("realism_boost",)
    assert folder.tokenizer_path is None and any("google/umt5-xxl" in note for note in written.notes)
    assert any("4 tensors that are no weights" in note for note in written.notes)
    shards = sorted(file.name for file in folder.transformer_path.glob("*.safetensors"))
    assert len(shards) > 2 and shards[0] == f"diffusion_pytorch_model-00001-of-{len(shards):05d}.safetensors"


def test_the_record_says_what_everything_came_from(tmp_path) -> None:
    published_folder(tmp_path)
    convert(tmp_path, tmp_path / "w", accepted=ACCEPTED)
    record = json.loads((tmp_path / "w" / "lyra_sim_weights.json").read_text())
    assert "internal scientific research only" in record["licence"]["name"] and record["memory_conditioning"] == "trained"
    written = tree(tmp_path / "w")
    written.pop("lyra_sim_weights.json")
    assert {name: facts["sha256"] for name, facts in record["files"].items()} == written
    source = record["parts"]["transformer"]
    assert source["format"] == "torch distributed checkpoint" and "model/model/.metadata" in source["files"]
    vae = record["parts"]["vae"]["files"]["vae/vae.pth"]
    assert vae["sha256"] == hashlib.sha256((tmp_path / "vae" / "vae.pth").read_bytes()).hexdigest()
    assert str(tmp_path) not in json.dumps(record)
    stated = WeightsFolder.open(tmp_path / "w").licence_record()
    assert stated["weights_licence"] == record["licence"]["name"] and len(stated["weights_sha256"]) == 64


def test_precision_is_as_asked_and_norms_stay_float32(tmp_path) -> None:
    published_folder(tmp_path)
    convert(tmp_path, tmp_path / "w", accepted=ACCEPTED)
    (file,) = (tmp_path / "w" / "transformer").glob("*.safetensors")
    kept = {name: tensor.dtype for name, tensor in load_file(file).items()}
    assert kept["blocks.0.attn1.to_q.weight"] == kept["clean_patch_embeddings.3.weight"] == torch.bfloat16
    assert kept["blocks.1.scale_shift_table"] == kept["blocks.0.norm2.weight"] == torch.float32
    (vae,) = (tmp_path / "w" / "vae").glob("*.safetensors")
    assert {tensor.dtype for tensor in load_file(vae).values()} == {torch.float32}
    (text,) = (tmp_path / "w" / "text_encoder").glob("*.safetensors")
    assert {tensor.dtype for tensor in load_file(text).values()} == {torch.bfloat16}
    network = WorldTransformer3DModel.from_pretrained(tmp_path / "w" / "transformer", torch_dtype=torch.bfloat16)
    assert network.blocks[0].attn1.to_q.weight.dtype == torch.bfloat16
    assert torch.equal(network.scale_shift_table, native_state()["scale_shift_table"])


def test_the_same_source_gives_the_same_bytes_and_ours_converts_to_itself(tmp_path) -> None:
    published_folder(tmp_path / "checkpoints")
    for name in ("a", "b"):
        convert(tmp_path, tmp_path / name, accepted=ACCEPTED)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    convert(tmp_path / "a", tmp_path / "c", accepted=ACCEPTED)
    first, again = tree(tmp_path / "a"), tree(tmp_path / "c")
    assert first.pop("lyra_sim_weights.json") and again.pop("lyra_sim_weights.json")
    assert first == again
    assert WeightsFolder.open(tmp_path / "a").digest == WeightsFolder.open(tmp_path / "c").digest


def test_the_folder_of_wan_itself_is_understood(tmp_path) -> None:
    root = tmp_path / "Wan2.1-I2V-14B-480P"
    write_sharded(root, as_published(native_state(), "", memory=False))
    write_companions(tmp_path / "parts")
    for part, name in (
        ("vae/vae.pth", "Wan2.1_VAE.pth"),
        ("text_encoder/encoder.pth", "models_t5_umt5-xxl-enc-bf16.pth"),
        ("image_encoder/model.pth", "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth"),
    ):
        (tmp_path / "parts" / part).rename(root / name)
    (root / "google" / "umt5-xxl").mkdir(parents=True)
    (root / "google" / "umt5-xxl" / "tokenizer.json").write_text("{}")
    (root / "config.json").write_text('{"num_heads": 2, "dim": 128}')
    convert(root, tmp_path / "w")
    folder = WeightsFolder.open(tmp_path / "w")
    assert folder.licence == "wan2.1" and not folder.memory_trained
    assert folder.text_encoder_path and folder.image_encoder_path and folder.tokenizer_path == tmp_path / "w" / "tokenizer"
    config = json.loads((folder.transformer_path / "config.json").read_text())
    assert (config["num_attention_heads"], config["attention_head_dim"]) == (2, 64)


def test_plain_wan_needs_no_acceptance_and_says_that_memory_is_untrained(tmp_path) -> None:
    write_sharded(tmp_path / "wan", as_published(native_state(), "", memory=False))
    written = convert(tmp_path / "wan", tmp_path / "w")
    record = json.loads((tmp_path / "w" / "lyra_sim_weights.json").read_text())
    assert not written.memory_trained and record["memory_conditioning"] == "untrained"
    assert record["licence"]["id"] == "wan2.1" and "Apache-2.0" in record["licence"]["name"]
    assert any(note.startswith("memory conditioning: untrained") for note in written.notes)
    assert not convert(tmp_path / "w", tmp_path / "twice").memory_trained
    again = convert(tmp_path / "w" / "transformer", tmp_path / "again", accepted=ACCEPTED)
    assert not again.memory_trained, "the record one folder up names these files"


def test_the_licence_has_to_be_accepted_before_anything_is_written(tmp_path) -> None:
    source = write_single(tmp_path / "w", as_published(native_state()))
    with pytest.raises(SpecError, match="--accept-license lyra2") as told:
        convert(source, tmp_path / "made")
    assert "internal scientific research only" in str(told.value) and "https://" in str(told.value)
    with pytest.raises(SpecError, match="no such licence"):
        convert(source, tmp_path / "made", accepted=["all"])
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_folder_that_exists_is_left_alone(tmp_path) -> None:
    source = write_single(tmp_path / "w", as_published(native_state()))
    (tmp_path / "made").mkdir()
    with pytest.raises(SpecError, match="it exists"):
        convert(source, tmp_path / "made", accepted=ACCEPTED)
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "somebody's").touch()
    with pytest.raises(SpecError, match="isn't ours"):
        convert(source, tmp_path / "new", accepted=ACCEPTED)
    assert (tmp_path / "new.partial" / "somebody's").is_file()


def test_what_fails_leaves_nothing_and_what_was_killed_is_begun_again(tmp_path) -> None:
    root = tmp_path / "checkpoints"
    published_folder(root)
    shard = max((root / "model" / "model").glob("*.distcp"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is damaged"):
        convert(root, tmp_path / "w", accepted=ACCEPTED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints"]
    shard.write_bytes(whole)
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "import lyra_sim_lyra2.weights.convert as c\n"
        "def die(line):\n"
        "    if line.startswith('writing vae'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "c.convert(Path(sys.argv[1]), Path(sys.argv[2]), accepted=['lyra2'], say=die)"
    )
    done = subprocess.run([sys.executable, "-c", code, root, tmp_path / "w"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "w").exists() and (tmp_path / "w.partial" / "transformer").is_dir()
    convert(root, tmp_path / "w", accepted=ACCEPTED)
    assert WeightsFolder.open(tmp_path / "w").memory_trained
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "w"]
    assert not (tmp_path / "w" / "unfinished").exists()


def test_open_clips_names_are_known_too(tmp_path) -> None:
    states = write_companions(tmp_path)
    torch.save(wan_image_encoder(states["image_encoder"], open_clip=True), tmp_path / "clip.pth")
    read = dict(open_image_encoder(tmp_path / "clip.pth", None).tensors())
    assert all(torch.equal(read[name], tensor) for name, tensor in states["image_encoder"].items())
    older = {f"vision_model.{name}": tensor for name, tensor in states["image_encoder"].items()}
    save_file({**older, "visual_projection.weight": torch.zeros(4, 16)}, tmp_path / "clip.safetensors")
    read = dict(open_image_encoder(tmp_path / "clip.safetensors", None).tensors())
    assert all(torch.equal(read[name], tensor) for name, tensor in states["image_encoder"].items())


def test_parts_of_two_systems_are_told_apart(tmp_path) -> None:
    published_folder(tmp_path)
    torch.save({"t5_text_embeddings": torch.zeros(1, 512, 30)}, tmp_path / "text_encoder" / "negative_prompt.pt")
    with pytest.raises(InputError, match="negative prompt: it gives 30 features, and the network takes 24"):
        convert(tmp_path, tmp_path / "w", accepted=ACCEPTED)


def test_a_companion_that_lacks_tensors_is_told_of(tmp_path) -> None:
    published_folder(tmp_path)
    state = torch.load(tmp_path / "vae" / "vae.pth", weights_only=True)
    state.pop("decoder.upsamples.5.residual.2.weight")
    torch.save(state, tmp_path / "vae" / "vae.pth")
    with pytest.raises(InputError, match=r"1 missing: decoder\.up_blocks\.1\.resnets\.1\.conv1\.weight"):
        convert(tmp_path, tmp_path / "w", accepted=ACCEPTED)
    assert not (tmp_path / "w").exists()
