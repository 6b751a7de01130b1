"""Cameras as the network is told them: six channels a pixel, ray origin and direction, seen from the latest camera."""

import numpy as np
import torch
from jaxtyping import Float32, Float64

from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from lyra_sim_lyra2.conditions.latent_grid import pixel_unshuffle


def camera_maps(
    cameras: CameraPath, latest_w2c: Float64[np.ndarray, "4 4"], device: torch.device | str = "cpu"
) -> Float32[torch.Tensor, "384 t h8 w8"]:
    """One map a camera: origin (x, y, z), then the unit direction through each pixel's centre, in the latest camera's axes.

    The origin, not the moment of Plücker coordinates (Lyra 2.0, 2026).
    """
    latest_from_camera = torch.from_numpy(latest_w2c @ cameras.c2w).to(device)
    maps = torch.empty((6, len(cameras), cameras.height, cameras.width), dtype=torch.float32, device=device)
    for n, relative in enumerate(latest_from_camera):
        if n == 0 or not np.array_equal(cameras.K[n], cameras.K[n - 1]):
            rays = torch.from_numpy(pixel_rays(cameras.K[n], cameras.width, cameras.height)).to(device, torch.float64)
            rays = rays / rays.norm(dim=-1, keepdim=True)
        maps[:3, n] = relative[:3, 3, None, None].float()
        maps[3:, n] = (rays @ relative[:3, :3].T).permute(2, 0, 1).float()
    return pixel_unshuffle(maps)
