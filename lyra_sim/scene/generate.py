"""What is generated: the camera path through the world, and who draws what no photo shows. Part of the scene file."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from lyra_sim.scene.plugin_choice import GeneratorName, Options, validated_options
from lyra_sim.scene.sources import Model, PosedBy

CHUNK_FRAMES = 80
"""New frames a chunk: 20 latents of 4 frames (Lyra 2.0, 2026); a video has 1 + 80 k frames. Convention."""


PresetName = Literal["walk_through", "orbit", "look_around", "there_and_back"]
_BELONGS_TO = {
    "length": ("walk_through", "there_and_back"),
    "turn_deg": ("orbit", "look_around"),
    "radius": ("orbit",),
}
"""Presets that a key means something to."""


class PresetPath(Model):
    """A camera path made from the capture's own cameras; lengths in provisional metres."""

    preset: PresetName
    """``walk_through``: along the photos' own way, smoothed; from one photo, straight ahead. ``orbit``: around what the start
    photo looks at. ``look_around``: one turn on the spot. From one photo alone, both turn by a quarter of its width to a side
    at most. ``there_and_back``: a walk, and the same way home, so that frame n - 1 - i has exactly the camera of frame i."""
    start: str | None = None
    """Name of the photo the path starts at, looking as it does; None: the first one. A walk goes on from there to the end
    of the photos' way that leaves more of it."""
    length: Annotated[float, Field(ge=0.1)] | Literal["auto"] = "auto"
    """Way of a walk to its end, or to where ``there_and_back`` turns [m]; along photos, no longer than theirs. auto: the
    photos' own way, or from one photo half its median depth, as far as frames 0.1 m apart reach."""
    turn_deg: float = Field(default=360.0, gt=0, le=3600)
    """Angle of ``orbit`` and ``look_around`` [degrees], to the left; an orbit goes right where photos saw more of the way."""
    radius: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    """How far ahead of the start photo that lies which an orbit goes around [m]; auto: the median depth of its middle."""

    @model_validator(mode="after")
    def _keys_of_the_preset(self) -> "PresetPath":
        for key, presets in _BELONGS_TO.items():
            stated = getattr(self, key) != type(self).model_fields[key].default
            if stated and self.preset not in presets:
                raise ValueError(f"no {key} for {self.preset}: it belongs to {' and '.join(presets)}")
        return self


class FilePath(PosedBy):
    """A camera path from a file: Lyra's npz (``w2c``, ``intrinsics``, ``image_height``, ``image_width``) or transforms.json."""

    file: Path
    frame: Literal["provisional", "first_camera"] = "provisional"
    """``provisional``: the capture's provisional metric frame, z up. ``first_camera``: the file's first camera is put where
    the first photo was taken."""
    metres_per_unit: float = Field(default=1.0, gt=0)
    """Length of one unit of the file [m]."""


class GenerateConfig(Model):
    """generate: a camera path, and the video of the world along it."""

    path: PresetPath | FilePath | None = None
    """The camera path; None: nothing is generated. A preset's name alone, or a file's, is enough."""
    backend: GeneratorName = "reproject"
    """A generator that ``lyra-sim plugins`` lists."""
    options: Options = Field(default=None, validate_default=True)
    """What that generator needs to know beyond this section, by its own model."""
    chunks: int = Field(default=2, ge=1, le=1000)
    """Chunks of 80 frames; the video has 1 + 80 chunks frames. A shorter file gives what it has."""
    side: int = Field(default=512, ge=64, le=2048, multiple_of=16)
    """Longer side of the frames [px]; the shorter follows the photos, both in whole multiples of 16. What doesn't fit is cut
    off evenly: views aren't stretched."""
    retrieved: int = Field(default=5, ge=1, le=32)
    """Known frames retrieved for what is drawn at once, at most (Lyra 2.0: 5)."""
    retrieval_views: int = Field(default=4, ge=1, le=80)
    """Cameras of a chunk, the last one among them, whose depth is compared with that of the known frames retrieved for them."""
    clearance: float = Field(default=0.2, ge=0)
    """The path keeps this far from what is known to be there [m], or as far as a photo that was taken nearer; it is bent
    aside or ends where it can't. 0 lets it go anywhere."""
    fps: float = Field(default=16.0, ge=0.1, le=240)
    """Of ``video/walkthrough.mp4`` [1/s]."""

    @field_validator("options", mode="before")
    @classmethod
    def _by_the_plug_ins_model(cls, value: Any, info: ValidationInfo) -> Any:
        return validated_options("generate", info.data.get("backend"), value)

    @field_validator("path", mode="before")
    @classmethod
    def _one_kind_of_path(cls, value: Any) -> Any:
        """A bare word or path as what it is short for; then as the one kind it is, so that a mistake is told of that alone."""
        if isinstance(value, str) and not Path(value).suffix and "/" not in value:
            value = {"preset": value}
        elif isinstance(value, str | Path):
            value = {"file": value}
        if not isinstance(value, dict):
            if value is None or isinstance(value, Model):
                return value
            raise ValueError("a preset's name, the path of a file, or a mapping of keys to values")
        if ("preset" in value) == ("file" in value):
            raise ValueError("a mapping with either preset or file")
        return PresetPath.model_validate(value) if "preset" in value else FilePath.model_validate(value)
