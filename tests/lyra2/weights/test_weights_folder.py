"""Folders of weights as the generator takes them: random ones that run, and what is told of ones that can't be used."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan
from transformers import AutoTokenizer, CLIPVisionModel, UMT5EncoderModel

from lyra_sim.errors import InputError, SpecError
from lyra_sim.scene.lyra2 import LoraUse, Lyra2Config
from lyra_sim_lyra2.network.world_transformer import WorldTransformer3DModel
from lyra_sim_lyra2.weights.folder import RECORD, WeightsFolder, licence_record, licences_of
from lyra_sim_lyra2.weights.licences import LICENCES, require_accepted
from lyra_sim_lyra2.weights.lora import merge_lora
from lyra_sim_lyra2.weights.random_folder import RandomTensors, transformer_config, write_random
from lyra_sim_lyra2.weights.tensor_source import TensorSpec
from lyra_sim_lyra2.weights.transformer import needed_shapes
from tests.lyra2.weights.test_convert import tree


@pytest.fixture(scope="module")
def random_folder(tmp_path_factory) -> Path:
    return write_random(tmp_path_factory.mktemp("random") / "w", seed=5).folder


@pytest.fixture
def copied(random_folder, tmp_path) -> Path:
    return shutil.copytree(random_folder, tmp_path / "w")


def test_random_weights_run_through_every_network(random_folder) -> None:
    folder = WeightsFolder.open(random_folder)
    tokenizer = AutoTokenizer.from_pretrained(folder.tokenizer_path)
    text = tokenizer(["A kitchen, seen from its door: größer"], padding="max_length", max_length=512, return_tensors="pt")
    ids = text.input_ids[0]
    assert len(ids) == 512 and ids[-1] == 0 and ids[text.attention_mask[0].sum() - 1] == 1
    assert "kitchen, seen from its door" in tokenizer.decode(ids)
    with torch.no_grad():
        encoder = UMT5EncoderModel.from_pretrained(folder.text_encoder_path, dtype=torch.float32)
        words = encoder(text.input_ids[:, :20], text.attention_mask[:, :20]).last_hidden_state
        eye = CLIPVisionModel.from_pretrained(folder.image_encoder_path, dtype=torch.float32)
        seen = eye(torch.rand(1, 3, 224, 224), output_hidden_states=True).hidden_states[-2]
        vae = AutoencoderKLWan.from_pretrained(folder.vae_path)
        latents = vae.encode(torch.rand(1, 3, 5, 32, 32) * 2 - 1).latent_dist.mode()
        video = vae.decode(latents).sample
    network = WorldTransformer3DModel.from_pretrained(folder.transformer_path, torch_dtype=torch.bfloat16)
    assert words.shape[-1] == network.config.text_dim == folder.negative_prompt.shape[1]
    assert seen.shape == (1, 257, network.config.image_dim) and latents.shape == (1, 16, 2, 4, 4)
    for made in (words, seen, latents, video):
        assert made.isfinite().all() and 0.05 < made.std() < 20
    for name in folder.lora_names:
        assert len(merge_lora(network, folder.lora(name), 0.4).layers) == 37
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_one_step_of_the_random_network_stays_finite(random_folder) -> None:
    network = WorldTransformer3DModel.from_pretrained(random_folder / "transformer", torch_dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(0)
    frames = network.packing.count + 2

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    chunk = network.prepare(
        latents=drawn(16, frames, 8, 8),
        condition_latents=drawn(16, frames, 8, 8),
        mask=torch.ones(4, frames, 8, 8),
        camera_maps=drawn(384, frames, 8, 8),
        correspondence=drawn(1280, frames, 8, 8).clamp(-1, 1),
        text=drawn(1, 512, 64),
        picture=drawn(1, 257, 32),
    )
    velocity = network.velocity(drawn(16, 2, 8, 8), 500.0, chunk)
    assert velocity.isfinite().all() and 0.2 < velocity.std() < 5


def test_seeds_repeat_byte_for_byte_whatever_the_shards(random_folder, tmp_path) -> None:
    again = write_random(tmp_path / "again", seed=5)
    assert tree(again.folder) == tree(random_folder) and again.licence == "random"
    other = tree(write_random(tmp_path / "other", seed=6).folder)
    name = "transformer/diffusion_pytorch_model.safetensors"
    assert other[name] != tree(random_folder)[name]
    sharded = write_random(tmp_path / "sharded", seed=5, shard_gb=0.001, parts=["transformer"]).folder
    assert sorted(path.name for path in sharded.iterdir()) == ["lyra_sim_weights.json", "transformer"]
    assert len(list((sharded / "transformer").glob("*.safetensors"))) > 2
    one, many = (
        WorldTransformer3DModel.from_pretrained(root / "transformer").state_dict() for root in (random_folder, sharded)
    )
    assert all(torch.equal(one[key], many[key]) for key in one)


def test_the_full_size_is_that_of_lyra_2() -> None:
    shapes = needed_shapes(transformer_config("full"))
    count = sum(torch.Size(shape).numel() for shape in shapes.values())
    assert count == pytest.approx(17.03e9, rel=1e-3)
    assert shapes["blocks.39.attn1.buffer_encoder.0.weight"] == (256, 20480)
    source = RandomTensors({"blocks.0.attn1.to_q.weight": TensorSpec((512, 2048), torch.float32)}, seed=0)
    drawn = source.read(source.specs)["blocks.0.attn1.to_q.weight"]
    assert float(drawn.std()) == pytest.approx(2048**-0.5, rel=0.01)


def test_parts_that_are_not_known(tmp_path) -> None:
    with pytest.raises(SpecError, match="--part: decoder"):
        write_random(tmp_path / "w", parts=["decoder"])
    with pytest.raises(SpecError, match="--shard-gb"):
        write_random(tmp_path / "w", shard_gb=0.0)
    assert not list(tmp_path.iterdir())


def test_random_weights_need_no_licence_and_say_so(random_folder) -> None:
    folder = WeightsFolder.open(random_folder)
    require_accepted(folder.licence, [])
    stated = licence_record(Lyra2Config(weights=random_folder))
    assert stated["weights_licence"] == "none (random weights)" and stated["memory_conditioning"] == "untrained"
    assert stated["weights_sha256"] == folder.digest


def test_lyra_2_has_to_be_accepted_and_wan_does_not() -> None:
    with pytest.raises(SpecError) as told:
        require_accepted("lyra2", ["wan2.1"])
    message = str(told.value)
    assert LICENCES["lyra2"].name in message and LICENCES["lyra2"].terms in message and "--accept-license lyra2" in message
    require_accepted("lyra2", {"lyra2"})
    require_accepted("wan2.1", ())
    with pytest.raises(SpecError, match="it isn't known"):
        require_accepted("mit", ())


def test_the_digest_covers_what_is_added_and_nothing_else(copied) -> None:
    before = WeightsFolder.open(copied).digest
    assert WeightsFolder.open(copied).digest == before
    (copied / "tokenizer" / "spiece.model").write_bytes(b"added later")
    after = WeightsFolder.open(copied).digest
    assert after != before
    (copied / "lyra_sim_weights.json").unlink()
    bare = WeightsFolder.open(copied)
    assert bare.digest == after, "digests of files are the same, recorded or worked out"
    assert bare.licence == "lyra2", "without a record the strictest terms hold"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: shutil.rmtree(root / "vae"), "no vae/config.json"),
        (lambda root: (root / "transformer" / "config.json").unlink(), "no transformer/config.json"),
        (lambda root: _changed(root / "transformer" / "config.json", _class_name="WanTransformer3DModel"), "plain Wan"),
        (lambda root: (root / "vae" / "diffusion_pytorch_model.safetensors").unlink(), "1 files are missing or not as"),
        (lambda root: (root / "lora" / "realism_boost.safetensors").write_bytes(b""), "lora/realism_boost"),
        (lambda root: _changed(root / "lyra_sim_weights.json", format=9), "format 9"),
        (lambda root: _changed(root / "lyra_sim_weights.json", files={"a": 1}), "isn't a record of weights"),
        (lambda root: (root / "lyra_sim_weights.json").write_text("[]"), "isn't a record of weights"),
        (lambda root: shutil.rmtree(root), "lyra-sim weights convert SRC DST"),
    ],
)
def test_what_can_not_be_used_is_told(damage, message, copied) -> None:
    damage(copied)
    with pytest.raises(InputError, match=message):
        WeightsFolder.open(copied)


def test_parts_that_may_be_absent(copied) -> None:
    with pytest.raises(InputError, match=r"no LoRA sharper \(expected detail_enhancer, dmd_distillation, realism_boost"):
        WeightsFolder.open(copied).lora("sharper")
    (copied / "lyra_sim_weights.json").unlink()
    for part in ("text_encoder", "tokenizer", "image_encoder", "lora"):
        shutil.rmtree(copied / part)
    (copied / "negative_prompt.safetensors").unlink()
    folder = WeightsFolder.open(copied)
    assert folder.text_encoder_path is folder.tokenizer_path is folder.image_encoder_path is folder.negative_prompt is None
    assert folder.lora_names == ()


def _changed(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.gpu
def test_a_gpus_numbers_repeat(tmp_path) -> None:
    first, again = (tree(write_random(tmp_path / name, seed=5).folder) for name in "ab")
    assert first == again


def test_a_lora_that_no_record_names_counts_as_the_strictest(random_folder: Path, tmp_path: Path) -> None:
    own = Lyra2Config(weights=random_folder, loras=(LoraUse(name="realism_boost"),))
    assert [licence.key for licence in licences_of(own)] == ["random"]
    strange = tmp_path / "style.safetensors"
    strange.write_bytes((random_folder / "lora" / "realism_boost.safetensors").read_bytes())
    options = Lyra2Config(weights=random_folder, loras=(LoraUse(file=strange, strength=0.4),))
    assert [licence.key for licence in licences_of(options)] == ["random", "lyra2"]
    with pytest.raises(SpecError, match="has not been accepted"):
        for licence in licences_of(options):
            licence.require_accepted([])
    stated = licence_record(options)
    assert LICENCES["lyra2"].name in stated["weights_licence"] and stated["loras"].startswith("style x 0.4 (")


def test_weights_put_beside_a_record_do_not_take_its_licence(random_folder: Path, tmp_path: Path) -> None:
    from lyra_sim_lyra2.weights.convert import convert

    folder = Path(shutil.copytree(random_folder, tmp_path / "w"))
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").rename(folder / "transformer" / "other.safetensors")
    record = json.loads((folder / RECORD).read_text())
    for name in [name for name in record["files"] if name.startswith("transformer/") and name.endswith(".safetensors")]:
        del record["files"][name]
    (folder / RECORD).write_text(json.dumps(record))
    assert WeightsFolder.open(folder).licence == "lyra2"
    with pytest.raises(SpecError, match="has not been accepted"):
        convert(folder, tmp_path / "again")
