"""Captures with a known depth: held-out procedural rooms, and posed RGB-D walks taken as if they were photos."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, UInt8
from PIL import Image
from scipy import ndimage

from lyra_sim.conventions import c2w_opencv_from_opengl
from lyra_sim.data.capture import Capture
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.data.views import Views
from lyra_sim.depth.network.examples import TEXTURES
from lyra_sim.geometry.cameras import CameraPath, pixel_rays, project
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.synthetic.chance import Chance
from lyra_sim.synthetic.photos import photograph
from lyra_sim.synthetic.rooms import make_rooms
from lyra_sim.synthetic.shade import Tracer
from lyra_sim.synthetic.textures import make_atlas
from lyra_sim.synthetic.viewpoints import choose_shots

TEXTURE = 0.02
"""Local deviation of the grey value from which a feature would be found. Convention."""
SEEN = 0.02
"""A view sees a point whose depth differs from its own by less than this fraction. Convention."""
TOGETHER = 4
"""Rooms rendered at once. Convention."""
GRID = 40
"""Stand-ins for features lie this many to a row. Convention."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Photos, cameras and the truth."""

    rgb: UInt8[np.ndarray, "n h w 3"]
    z_depth: Float32[np.ndarray, "n h w"]
    """[m]; NaN where there is none."""
    cameras: CameraPath

    def capture(self) -> Capture:
        """As the depth step gets one: no depth, and sparse points where photos have texture."""
        names = tuple(f"{index:05d}" for index in range(len(self.rgb)))
        return Capture(
            views=Held(folder=Path("."), names=names, rgb_suffix="", units_per_depth_count=None, images=tuple(self.rgb)),
            cameras=self.cameras,
            world_from_capture=Similarity.identity(),
            scale=ScaleEstimate(metres_per_unit=1.0, sigma_relative=0.0, source="declared metric"),
            held_out=(),
            frame_agreement=None,
            up_source="declared z",
            depth=None,
            sparse=stand_ins(self),
        )


