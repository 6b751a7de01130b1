"""Turns published weights into a folder of ours, once, tensor by tensor: whole at the end or not there at all."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lyra_sim.data.files import write_json
from lyra_sim.errors import EnvironmentNotReady, InputError, SpecError
from lyra_sim_lyra2.weights.companions import open_image_encoder, open_text_encoder, open_vae
from lyra_sim_lyra2.weights.folder import FORMAT, NEGATIVE_PROMPT, RECORD, TRAINED, UNTRAINED, read_record
from lyra_sim_lyra2.weights.licences import licence_of, require_accepted
from lyra_sim_lyra2.weights.network_part import NetworkPart
from lyra_sim_lyra2.weights.published_layout import PublishedFiles, find_published
from lyra_sim_lyra2.weights.shards import file_facts, write_network, write_safetensors
from lyra_sim_lyra2.weights.tensor_files import open_tensors
from lyra_sim_lyra2.weights.tensor_source import TensorSpec
from lyra_sim_lyra2.weights.torch_file import read_torch_file
from lyra_sim_lyra2.weights.transformer import open_transformer

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
MARK = "unfinished"
"""A file in a folder under work, so that only folders of ours are ever cleared away."""
EMBEDDING_KEY = "t5_text_embeddings"
TOKENIZER_HINT = (
    "tokenizer: missing. It is not part of the published weights: download tokenizer.json, tokenizer_config.json, "
    "special_tokens_map.json and spiece.model of google/umt5-xxl and put them into {}/tokenizer/."
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A new weights folder, and what its user should know of it."""

    folder: Path
    parts: tuple[str, ...]
    memory_trained: bool
    licence: str
    notes: tuple[str, ...]
    """Lines to print."""


def convert(
    source: Path,
    target: Path,
    *,
    dtype: torch.dtype = torch.bfloat16,
    shard_gb: float = 4.0,
    accepted: Collection[str] = (),
    heads: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Written:
    """Write the weights at ``source`` as a folder of ours.

    Args:
        source: The published folder (``checkpoints``), a folder of Wan 2.1, or the network's weights alone.
        target: Must not exist.
        dtype: Of the network and the encoders; norms, tables and the time embedding stay float32, and so does the VAE.
        shard_gb: Largest size of a file [GB].
        accepted: Licences that the user has accepted.
        heads: Of attention, where the file doesn't say and heads aren't 128 features wide.
        say: Told what is being done.

    Raises:
        InputError: The source isn't what it should be.
        SpecError: The target exists, or the licence isn't accepted.
        EnvironmentNotReady: The disk is too small.
    """
    published = find_published(source)
    weights = open_transformer(published.transformer, heads=heads, dtype=dtype)
    own = _trusted_record(published.root, weights.part.source.files)
    memory_trained = weights.memory_trained and own.get("memory_conditioning") != UNTRAINED
    strange = any(f"lora/{lora.name}" not in own.get("files", {}) for lora in published.loras)
    licence = own.get("licence", {}).get("id") or ("lyra2" if memory_trained else "wan2.1")
    if strange and licence != "lyra2":
        licence = "lyra2"  # a LoRA that no record of ours names may be NVIDIA's
    require_accepted(licence, accepted)
    parts = [weights.part]
    if published.vae is not None:
        parts.append(open_vae(published.vae))
    if published.text_encoder is not None:
        parts.append(open_text_encoder(published.text_encoder, dtype))
    if published.image_encoder is not None:
        parts.append(open_image_encoder(published.image_encoder, dtype))
    negative = None if published.negative_prompt is None else read_negative_prompt(published.negative_prompt)
    _check_together(weights.config, parts, negative)
    for lora in published.loras:
        open_tensors(lora)
    record: dict[str, Any] = {
        "memory_conditioning": TRAINED if memory_trained else UNTRAINED,
        "not_weights": list(weights.ignored),
    }
    with new_folder(target, parts) as folder:
        files, came_from = write_parts(folder, parts, shard_gb=shard_gb, root=published.root, say=say)
        if negative is not None and published.negative_prompt is not None:
            files.update(write_negative_prompt(folder, negative.to(dtype)))
            kind = published.negative_prompt.suffix.removeprefix(".")
            came_from[NEGATIVE_PROMPT] = _origin([published.negative_prompt], published.root, kind)
        copies = {f"lora/{file.name}": file for file in published.loras}
        copies.update({f"tokenizer/{file.name}": file for file in published.tokenizer})
        for name, file in copies.items():
            say(f"copying {name}")
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, folder / name)
            files[name] = file_facts(folder / name)
        write_record(folder, licence=licence, files=files, parts=came_from, **record)
    names = (*came_from, *sorted({name.split("/")[0] for name in copies}))
    return Written(
        folder=target,
        parts=names,
        memory_trained=memory_trained,
        licence=licence,
        notes=_notes(target, published, licence, memory_trained, weights.ignored, names),
    )


