"""A walk through ``tiny_room``'s first room, and its exact depth at any size."""

from functools import cache

import numpy as np

from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from tests.rooms import Room, camera_path, furnished_room, look


@cache
def walk(count: int = 10, *, step: float = 0.08, width: int = 112, height: int = 84) -> Room:
    """The room with cameras on a bent way: forward, a little aside, turning."""
    c2w = [look(np.array([0.8 + step * n, 1.6 + 0.3 * step * n * n / count, 1.3]), 0.02 * n - 0.1, -0.15) for n in range(count)]
    room = furnished_room(views=2)
    return Room(
        air_low=room.air_low,
        air_high=room.air_high,
        boxes=room.boxes,
        cameras=camera_path(c2w, width=width, height=height, focal=70.0),
    )


def resized_depth(room: Room, cameras: CameraPath, width: int, height: int) -> np.ndarray:
    """Exact z-depth (n, height, width) float32 of cameras at another size, stretched as images are."""
    sized = cameras.resized(width, height)
    out = []
    for K, c2w in zip(sized.K, sized.c2w, strict=True):
        rays = pixel_rays(K, width, height).reshape(-1, 3).astype(np.float64)
        z, _ = room.cast(c2w[:3, 3], rays @ c2w[:3, :3].T)
        out.append(z.reshape(height, width).astype(np.float32))
    return np.stack(out)