@dataclass(frozen=True, kw_only=True)
class Held(Views):
    """Views in memory."""

    images: tuple[UInt8[np.ndarray, "h w 3"], ...]

    def rgb(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        return self.images[index]

    def valid(self, index: int) -> Bool[np.ndarray, "h w"]:
        return np.ones(self.images[index].shape[:2], bool)


def stand_ins(walk: Walk) -> SparsePoints:
    """Points of a grid where a photo has texture, and every view that sees them: what feature matching would leave."""
    cameras = walk.cameras
    step = cameras.width // GRID
    w2c, found, index, view_index, xy = cameras.w2c, [], [], [], []
    total = 0
    for view, (rgb, z) in enumerate(zip(walk.rgb, walk.z_depth, strict=True)):
        grey = rgb.mean(axis=2, dtype=np.float32) / 255
        spread = np.sqrt(np.maximum(ndimage.uniform_filter(grey**2, 7) - ndimage.uniform_filter(grey, 7) ** 2, 0))
        rows, columns = np.mgrid[step // 2 : cameras.height : step, step // 2 : cameras.width : step]
        there = (spread[rows, columns] > TEXTURE) & np.isfinite(z[rows, columns])
        rows, columns = rows[there], columns[there]
        rays = pixel_rays(cameras.K[view], cameras.width, cameras.height)[rows, columns].astype(np.float64)
        points = (rays * z[rows, columns, None]) @ cameras.c2w[view, :3, :3].T + cameras.c2w[view, :3, 3]
        for other in range(len(cameras)):
            uv, depth = project(points, cameras.K[other], w2c[other])
            inside = (depth > 0) & (uv >= 0).all(axis=1) & (uv[:, 0] < cameras.width) & (uv[:, 1] < cameras.height)
            kept = np.flatnonzero(inside)
            measured = walk.z_depth[other][uv[kept, 1].astype(int), uv[kept, 0].astype(int)]
            kept = kept[np.abs(measured / depth[kept] - 1) < SEEN]
            there_xy = np.linalg.solve(cameras.K[other], np.c_[uv[kept], np.ones(len(kept))].T).T[:, :2]
            index.append(kept + total)
            view_index.append(np.full(len(kept), other))
            xy.append(there_xy)
        found.append(points)
        total += len(points)
    return SparsePoints(
        points=np.concatenate(found),
        point_index=np.concatenate(index).astype(np.int32),
        view_index=np.concatenate(view_index).astype(np.int32),
        xy=np.concatenate(xy).astype(np.float64),
    )


def room_walks(
    count: int,
    seed: int,
    device: torch.device,
    *,
    views: int = 9,
    width: int = 256,
    height: int = 192,
    tracer: Tracer | None = None,
) -> Iterator[Walk]:
    """Procedural rooms from a series that no training draws from; cameras are true, and every view has its depth.

    Args:
        count: Rooms, one walk each.
        seed: Of the series.
        device: To render on; walks are in memory of the CPU.
        views: Of a room at the most: those without a place are left out.
        width, height: Of the photos [px].
        tracer: What a compiler made of the functions that take the time; None: nothing.
    """
    for first in range(0, count, TOGETHER):
        chance = Chance(seed * 100_003 + first + 77, device)
        atlas = make_atlas(TEXTURES, chance)
        rooms = make_rooms(TOGETHER, chance, TEXTURES)
        shots = choose_shots(rooms, views, width, height, chance)
        photos = photograph(rooms, atlas, shots, width, height, chance, samples=2, depth_views=views, tracer=tracer)
        for row in range(min(TOGETHER, count - first)):
            kept = photos.present[row].cpu().numpy()
            c2w = photos.c2w[row].cpu().numpy().astype(np.float64)[kept]
            K = photos.K[row].cpu().numpy().astype(np.float64)
            rgb = (photos.rgb[row].permute(0, 2, 3, 1) * 255).round().to(torch.uint8).cpu().numpy()[kept]
            cameras = CameraPath(c2w=orthonormal(c2w), K=np.tile(K, (len(c2w), 1, 1)), width=width, height=height)
            yield Walk(rgb=rgb, z_depth=photos.z_depth[row].cpu().numpy()[kept], cameras=cameras)


def orthonormal(c2w: Float64[np.ndarray, "n 4 4"]) -> Float64[np.ndarray, "n 4 4"]:
    """Rotations of 32-bit poses made exact."""
    u, _, vt = np.linalg.svd(c2w[:, :3, :3])
    out = c2w.copy()
    out[:, :3, :3] = u @ vt
    return out


def rgbd_walk(folder: Path, *, frames: Sequence[int] | None = None, deepest: float = 12.5) -> Walk:
    """A posed RGB-D walk (``transforms.json`` with OpenGL axes, depth in millimetres).

    Args:
        folder: Of the walk.
        frames: The first frame and the one after the last; None: all.
        deepest: What lies beyond has no truth [m].
    """
    facts = json.loads((folder / "transforms.json").read_text(encoding="utf-8"))
    shown = facts["frames"][slice(*(frames or (None,)))]
    K = np.array([[facts["fl_x"], 0, facts["cx"]], [0, facts["fl_y"], facts["cy"]], [0, 0, 1.0]])
    c2w = c2w_opencv_from_opengl(np.array([frame["transform_matrix"] for frame in shown], np.float64))
    rgb = np.stack([np.asarray(Image.open(folder / frame["file_path"]).convert("RGB")) for frame in shown])
    z = np.stack([np.asarray(Image.open(folder / frame["depth_file_path"])) for frame in shown]).astype(np.float32) * 0.001
    z[(z <= 0) | (z > deepest)] = np.nan
    cameras = CameraPath(c2w=orthonormal(c2w), K=np.tile(K, (len(c2w), 1, 1)), width=facts["w"], height=facts["h"])
    return Walk(rgb=rgb, z_depth=z, cameras=cameras)
