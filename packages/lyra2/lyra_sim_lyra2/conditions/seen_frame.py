"""A known frame in the form that the network's inputs are made of."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, UInt8

from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath


@dataclass(frozen=True, kw_only=True)
class SeenFrame:
    """Colours, depth and camera; frame and units as the cameras' everywhere else."""

    colours: Float32[torch.Tensor, "3 h w"]
    """Display-referred sRGB, -1..1."""
    z_depth: Float32[torch.Tensor, "h w"]
    """Along the optical axis; NaN unknown."""
    camera: CameraPath
    """One camera."""

    def __post_init__(self) -> None:
        size = (self.camera.height, self.camera.width)
        if len(self.camera) != 1 or self.z_depth.shape != size or self.colours.shape[1:] != size:
            raise GeometryError(
                "known frame",
                f"{len(self.camera)} cameras of {size[1]}x{size[0]}, depth {tuple(self.z_depth.shape)}, "
                f"colours {tuple(self.colours.shape)}",
                expected="one camera, and depth and colours of its size",
            )

    @classmethod
    def of(
        cls,
        *,
        rgb: UInt8[np.ndarray, "h w 3"],
        z_depth: Float32[np.ndarray, "h w"],
        camera: CameraPath,
        width: int,
        height: int,
        device: torch.device | str = "cpu",
    ) -> "SeenFrame":
        """An image of any size at another, cut evenly where the shapes differ: views aren't stretched.

        Colours are averaged, depth is that of the nearest pixel: a mean of two surfaces is none. The camera follows.
        """
        colours = torch.from_numpy(rgb.copy()).to(device).permute(2, 0, 1).float() / 127.5 - 1
        z = torch.from_numpy(z_depth.copy()).to(device)
        if (camera.width, camera.height) == (width, height):
            return cls(colours=colours, z_depth=z, camera=camera)
        scale = max(width / camera.width, height / camera.height)
        grown = max(width, round(camera.width * scale)), max(height, round(camera.height * scale))
        resized = camera.resized(*grown)
        colours = F.interpolate(colours[None], size=grown[::-1], mode="bilinear", antialias=True, align_corners=False)[0]
        z = F.interpolate(z[None, None], size=grown[::-1], mode="nearest-exact")[0, 0]
        left, top = (grown[0] - width) // 2, (grown[1] - height) // 2
        K = resized.K.copy()
        K[:, 0, 2] -= left
        K[:, 1, 2] -= top
        window = (slice(top, top + height), slice(left, left + width))
        return cls(
            colours=colours[:, *window].clamp(-1, 1).contiguous(),
            z_depth=z[window].contiguous(),
            camera=CameraPath(c2w=resized.c2w, K=K, width=width, height=height),
        )
