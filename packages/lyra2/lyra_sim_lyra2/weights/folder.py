"""A weights folder as the generator takes it: one place for each network, and a record of where all of it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyra_sim.data.files import read_json
from lyra_sim.errors import InputError
from lyra_sim.plugins import Licence, find_plugin
from lyra_sim.scene.lyra2 import WEIGHTS_RECORD, Lyra2Config
from lyra_sim.store.digests import digest_of, file_digest
from lyra_sim_lyra2.weights.licences import licence_of

if TYPE_CHECKING:
    import torch

RECORD = WEIGHTS_RECORD
FORMAT = 1
"""Of the record."""
NEGATIVE_PROMPT = "negative_prompt"
"""Name of the tensor, and of the file it stands in."""
NETWORK_CLASS = "WorldTransformer3DModel"
PARTS = ("transformer", "vae", "text_encoder", "image_encoder")
"""Folders with weights."""
TRAINED, UNTRAINED = "trained", "untrained"


@dataclass(frozen=True, kw_only=True)
class WeightsFolder:
    """What :meth:`open` found."""

    root: Path
    record: Mapping[str, Any]
    """What was written when the folder was made; empty where something else made it."""

    @classmethod
    def open(cls, path: Path) -> "WeightsFolder":
        """Check that a folder is laid out as ours are, and that its files are those of its record (by size).

        Raises:
            InputError: What is missing or damaged.
        """
        if not path.is_dir():
            raise InputError(
                str(path),
                "no such folder",
                expected="a folder of weights",
                next_step="Make one of the published files with `lyra-sim weights convert SRC DST`.",
            )
        for part in ("transformer", "vae"):
            if not (path / part / "config.json").is_file():
                raise InputError(
                    str(path),
                    f"it has no {part}/config.json",
                    expected="a folder that `lyra-sim weights convert` or `lyra-sim weights random` wrote",
                    likely="These are the published files, which have to be converted once.",
                    next_step="Run `lyra-sim weights convert SRC DST` and give DST.",
                )
        config = read_json(path / "transformer" / "config.json")
        found = config.get("_class_name") if isinstance(config, dict) else None
        if found != NETWORK_CLASS:
            raise InputError(
                str(path / "transformer" / "config.json"),
                f"a network of class {found}",
                expected=NETWORK_CLASS,
                likely="This is a folder of plain Wan 2.1.",
                next_step="Run `lyra-sim weights convert SRC DST` and give DST.",
            )
        return cls(root=path, record=read_record(path))

    @property
    def transformer_path(self) -> Path:
        return self.root / "transformer"

    @property
    def vae_path(self) -> Path:
        return self.root / "vae"

    @property
    def text_encoder_path(self) -> Path | None:
        return self._part("text_encoder/config.json")

    @property
    def tokenizer_path(self) -> Path | None:
        return self._part("tokenizer/tokenizer.json") or self._part("tokenizer/spiece.model")

    @property
    def image_encoder_path(self) -> Path | None:
        return self._part("image_encoder/config.json")

    @cached_property
    def negative_prompt(self) -> "torch.Tensor | None":
        """Embedding [tokens, features] of the text to keep away from; None where the folder has none."""
        file = self.root / f"{NEGATIVE_PROMPT}.safetensors"
        if not file.is_file():
            return None
        from lyra_sim_lyra2.weights.tensor_files import open_tensors

        source = open_tensors(file)
        if NEGATIVE_PROMPT not in source.specs:
            raise InputError(str(file), f"it holds no tensor {NEGATIVE_PROMPT}")
        return source.read([NEGATIVE_PROMPT])[NEGATIVE_PROMPT]

    @property
    def lora_names(self) -> tuple[str, ...]:
        return tuple(sorted(file.stem for file in (self.root / "lora").glob("*.safetensors")))

    def lora(self, name: str) -> Path:
        """File of a LoRA in this folder.

        Raises:
            InputError: There is none of that name.
        """
        if name not in self.lora_names:
            raise InputError(str(self.root / "lora"), f"no LoRA {name}", expected=", ".join(self.lora_names) or "none is there")
        return self.root / "lora" / f"{name}.safetensors"

    @property
    def licence(self) -> str:
        """Key in :data:`~lyra_sim_lyra2.weights.licences.LICENCES`; the strictest without a record, or with weights that
        it doesn't name."""
        named = {self.root / name for name in self.record.get("files", {})}
        strange = any(set((self.root / part).rglob("*.safetensors")) - named for part in PARTS)
        return "lyra2" if strange else str(self.record.get("licence", {}).get("id", "lyra2"))

    @property
    def memory_trained(self) -> bool:
        return self.record.get("memory_conditioning", TRAINED) == TRAINED

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the digests of all files: those of the record, and of files added since (a tokenizer)."""
        files = {name: facts["sha256"] for name, facts in self.record.get("files", {}).items()}
        for file in sorted(self.root.rglob("*")):
            name = file.relative_to(self.root).as_posix()
            if file.is_file() and name not in files and name != RECORD:
                files[name] = file_digest(file)
        return digest_of(files)

    def licence_record(self) -> dict[str, Any]:
        """For every output made with these weights."""
        licence = licence_of(self.licence)
        return {
            "weights_licence": licence.name,
            "weights_licence_terms": licence.terms,
            "weights_sha256": self.digest,
            "memory_conditioning": TRAINED if self.memory_trained else UNTRAINED,
        }

    def _part(self, file: str) -> Path | None:
        return (self.root / file).parent if (self.root / file).is_file() else None


def read_record(root: Path) -> dict[str, Any]:
    """A folder's record, its form and the sizes of the files it names checked; empty where there is none."""
    if not (root / RECORD).is_file():
        return {}
    name, record = str(root / RECORD), read_json(root / RECORD)
    files = record.get("files") if isinstance(record, dict) else None
    well_formed = isinstance(files, dict) and all(
        isinstance(facts, dict) and isinstance(facts.get("sha256"), str) and isinstance(facts.get("size"), int)
        for facts in files.values()
    )
    if files is None or not well_formed or not isinstance(record.get("licence"), dict):
        raise InputError(name, "it isn't a record of weights", likely="It was changed by hand or cut short.")
    if record.get("format") != FORMAT:
        raise InputError(name, f"format {record.get('format')}", expected=f"format {FORMAT}", next_step="Convert again.")
    broken = [
        file for file, facts in files.items() if not (root / file).is_file() or (root / file).stat().st_size != facts["size"]
    ]
    if broken:
        raise InputError(
            str(root),
            f"{len(broken)} files are missing or not as they were written, {min(broken)} first",
            likely="The folder was copied in part.",
            next_step="Copy it again, or convert again.",
        )
    return dict(record)


def licences_of(options: Lyra2Config) -> tuple[Licence, ...]:
    """Licences that a scene's weights come under, the folder's first.

    A LoRA that the folder's record doesn't name may be anybody's: it counts as the strictest.
    """
    folder = WeightsFolder.open(options.weights)
    named = {folder.root / name for name in folder.record.get("files", {})}
    strange = any(file not in named for file, _ in options.lora_files())
    return tuple(licence_of(name) for name in dict.fromkeys([folder.licence, *(["lyra2"] if strange else [])]))


def licence_record(options: Lyra2Config) -> dict[str, Any]:
    """What every output made with a scene's weights says of them: licences and texts, which weights and LoRAs, whose depth."""
    licences = licences_of(options)
    depth = find_plugin("frame_depth", options.depth)
    loras = [f"{file.stem} x {strength:g} ({file_digest(file)})" for file, strength in options.lora_files()]
    return {
        **WeightsFolder.open(options.weights).licence_record(),
        "weights_licence": "; ".join(licence.name for licence in licences),
        "weights_licence_terms": "; ".join(licence.terms for licence in licences if licence.terms) or None,
        "loras": ", ".join(loras) or None,
        "depth": options.depth,
        "depth_weights_licence": depth.weights_licence,
    }
