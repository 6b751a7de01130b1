"""Where each part stands in what is published: Lyra 2.0's checkpoints, Wan 2.1's own folder, diffusers' folder, and ours."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lyra_sim.errors import InputError
from lyra_sim_lyra2.weights.distributed_checkpoint import METADATA
from lyra_sim_lyra2.weights.tensor_files import INDEX_SUFFIX

_TRANSFORMER = ("model/model", "model", "transformer", ".")
_VAE = ("vae/vae.pth", "Wan2.1_VAE.pth", "vae")
_TEXT_ENCODER = ("text_encoder/encoder.pth", "models_t5_umt5-xxl-enc-bf16.pth", "text_encoder")
_IMAGE_ENCODER = (
    "image_encoder/model.pth",
    "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth",
    "image_encoder",
)
_NEGATIVE_PROMPT = ("text_encoder/negative_prompt.pt", "negative_prompt.safetensors")
_TOKENIZER = ("tokenizer", "google/umt5-xxl")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "spiece.model")


@dataclass(frozen=True, kw_only=True)
class PublishedFiles:
    """Files and folders of what is there."""

    root: Path
    transformer: Path
    vae: Path | None = None
    text_encoder: Path | None = None
    image_encoder: Path | None = None
    negative_prompt: Path | None = None
    loras: tuple[Path, ...] = ()
    tokenizer: tuple[Path, ...] = ()


def find_published(source: Path) -> PublishedFiles:
    """Look for every part.

    Raises:
        InputError: There is nothing at ``source``, or no weights of the network.
    """
    if source.is_file():
        return PublishedFiles(root=source.parent, transformer=source)
    if not source.is_dir():
        raise InputError(str(source), "no such file or folder", expected="published weights")
    root = source / "checkpoints" if (source / "checkpoints").is_dir() else source
    transformer = _first(root, _TRANSFORMER)
    if transformer is None:
        raise InputError(
            str(source),
            "no weights of the network are there",
            expected=f"{root.name}/model/model/{METADATA}, transformer/ or safetensors files",
            likely="The folder is another one, or a download was cut short.",
        )
    if (root / METADATA).is_file():
        return PublishedFiles(root=root, transformer=root)
    tokenizer = next((root / name for name in _TOKENIZER if (root / name).is_dir()), None)
    return PublishedFiles(
        root=root,
        transformer=transformer,
        vae=_first(root, _VAE),
        text_encoder=_first(root, _TEXT_ENCODER),
        image_encoder=_first(root, _IMAGE_ENCODER),
        negative_prompt=_first(root, _NEGATIVE_PROMPT),
        loras=tuple(sorted((root / "lora").glob("*.safetensors"))),
        tokenizer=tuple(tokenizer / name for name in _TOKENIZER_FILES if (tokenizer / name).is_file()) if tokenizer else (),
    )


def _first(root: Path, places: Iterable[str]) -> Path | None:
    return next((root / place for place in places if _holds_weights(root / place)), None)


def _holds_weights(path: Path) -> bool:
    if path.is_dir():
        return (path / METADATA).is_file() or any(path.glob("*.safetensors")) or any(path.glob(f"*{INDEX_SUFFIX}"))
    return path.is_file()
