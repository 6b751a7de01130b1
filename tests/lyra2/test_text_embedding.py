"""Captions embedded: against diffusers' pipeline, each once, the encoder let go; negative embeddings from files."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import WanImageToVideoPipeline
from diffusers.pipelines.wan import pipeline_wan_i2v
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from lyra_sim.errors import InputError
from lyra_sim_lyra2.encoders.text_embedding import TEXT_TOKENS, TextEmbedder, negative_embedding

WIDTH = 32
WORDS = ("▁A", "▁hall", "▁with", "▁white", "▁walls", "▁kitchen")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An encoder of random weights, and a tokenizer of a few words and all letters."""
    folder = tmp_path_factory.mktemp("text")
    letters = [(letter, -6.0) for letter in "▁abcdefghijklmnopqrstuvwxyz.,"]
    tokens = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((word, -3.0) for word in WORDS), *letters]
    tokenizer = Tokenizer(models.Unigram(tokens, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    sizes = {"d_model": WIDTH, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    UMT5EncoderModel(UMT5Config(vocab_size=len(tokens), **sizes)).save_pretrained(folder / "text_encoder")
    return folder / "text_encoder", folder / "tokenizer"


def test_a_caption_is_embedded_as_diffusers_pipeline_does(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """On one line, 512 tokens, zero past the text's end. Its repair of broken Unicode (ftfy) isn't done here."""
    monkeypatch.setattr(pipeline_wan_i2v, "ftfy", SimpleNamespace(fix_text=lambda text: text), raising=False)

    class Pipeline:
        text_encoder = UMT5EncoderModel.from_pretrained(folders[0]).eval()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folders[1])
        _execution_device = torch.device("cpu")

    text = "A hall with white walls, a kitchen."
    with torch.inference_mode():
        theirs = WanImageToVideoPipeline._get_t5_prompt_embeds(Pipeline(), text, max_sequence_length=TEXT_TOKENS)
    ours = TextEmbedder(*folders).embed("  A hall\twith white\n walls,  a kitchen. ")
    count = len(Pipeline.tokenizer(text)["input_ids"])
    assert ours.shape == (1, 512, WIDTH) and (ours - theirs).abs().max() <= 1e-6
    assert (ours[0, :count].abs().sum(dim=1) > 0).all() and not ours[0, count:].any() and 5 < count < 30


def test_the_empty_caption_is_its_end_alone(folders: tuple[Path, Path]) -> None:
    told = TextEmbedder(*folders).embed("")
    assert told[0, 0].any() and not told[0, 1:].any()


def test_each_caption_is_embedded_once_and_the_encoder_let_go(folders: tuple[Path, Path]) -> None:
    embedder = TextEmbedder(*folders)
    assert not embedder.loaded
    for caption in ("A hall", "A kitchen"):
        embedder.embed(caption)
    embedder.release()
    assert not embedder.loaded
    first = embedder.embed("A hall")
    assert first is embedder.embed(" A  hall ") and not embedder.loaded
    assert not torch.equal(embedder.embed("A kitchen"), first) and not embedder.loaded
    embedder.embed("white walls")
    assert embedder.loaded


def test_precision_is_what_was_asked_for(folders: tuple[Path, Path]) -> None:
    told, exact = TextEmbedder(*folders, dtype=torch.bfloat16).embed("A hall"), TextEmbedder(*folders).embed("A hall")
    assert told.dtype == torch.bfloat16 and 0 < (told.float() - exact).abs().max() < 0.2


def test_a_caption_too_long_is_refused_not_cut(folders: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="601 tokens"):
        TextEmbedder(*folders).embed("A hall with " * 200)


def test_folders_that_hold_something_else_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        TextEmbedder(folders[0], tmp_path / "none").embed("A hall")
    with pytest.raises(InputError, match="no tokenizer can be read"):
        TextEmbedder(folders[0], folders[0]).embed("A hall")
    with pytest.raises(InputError, match=r"no config\.json"):
        TextEmbedder(tmp_path, folders[1]).embed("A hall")
    (tmp_path / "config.json").write_text(json.dumps(json.loads((folders[0] / "config.json").read_text()) | {"num_layers": 3}))
    (tmp_path / "model.safetensors").write_bytes((folders[0] / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match="10 weights are missing, the first is encoder"):
        TextEmbedder(tmp_path, folders[1]).embed("A hall")


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
@pytest.mark.parametrize("shape", [(7, WIDTH), (1, 7, WIDTH), (1, 512, WIDTH)])
def test_a_negative_embedding_is_padded_with_zeros(tmp_path: Path, ending: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    stored, file = torch.randn(shape).bfloat16(), tmp_path / f"negative.{ending}"
    save_file({"embedding": stored}, file) if ending == "safetensors" else torch.save(stored, file)
    told = negative_embedding(file, width=WIDTH)
    count = shape[-2]
    assert told.shape == (1, 512, WIDTH) and told.dtype == torch.float32
    assert torch.equal(told[0, :count], stored.reshape(count, WIDTH).float()) and not told[0, count:].any()


def test_a_file_that_holds_anything_else_is_refused(tmp_path: Path) -> None:
    class Harmless:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    cases = {
        "code.pt": (lambda file: torch.save(Harmless(), file), "can't be read as tensors"),
        "words.pt": (lambda file: file.write_text("no tensors"), "can't be read as tensors"),
        "cut.safetensors": (lambda file: file.write_bytes(b"\x10"), "can't be read as tensors"),
        "two.safetensors": (lambda file: save_file({x: torch.zeros(2, WIDTH) for x in "ab"}, file), "2 entries"),
        "text.pt": (lambda file: torch.save({"negative": "blurry"}, file), "expected one tensor"),
        "narrow.pt": (lambda file: torch.save(torch.zeros(3, 8), file), r"shape \(3, 8\)"),
        "long.pt": (lambda file: torch.save(torch.zeros(513, WIDTH), file), r"shape \(513, 32\)"),
        "nan.pt": (lambda file: torch.save(torch.full((1, WIDTH), torch.nan), file), "aren't finite"),
    }
    for name, (write, found) in cases.items():
        write(tmp_path / name)
        with pytest.raises(InputError, match=found):
            negative_embedding(tmp_path / name, width=WIDTH)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match="no such file"):
        negative_embedding(tmp_path / "none.pt", width=WIDTH)
