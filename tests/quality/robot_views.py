"""A closed room with exact splats, mesh and hulls, and what its pixels must be, worked out apart from the package."""

from dataclasses import replace

import numpy as np

from lyra_sim.conventions import sh_dc_from_rgb
from lyra_sim.data.splats import Splats
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from tests.rooms import Room, look

ROOM_HIGH = np.array([3.0, 2.6, 2.4])
CRATE = (np.array([1.9, 0.3, 0.0]), np.array([2.5, 0.9, 0.8]))
BOX_OUT = 0.001
"""Boxes that stand on the floor are cast this far into it, so that no two faces lie in one plane [m]."""


def crate_room(cameras: CameraPath) -> Room:
    low, high = CRATE
    return Room(air_low=np.zeros(3), air_high=ROOM_HIGH, boxes={"crate": (low - [0, 0, BOX_OUT], high)}, cameras=cameras)


def robot_cameras(count: int, *, seed: int = 3) -> CameraPath:
    """90 degrees wide, 64 × 48, at robot height, clear of the crate and the walls."""
    rng = np.random.default_rng(seed)
    poses = []
    while len(poses) < count:
        centre = rng.uniform([0.3, 0.3, 0.3], [2.7, 2.3, 1.2])
        if not ((centre[:2] > CRATE[0][:2] - 0.3) & (centre[:2] < CRATE[1][:2] + 0.3)).all():
            poses.append(look(centre, rng.uniform(-np.pi, np.pi), rng.uniform(-0.3, 0.15)))
    K = np.array([[32.0, 0, 32], [0, 32.0, 24], [0, 0, 1]])
    return CameraPath(c2w=np.stack(poses), K=np.tile(K, (count, 1, 1)), width=64, height=48)


def ray_distances(room: Room, cameras: CameraPath) -> np.ndarray:
    """Distance along the ray to the first surface (n, h, w) [m]."""
    rays = pixel_rays(cameras.K[0], cameras.width, cameras.height).reshape(-1, 3).astype(np.float64)
    t = [room.hits(c2w[:3, 3], rays @ c2w[:3, :3].T)[0] for c2w in cameras.c2w]
    return (np.stack(t) * np.linalg.norm(rays, axis=1)).reshape(len(cameras), cameras.height, cameras.width)


def with_boxes(room: Room, **boxes: tuple[np.ndarray, np.ndarray]) -> Room:
    return replace(room, boxes={**room.boxes, **boxes})


def surface_splats(room: Room, *, spacing: float = 0.03) -> Splats:
    """One flat splat per square of ``spacing`` on the walls and on every box, thin across the face."""
    parts, flat = [], []
    for low, high in [(room.air_low, room.air_high), *room.boxes.values()]:
        for axis in range(3):
            u, v = [k for k in range(3) if k != axis]
            a, b = (np.arange(low[k] + spacing / 2, high[k], spacing) for k in (u, v))
            grid = np.zeros((len(a), len(b), 3))
            grid[..., u], grid[..., v] = a[:, None], b[None, :]
            for side in (low[axis], high[axis]):
                grid[..., axis] = side
                parts.append(grid.reshape(-1, 3).copy())
                scales = np.full((len(parts[-1]), 3), 0.7 * spacing)
                scales[:, axis] = 0.002
                flat.append(scales)
    means, n = np.concatenate(parts), sum(map(len, parts))
    return Splats(
        means=means.astype(np.float32),
        quats_wxyz=np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        log_scales=np.log(np.concatenate(flat)).astype(np.float32),
        opacity_logits=np.full(n, 3.0, np.float32),
        sh_coeffs=sh_dc_from_rgb(np.full((n, 3), 0.5))[:, None].astype(np.float32),
    )
