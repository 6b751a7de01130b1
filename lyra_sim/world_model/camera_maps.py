"""Cameras as the network is told them: six channels a pixel, ray origin and direction, seen from the latest camera."""

import numpy as np
from jaxtyping import Float32, Float64

from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim.world_model.latent_grid import pixel_unshuffle


def camera_maps(cameras: CameraPath, latest_w2c: Float64[np.ndarray, "4 4"]) -> Float32[np.ndarray, "384 t h8 w8"]:
    """One map a camera: origin (x, y, z), then the unit direction through each pixel's centre, in the latest camera's axes.

    The origin, not the moment of Plücker coordinates (Lyra 2.0, 2026).
    """
    latest_from_camera = latest_w2c @ cameras.c2w
    maps = np.empty((6, len(cameras), cameras.height, cameras.width), np.float32)
    for n, relative in enumerate(latest_from_camera):
        rays = pixel_rays(cameras.K[n], cameras.width, cameras.height).astype(np.float64)
        directions = (rays / np.linalg.norm(rays, axis=-1, keepdims=True)) @ relative[:3, :3].T
        maps[:3, n] = relative[:3, 3, None, None]
        maps[3:, n] = directions.transpose(2, 0, 1)
    return pixel_unshuffle(maps)
