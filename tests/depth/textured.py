"""An analytic room with random texture everywhere: photos whose true depth is known."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath, pixel_rays, project
from lyra_sim.geometry.rigid import Similarity
from tests.rooms import Room, camera_path, look

WIDTH, HEIGHT, FOCAL = 160, 120, 130.0


@cache
def textured_room(views: int = 7) -> tuple[Room, np.ndarray, np.ndarray]:
    """(room, rgb uint8 (n, h, w, 3), z_depth float32 (n, h, w)): a walk sideways past a box in front of a wall."""
    c2w = [look(np.array([0.5, y, 1.2]), 0.06 * np.sin(3 * y), -0.2) for y in np.linspace(1.4, 2.6, views)]
    room = Room(
        air_low=np.zeros(3),
        air_high=np.array([4.5, 4.0, 2.6]),
        boxes={"box": (np.array([2.2, 1.8, 0.0]), np.array([2.8, 2.5, 1.1]))},
        cameras=camera_path(c2w, width=WIDTH, height=HEIGHT, focal=FOCAL),
    )
    rays = pixel_rays(room.cameras.K[0], WIDTH, HEIGHT).reshape(-1, 3).astype(np.float64)
    images, depths = [], []
    for pose in room.cameras.c2w:
        directions = rays @ pose[:3, :3].T
        z, _ = room.cast(pose[:3, 3], directions)
        grey = texture(pose[:3, 3] + z[:, None] * directions)
        images.append(np.repeat(grey.reshape(HEIGHT, WIDTH, 1), 3, axis=2))
        depths.append(z.reshape(HEIGHT, WIDTH).astype(np.float32))
    return room, np.stack(images), np.stack(depths)


def texture(points: np.ndarray) -> np.ndarray:
    """Grey 0..255 of world points: waves of many directions and lengths, so that no place looks like another."""
    rng = np.random.default_rng(5)
    lengths = rng.uniform(0.1, 0.6, 40)
    waves = rng.normal(size=(40, 3))
    waves *= (2 * np.pi / lengths / np.linalg.norm(waves, axis=1))[:, None]
    value = np.sin(points @ waves.T + rng.uniform(0, 6.3, 40)).sum(axis=1)
    return np.clip(128 + 14 * value, 0, 255).astype(np.uint8)


def sparse_of(room: Room, depths: np.ndarray, every: int = 12) -> SparsePoints:
    """Every so many pixels of each view as points, seen by all views that truly see them."""
    path = room.cameras
    rays = pixel_rays(path.K[0], WIDTH, HEIGHT)
    picked = [(rays * z[..., None])[::every, ::every].reshape(-1, 3) for z in depths]
    points = np.concatenate(
        [p.astype(np.float64) @ c2w[:3, :3].T + c2w[:3, 3] for p, c2w in zip(picked, path.c2w, strict=True)]
    )
    rows, seers, places = [], [], []
    for view, w2c in enumerate(path.w2c):
        uv, z = project(points, path.K[view], w2c)
        u, v = np.floor(uv).astype(int).T
        ok = (z > 0) & (u >= 0) & (v >= 0) & (u < WIDTH) & (v < HEIGHT)
        ok[ok] &= np.abs(depths[view][v[ok], u[ok]] / z[ok] - 1) < 0.02
        K = path.K[view]
        rows.append(np.flatnonzero(ok))
        seers.append(np.full(ok.sum(), view))
        places.append((uv[ok] - K[:2, 2]) / [K[0, 0], K[1, 1]])
    return SparsePoints(
        points=points,
        point_index=np.concatenate(rows).astype(np.int32),
        view_index=np.concatenate(seers).astype(np.int32),
        xy=np.concatenate(places),
    )


def capture_of(
    folder: Path, images: np.ndarray, cameras: CameraPath, sparse: SparsePoints | None, *, held_out: tuple[int, ...] = ()
) -> Capture:
    """The images as a photo capture in ``folder``: metres, z up, true cameras, no depth."""
    (folder / "rgb").mkdir(parents=True)
    names = tuple(f"{index:02d}" for index in range(len(images)))
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / "rgb" / f"{name}.png")
    Image.fromarray(np.full(images.shape[1:3], 255, np.uint8)).save(folder / "valid.png")
    return Capture(
        views=Views(folder=folder, names=names, rgb_suffix=".png", units_per_depth_count=None),
        cameras=cameras,
        world_from_capture=Similarity.identity(),
        scale=ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.0, source="declared metric"),
        held_out=held_out,
        frame_agreement=None,
        up_source="declared z",
        depth=None,
        sparse=sparse,
    )
