"""What the scene file says of a capture's frame: scale, up axis, and what is assumed where it says nothing."""

from dataclasses import dataclass

from lyra_sim.scene.sources import Scale, ScaleSource, Up, stated_scales


@dataclass(frozen=True, kw_only=True)
class Stated:
    """The user's words on the frame of one scene."""

    scene: str
    """Its name, for messages."""
    scale: Scale
    up: Up
    assumed_camera_height: float
    """Used, and warned about, when nothing tells the scale [m]."""

    @property
    def scales(self) -> tuple[ScaleSource, ...]:
        """What is said of the scale, one by one; empty for a word."""
        return stated_scales(self.scale)

    def subject(self, key: str) -> str:
        """What messages about a key of the scene begin with."""
        return f"scene '{self.scene}': {key}"