def write_parts(
    folder: Path, parts: Collection[NetworkPart], *, shard_gb: float, root: Path | None, say: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write networks; returns what is known of every file, and where each network came from."""
    if not shard_gb > 0:
        raise SpecError("--shard-gb", f"{shard_gb:g}", expected="more than 0")
    files, came_from = {}, {}
    for part in parts:
        size = sum(spec.size for spec in part.specs().values())
        say(f"writing {part.folder}: {len(part.shapes)} tensors, {size / 1e9:.2f} GB, from {part.source.kind}")
        files.update(write_network(folder, part, shard_bytes=int(shard_gb * 1e9)))
        came_from[part.folder] = _origin(part.source.files, root, part.source.kind)
    return files, came_from


def write_record(folder: Path, *, licence: str, files: dict[str, Any], parts: dict[str, Any], **more: Any) -> None:
    """The last file of a folder."""
    terms = licence_of(licence)
    stated = {"id": licence, "name": terms.name, "terms": terms.terms}
    write_json(folder / RECORD, {"format": FORMAT, "licence": stated, "files": files, "parts": parts, **more})


def write_negative_prompt(folder: Path, embedding: torch.Tensor) -> dict[str, Any]:
    """The embedding [tokens, features] in a file of its own."""
    file = folder / f"{NEGATIVE_PROMPT}.safetensors"
    spec = TensorSpec(tuple(embedding.shape), embedding.dtype)
    return {file.name: write_safetensors(file, {NEGATIVE_PROMPT: spec}, iter([(NEGATIVE_PROMPT, embedding)]))}


def read_negative_prompt(path: Path) -> torch.Tensor:
    """The published embedding as [tokens, features]; the text behind it isn't published."""
    if path.suffix == ".safetensors":
        source = open_tensors(path)
        stored: Any = source.read(source.specs)
    else:
        stored = read_torch_file(path)
    if isinstance(stored, dict):
        stored = stored.get(EMBEDDING_KEY, stored.get(NEGATIVE_PROMPT))
    if isinstance(stored, list) and len(stored) == 1:
        stored = stored[0]
    if isinstance(stored, torch.Tensor) and stored.ndim == 3 and stored.shape[0] == 1:
        stored = stored[0]
    if not isinstance(stored, torch.Tensor) or stored.ndim != 2 or not stored.is_floating_point():
        raise InputError(str(path), "it holds no text embedding", expected=f"{EMBEDDING_KEY}, tokens by features")
    return stored


def _trusted_record(root: Path, files: Collection[Path]) -> dict[str, Any]:
    """Of a folder that is ours already, to be written in another precision; empty unless it names all of these files.

    A record says nothing of files that were put beside it, least of all under which licence they are.
    """
    for place in (root, root.parent):
        record = read_record(place)
        if record and {file.resolve() for file in files} <= {(place / name).resolve() for name in record["files"]}:
            return record
    return {}


@contextmanager
def new_folder(target: Path, parts: Collection[NetworkPart]) -> Iterator[Path]:
    """A folder to write into, which gets its name when all is written and goes when that fails.

    Raises:
        SpecError: The name is taken.
        EnvironmentNotReady: The disk is too small.
    """
    partial = target.parent / f"{target.name}.partial"
    if target.exists() or target.is_symlink():
        raise SpecError(str(target), "it exists", expected="a new folder", next_step="Name another, or remove this one.")
    if partial.exists():
        if not (partial / MARK).is_file() and any(partial.iterdir()):
            raise SpecError(str(partial), "it exists and isn't ours", expected="no such folder", next_step="Move it away.")
        shutil.rmtree(partial)
    needed = sum(spec.size for part in parts for spec in part.specs().values())
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise EnvironmentNotReady(str(target), f"it can't be made ({error.strerror or error})") from error
    try:
        free = shutil.disk_usage(partial).free
        if free < needed:
            raise EnvironmentNotReady(
                str(target), f"{free / 1e9:.1f} GB are free on its disk", expected=f"at least {needed / 1e9:.1f} GB"
            )
        (partial / MARK).touch()
        yield partial
        (partial / MARK).unlink()
        partial.rename(target)
    except OSError as error:
        raise EnvironmentNotReady(str(target), f"it can't be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_together(config: Mapping[str, Any], parts: Collection[NetworkPart], negative: torch.Tensor | None) -> None:
    """What one part hands to another has to be as wide as that expects."""
    given = {part.folder: part.config for part in parts}
    widths = [
        ("text encoder", given.get("text_encoder", {}).get("d_model"), "text_dim"),
        ("negative prompt", None if negative is None else negative.shape[1], "text_dim"),
        ("image encoder", given.get("image_encoder", {}).get("hidden_size"), "image_dim"),
        ("VAE", given.get("vae", {}).get("z_dim"), "out_channels"),
    ]
    for name, width, expected in widths:
        if width is not None and width != config[expected]:
            raise InputError(
                name,
                f"it gives {width} features, and the network takes {config[expected]}",
                likely="Parts of two systems are mixed.",
            )


def _origin(files: Collection[Path], root: Path | None, kind: str) -> dict[str, Any]:
    """Format, and every file by its place in the source with its digest; no paths of this machine."""
    facts = {}
    for file in files:
        inside = root is not None and file.is_relative_to(root)
        facts[file.relative_to(root).as_posix() if inside and root is not None else file.name] = file_facts(file)
    return {"format": kind, "files": facts}


def _notes(
    target: Path,
    published: PublishedFiles,
    licence: str,
    memory_trained: bool,
    ignored: tuple[str, ...],
    names: Collection[str],
) -> tuple[str, ...]:
    notes = []
    if licence == "random":
        notes.append("random weights: no meaning in what they draw")
    elif not memory_trained:
        notes.append(
            "memory conditioning: untrained. These are plain Wan 2.1 weights: camera and correspondence encoders are zero, "
            "and the layers for packed history start as means of the base layer."
        )
    if ignored:
        notes.append(f"left out: {len(ignored)} tensors that are no weights of the network, {ignored[0]} first")
    missing = [part for part in ("vae", "text_encoder", "image_encoder") if part not in names]
    if missing:
        notes.append(f"not there: {', '.join(missing)}; the generator needs them, so give the whole published folder.")
    if NEGATIVE_PROMPT not in names:
        notes.append("negative prompt: none; sampling with guidance needs a text or an embedding of one.")
    if not published.tokenizer:
        notes.append(TOKENIZER_HINT.format(target))
    return tuple(notes)
