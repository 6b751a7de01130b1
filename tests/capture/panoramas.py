"""Equirectangular pictures of an analytic room."""

import numpy as np

from tests.rooms import Room


def panorama(room: Room, c2w: np.ndarray, *, width: int) -> np.ndarray:
    """sRGB as seen from a place: the middle looks along the camera's z, columns go to its right, rows to its y."""
    height = width // 2
    longitude = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    down = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    around, below = np.meshgrid(longitude, down)
    rays = np.stack([np.cos(below) * np.sin(around), np.sin(below), np.cos(below) * np.cos(around)], axis=-1)
    _, colour = room.cast(c2w[:3, 3], rays.reshape(-1, 3) @ c2w[:3, :3].T)
    return colour.reshape(height, width, 3)
