"""A known frame in the form that the network's inputs are made of."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath


@dataclass(frozen=True, kw_only=True)
class SeenFrame:
    """Colours, depth and camera; frame and units as the cameras' everywhere else."""

    colours: Float32[np.ndarray, "3 h w"]
    """Display-referred sRGB, -1..1."""
    z_depth: Float32[np.ndarray, "h w"]
    """Along the optical axis; NaN unknown."""
    camera: CameraPath
    """One camera."""

    def __post_init__(self) -> None:
        size = (self.camera.height, self.camera.width)
        if len(self.camera) != 1 or self.z_depth.shape != size or self.colours.shape[1:] != size:
            raise GeometryError(
                "known frame",
                f"{len(self.camera)} cameras of {size[1]}x{size[0]}, depth {self.z_depth.shape}, colours {self.colours.shape}",
                expected="one camera, and depth and colours of its size",
            )
