"""What the ``lyra2`` generator is told: which weights, which words, how it samples, and how much memory it may take."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from lyra_sim.scene.sources import Model

WEIGHTS_RECORD = "lyra_sim_weights.json"
"""What a weights folder says of itself: licence, origin, and a digest of every file."""

DISTILLED_LORA = "dmd_distillation"
"""Without it the network can't draw in four steps."""

MemoryProfile = Literal["auto", "80gb", "48gb", "24gb", "cpu"]


class LoraUse(Model):
    """Low-rank changes to the weights, added once when they are loaded."""

    name: str | None = None
    """Of a file in the weights folder's ``lora/``, without its ending."""
    file: Path | None = None
    """One from elsewhere (.safetensors)."""
    strength: float = Field(default=1.0, ge=-4, le=4)

    @model_validator(mode="after")
    def _one_file(self) -> "LoraUse":
        if (self.name is None) == (self.file is None):
            raise ValueError("either name or file")
        return self


class Lyra2Config(Model):
    """generate.lyra2: the video network of Lyra 2.0; needs ``generate.backend: lyra2``."""

    weights: Path
    """Folder that ``lyra-sim weights convert`` wrote."""
    sampler: Literal["guided", "distilled"] = "guided"
    """``guided``: UniPC away from the negative prompt, 35 steps of two calls. ``distilled``: four steps of one call, with the
    LoRA ``dmd_distillation`` added to the weights."""
    steps: int = Field(default=35, ge=2, le=200)
    """Of the guided sampler."""
    guidance: float = Field(default=5.0, ge=1, le=20)
    """Of the guided sampler; 1 ignores the negative prompt and halves the work."""
    loras: tuple[LoraUse, ...] = ()
    """Beside the sampler's own."""
    caption: str | None = None
    """What the whole video shows, in a sentence or two."""
    captions: Path | None = None
    """captions.json, ``{"0": "...", "160": "..."}``: each chunk takes the last caption at or before its first frame."""
    negative: str | None = None
    """Text to keep away from. None: the embedding that is named here or that the weights folder holds, else no words."""
    negative_file: Path | None = None
    """File with the embedding of such a text (.safetensors, .pt)."""
    depth: str = "plane_sweep"
    """Who tells the depth of drawn frames: a plug-in of kind ``frame_depth`` that ``lyra-sim plugins`` lists."""
    depth_weights: Path | None = None
    """Folder of that plug-in's weights, where it has any."""
    memory: MemoryProfile = "auto"
    """How the networks are placed. auto: the largest profile that the GPU holds; ``lyra-sim doctor`` says which."""
    precision: Literal["bfloat16", "float8"] = "bfloat16"
    """Of the large matrix products. ``float8`` is faster and not exact; it needs torchao and compute capability 8.9. On a CPU
    everything is float32."""
    attention: Literal["auto", "native", "cudnn", "flash4"] = "auto"
    """Which attention kernel. auto: cuDNN's on a GPU. ``flash4`` needs flash-attn-4, and is the fastest on an H100."""
    compile: bool = True
    """Compile the network's repeated blocks on a GPU: half a minute once, then faster. Kept in torch's cache."""

    def lora_files(self) -> tuple[tuple[Path, float], ...]:
        """Files and strengths, the distilled sampler's own first; none of them need exist."""
        uses = [(use.file or self.weights / "lora" / f"{use.name}.safetensors", use.strength) for use in self.loras]
        if self.sampler == "distilled" and all(file.stem != DISTILLED_LORA for file, _ in uses):
            uses.insert(0, (self.weights / "lora" / f"{DISTILLED_LORA}.safetensors", 1.0))
        return tuple(uses)

    @model_validator(mode="after")
    def _one_way_of_saying_it(self) -> "Lyra2Config":
        if self.caption is not None and self.captions is not None:
            raise ValueError("either caption or captions")
        if self.negative is not None and self.negative_file is not None:
            raise ValueError("either negative or negative_file")
        return self
