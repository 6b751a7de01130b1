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


def papered(room: Room) -> Room:
    """The room with a paper of blots on every face, so that each place looks like no other."""
    return PaperedRoom(air_low=room.air_low, air_high=room.air_high, boxes=room.boxes, cameras=room.cameras)


class PaperedRoom(Room):
    """Value noise of four sizes over space, which no two places share."""

    def cast(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t, axis, _ = self.hits(origin, directions)
        points = origin + t[:, None] * directions
        levels = sum(weight * _noise(points * scale, 17 * number) for number, (scale, weight) in enumerate(_OCTAVES))
        shade = np.array([0.85, 0.95, 1.0])[axis][:, None]
        return t, np.clip((128 + 150 * levels) * shade, 0, 255).astype(np.uint8)


_OCTAVES = ((3.0, 0.4), (8.0, 0.35), (20.0, 0.3), (45.0, 0.2))
"""Cells a metre, and weight."""


_TABLE = np.random.default_rng(11).uniform(-1, 1, (64, 64, 64, 3)).astype(np.float32)


def _noise(points: np.ndarray, shift: int) -> np.ndarray:
    """Trilinear between random numbers at whole places, -1..1, three channels."""
    cell = np.floor(points).astype(np.int64)
    part = (points - cell).astype(np.float32)
    part = part * part * (3 - 2 * part)
    out = np.zeros((len(points), 3), np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, part, 1 - part), axis=1)
        x, y, z = ((cell + np.array(corner) + shift) % 64).T
        out += weight[:, None] * _TABLE[x, y, z]
    return out
