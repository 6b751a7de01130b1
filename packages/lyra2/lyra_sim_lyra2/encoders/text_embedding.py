"""Captions as the network takes them: UMT5's tokens, zero past the text's end (Wan 2.1, 2025)."""

import gc
import pickle  # noqa: TID251  (its exception only: torch raises it for files that hold more than tensors)
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file

from lyra_sim.errors import InputError
from lyra_sim_lyra2.encoders.captions import cleaned
from lyra_sim_lyra2.encoders.companion_folder import load_companion

TEXT_TOKENS = 512


class TextEmbedder:
    """Embeds each caption once. The encoder (11 GB in bfloat16) is loaded when a caption needs it, and can be let go."""

    def __init__(
        self,
        text_encoder_path: Path,
        tokenizer_path: Path,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        """
        Args:
            text_encoder_path: Folder of a UMT5 encoder.
            tokenizer_path: Folder of its tokenizer.
            dtype: Of the encoder's work, and of what comes out.
            device: Where it works, and where embeddings are kept.
        """
        self._encoder_path, self._tokenizer_path = text_encoder_path, tokenizer_path
        self._dtype, self._device = dtype, torch.device(device)
        self._encoder: Any = None
        self._tokenizer: Any = None
        self._known: dict[str, Float[torch.Tensor, "1 512 d"]] = {}

    def embed(self, caption: str) -> Float[torch.Tensor, "1 512 d"]:
        """Of one caption; kept, so that the second call costs nothing.

        Raises:
            InputError: The encoder or tokenizer can't be loaded, or the caption has more than 512 tokens.
        """
        text = cleaned(caption)
        if text not in self._known:
            self._known[text] = self._embed(text)
        return self._known[text]

    def release(self) -> None:
        """Free the encoder's memory; embeddings stay. A caption not yet known loads it again."""
        if self._encoder is None:
            return
        self._encoder = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def loaded(self) -> bool:
        """Whether the encoder is in memory."""
        return self._encoder is not None

    @torch.inference_mode()
    def _embed(self, text: str) -> Float[torch.Tensor, "1 512 d"]:
        if self._tokenizer is None:
            self._tokenizer = _load_tokenizer(self._tokenizer_path)
        tokens = self._tokenizer([text], padding=False, truncation=False, add_special_tokens=True)["input_ids"][0]
        if len(tokens) > TEXT_TOKENS:
            raise InputError(
                f"caption '{text[:40]}…'",
                f"{len(tokens)} tokens",
                expected=f"at most {TEXT_TOKENS}",
                next_step="Shorten it; the network takes no more.",
            )
        if self._encoder is None:
            from transformers import UMT5EncoderModel

            encoder = load_companion(UMT5EncoderModel, self._encoder_path, self._dtype)
            self._encoder = encoder.to(self._device).eval().requires_grad_(False)
        ids = torch.zeros((1, TEXT_TOKENS), dtype=torch.long, device=self._device)
        mask = torch.zeros_like(ids)
        ids[0] = self._tokenizer.pad_token_id
        ids[0, : len(tokens)] = torch.tensor(tokens, device=self._device)
        mask[0, : len(tokens)] = 1
        told = self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state.to(self._dtype)
        return told * mask[..., None].to(self._dtype)


def negative_embedding(file: Path, *, width: int) -> Float[torch.Tensor, "1 512 d"]:
    """What guidance leads away from, embedded already: the published network has it in no other form. On the CPU, float32.

    Args:
        file: ``.safetensors``, or ``.pt`` of torch; one tensor of up to 512 tokens.
        width: Of the text encoder's tokens, 4096 for UMT5-XXL.

    Raises:
        InputError: It holds anything else.
    """
    tensor = _one_tensor(file)
    shape = tuple(tensor.shape)
    told = tensor[None] if tensor.ndim == 2 else tensor
    if told.ndim != 3 or told.shape[0] != 1 or not 1 <= told.shape[1] <= TEXT_TOKENS or told.shape[2] != width:
        raise InputError(str(file), f"a tensor of shape {shape}", expected=f"[1, up to {TEXT_TOKENS}, {width}]")
    told = told.to(torch.float32)
    if not bool(torch.isfinite(told).all()):
        raise InputError(str(file), "its embedding holds values that aren't finite", expected="numbers")
    out = torch.zeros((1, TEXT_TOKENS, width), dtype=torch.float32)
    out[:, : told.shape[1]] = told
    return out


def _load_tokenizer(path: Path) -> Any:
    from transformers import AutoTokenizer

    if not path.is_dir():
        raise InputError(str(path), "no such folder", expected="the tokenizer of google/umt5-xxl")
    try:
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise InputError(
            str(path), f"no tokenizer can be read from it ({error})", expected="that of google/umt5-xxl"
        ) from error


def _one_tensor(file: Path) -> torch.Tensor:
    """The only tensor in a file; code in it is never run."""
    if not file.is_file():
        raise InputError(str(file), "no such file", expected="an embedding in .safetensors or .pt")
    try:
        held = load_file(file) if file.suffix == ".safetensors" else torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(
            str(file),
            f"it can't be read as tensors ({str(error).splitlines()[0]})",
            expected="one tensor in .safetensors or .pt",
            likely="It holds more than tensors, or is damaged.",
        ) from error
    values = list(held.values()) if isinstance(held, dict) else held if isinstance(held, list | tuple) else [held]
    if len(values) != 1 or not isinstance(values[0], torch.Tensor):
        raise InputError(str(file), f"{len(values)} entries", expected="one tensor")
    return values[0]
