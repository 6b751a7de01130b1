"""An empty box room of plain surfaces seen by one camera: the case a layout prior is made for, with every number known."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lyra_sim.geometry.cameras import pixel_rays
from tests.rooms import look

COLOURS = {0: (120, 95, 70), 1: (238, 238, 235), 2: (200, 205, 190), 3: (180, 186, 176), 4: (214, 208, 196)}
"""Floor, ceiling, ahead, left, right."""


@dataclass(frozen=True, kw_only=True)
class PlainRoom:
    """Distances of its faces from the camera [m]."""

    camera_height: float = 1.4
    ahead: float = 4.2
    left: float = 1.9
    right: float = 2.3
    ceiling: float = 1.1
    yaw: float = 0.15
    pitch: float = -0.1
    width: int = 640
    height: int = 480
    focal: float = 480.0

    @property
    def K(self) -> np.ndarray:
        return np.array([[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1.0]])

    @property
    def c2w(self) -> np.ndarray:
        return look(np.array([0.0, 0.0, self.camera_height]), self.yaw, self.pitch)

    def render(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image, z-depth and surface; walls carry pictures and a door, the floor boards, the ceiling nothing."""
        big = 2
        K = self.K.copy()
        K[:2] *= big
        rays = pixel_rays(K, self.width * big, self.height * big).astype(float) @ self.c2w[:3, :3].T
        x, y, z = np.moveaxis(rays, -1, 0)
        with np.errstate(divide="ignore"):
            reach = np.stack(
                [
                    np.where(z < 0, -self.camera_height / z, np.inf),
                    np.where(z > 0, self.ceiling / z, np.inf),
                    np.where(x > 0, self.ahead / x, np.inf),
                    np.where(y > 0, self.left / y, np.inf),
                    np.where(y < 0, -self.right / y, np.inf),
                ]
            )
        surface = reach.argmin(axis=0)
        depth = reach.min(axis=0)
        at = rays * depth[..., None] + [0, 0, self.camera_height]
        colours = np.array([COLOURS[k] for k in range(5)], float)[surface]
        along = np.where(surface == 2, at[..., 1], at[..., 0])
        upright = at[..., 2]
        picture = (surface >= 2) & (np.abs(np.mod(along, 1.3) - 0.6) < 0.25) & (np.abs(upright - 1.5) < 0.3)
        door = (surface == 2) & (np.abs(along + 0.9) < 0.4) & (upright < 2.0)
        boards = (surface == 0) & (np.mod(at[..., 1], 0.4) < 0.03)
        colours[picture] *= 0.55
        colours[door] *= 0.75
        colours[boards] *= 0.8
        colours += np.random.default_rng(4).normal(0, 3, colours.shape)
        small = colours.reshape(self.height, big, self.width, big, 3).mean(axis=(1, 3))
        image = np.clip(ndimage.gaussian_filter(small, (0.5, 0.5, 0)), 0, 255).astype(np.uint8)
        return image, depth[1::big, 1::big].astype(np.float32), surface[1::big, 1::big]
