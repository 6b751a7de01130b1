"""What is generated: the camera path through the world, and who draws what no photo shows. Part of the scene file."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from lyra_sim.spec_sources import Model, PosedBy

CHUNK_FRAMES = 80
"""New frames a chunk: 20 latents of 4 frames (Lyra 2.0, 2026); a video has 1 + 80 k frames."""


PresetName = Literal["walk_through", "orbit", "look_around", "there_and_back"]


class PresetPath(Model):
    """A camera path made from the capture's own cameras; lengths in provisional metres."""

    preset: PresetName
    """``walk_through``: along the photos' own way, smoothed; from one photo, straight ahead. ``orbit``: around what the start
    photo looks at. ``look_around``: one turn on the spot. ``there_and_back``: a walk, and the same way home."""
    start: str | None = None
    """Name of the photo the path starts at, looking as it does; None: the first one."""
    length: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    """Way of a walk to its end, or to where ``there_and_back`` turns [m]. auto: the photos' own way; from one photo, half
    its median depth."""
    turn_deg: float = Field(default=360.0, gt=0, le=3600)
    """Angle of ``orbit`` and ``look_around`` [degrees]."""
    radius: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    """Of an orbit [m]; auto: the median depth of the start photo's middle."""


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
    backend: str = "reproject"
    """A generator that ``lyra-sim plugins`` lists."""
    chunks: int = Field(default=2, ge=1, le=1000)
    """Chunks of 80 frames; the video has 1 + 80 chunks frames. A shorter file gives what it has."""
    side: int = Field(default=512, ge=64, le=4096)
    """Longer side of the frames [px]; the shorter follows the photos, both in whole multiples of 16."""
    retrieved: int = Field(default=5, ge=1, le=32)
    """Known frames a chunk is drawn from, at most (Lyra 2.0: 5)."""
    retrieval_views: int = Field(default=4, ge=1, le=80)
    """Cameras of a chunk whose view the retrieved frames should cover, the last one always among them (Lyra 2.0: 1)."""
    clearance: float = Field(default=0.2, ge=0)
    """The path keeps this far from what is known to be there [m]; 0 lets it go anywhere."""
    fps: float = Field(default=16.0, gt=0, le=240)
    """Of ``video/walkthrough.mp4`` [1/s]."""

    @field_validator("path", mode="before")
    @classmethod
    def _bare_path(cls, value: Any) -> Any:
        if isinstance(value, str) and value in get_args(PresetName):
            return {"preset": value}
        if isinstance(value, str | Path):
            return {"file": value}
        return value
