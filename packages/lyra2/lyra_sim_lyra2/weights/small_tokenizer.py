"""A tokenizer of letters and a few syllables, so that text can be encoded where the real one isn't at hand."""

import string
from pathlib import Path

from lyra_sim.data.files import write_json

WORD_START = "\u2581"
"""Stands for the space before a word (SentencePiece: Kudo & Richardson 2018)."""
SPECIAL = ("<pad>", "</s>", "<unk>")
"""In UMT5's order: 0 fills up, 1 ends a text."""
SYLLABLES = "the and ing er in on re at en of to is it or an a room wall floor door light camera wood white photo".split()


def vocabulary() -> list[tuple[str, float]]:
    """Pieces with their log probabilities; longer ones win."""
    letters = sorted(set(string.ascii_letters + string.digits + string.punctuation))
    words = sorted({WORD_START + word for word in SYLLABLES} | set(SYLLABLES) - set(letters))
    pieces = [*((piece, 0.0) for piece in SPECIAL), (WORD_START, -4.0), *((letter, -6.0) for letter in letters)]
    return pieces + [(word, -5.0) for word in words]


def write_small_tokenizer(folder: Path, *, length: int = 512) -> tuple[str, ...]:
    """Files of a tokenizer that transformers' AutoTokenizer loads; returns their names."""
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    tokenizer = Tokenizer(Unigram(vocabulary(), unk_id=SPECIAL.index("<unk>")))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=WORD_START)
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_START)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", SPECIAL.index("</s>"))]
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": length,
        "padding_side": "right",
        **dict(zip(("pad_token", "eos_token", "unk_token"), SPECIAL, strict=True)),
    }
    write_json(folder / "tokenizer_config.json", settings)
    return ("tokenizer.json", "tokenizer_config.json")
