"""Analytic rooms made of axis-aligned boxes: exact cameras, z-depth, colours and occupancy, in milliseconds."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.geometry.cameras import CameraPath, pixel_rays


@dataclass(frozen=True, kw_only=True)
class Room:
    """A box of air with boxes of matter in it; everything outside the air box is matter too."""

    air_low: np.ndarray
    air_high: np.ndarray
    boxes: dict[str, tuple[np.ndarray, np.ndarray]]
    """Furniture and inner walls: name → (low, high) corners [m]."""
    cameras: CameraPath

    @cached_property
    def rendered(self) -> tuple[np.ndarray, np.ndarray]:
        """(rgb uint8 (n, h, w, 3), z_depth float32 (n, h, w)); every ray hits."""
        path = self.cameras
        rays = pixel_rays(path.K[0], path.width, path.height).reshape(-1, 3).astype(np.float64)
        images, depths = [], []
        for c2w in path.c2w:
            z, colour = self.cast(c2w[:3, 3], rays @ c2w[:3, :3].T)
            depths.append(z.reshape(path.height, path.width).astype(np.float32))
            images.append(colour.reshape(path.height, path.width, 3))
        return np.stack(images), np.stack(depths)

    def cast(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ray parameter of the first hit (z-depth for rays with camera z = 1) and sRGB there."""
        t, axis, owner = self.hits(origin, directions)
        points = origin + t[:, None] * directions
        base = np.random.default_rng(3).uniform(70, 200, (len(self.boxes) + 1, 3))[owner]
        checks = ((np.floor(points * 4 + 1e-6).sum(1) % 2) * 24 - 12)[:, None]
        shade = np.array([0.85, 0.95, 1.0])[axis][:, None]
        return t, np.clip((base + checks) * shade, 0, 255).astype(np.uint8)

    def hits(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ray parameter of the first hit, the axis its face lies across, and whose face it is: 0 the room, then the boxes."""
        with np.errstate(divide="ignore"):
            inverse = 1.0 / np.where(np.abs(directions) < 1e-12, 1e-12, directions)
        exit_t = np.maximum((self.air_low - origin) * inverse, (self.air_high - origin) * inverse)
        t, axis, owner = exit_t.min(1), exit_t.argmin(1), np.zeros(len(directions), np.int64)
        for number, (low, high) in enumerate(self.boxes.values(), start=1):
            a, b = (low - origin) * inverse, (high - origin) * inverse
            enter, leave = np.minimum(a, b), np.maximum(a, b)
            near, far = enter.max(1), leave.min(1)
            hit = (near > 1e-6) & (near < far) & (near < t)
            t[hit], axis[hit], owner[hit] = near[hit], enter.argmax(1)[hit], number
        return t, axis, owner

    def solid(self, points: np.ndarray) -> np.ndarray:
        """True where a point lies in matter."""
        inside = ((points < self.air_low) | (points > self.air_high)).any(-1)
        for low, high in self.boxes.values():
            inside |= ((points >= low) & (points <= high)).all(-1)
        return inside

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Unsigned distance to the nearest surface [m]; in matter, to the nearest face of any box."""
        out = np.abs(_box_distance(points, self.air_low, self.air_high))
        for low, high in self.boxes.values():
            out = np.minimum(out, np.abs(_box_distance(points, low, high)))
        return out

    def write_rgbd(self, folder: Path, *, depth_suffix: str = "depth_mm") -> Path:
        """``rgb/``, ``depth_mm/``, ``transforms.json`` (OpenGL, nerfstudio layout), lossless."""
        images, depths = self.rendered
        (folder / "rgb").mkdir(parents=True)
        (folder / depth_suffix).mkdir()
        path, frames = self.cameras, []
        for index, (rgb, z) in enumerate(zip(images, depths, strict=True)):
            Image.fromarray(rgb).save(folder / "rgb" / f"{index:04d}.png")
            Image.fromarray(np.round(z * 1000).astype(np.uint16)).save(folder / depth_suffix / f"{index:04d}.png")
            matrix = c2w_opengl_from_opencv(path.c2w[index]).tolist()
            frames.append({"file_path": f"rgb/{index:04d}.png", "transform_matrix": matrix})
        K = path.K[0]
        facts = {
            "w": path.width,
            "h": path.height,
            "fl_x": K[0, 0],
            "fl_y": K[1, 1],
            "cx": K[0, 2],
            "cy": K[1, 2],
            "frames": frames,
        }
        (folder / "transforms.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder


def _box_distance(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    q = np.maximum(low - points, points - high)
    return np.linalg.norm(np.maximum(q, 0), axis=-1) + np.minimum(q.max(-1), 0)


def look(centre: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """OpenCV camera-to-world at ``centre`` looking along yaw (from +x) and pitch (up positive) [rad]."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    c2w = np.eye(4)
    c2w[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    c2w[:3, 3] = centre
    return c2w


def camera_path(c2w: list[np.ndarray], *, width: int = 160, height: int = 120, focal: float = 90.0) -> CameraPath:
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    return CameraPath(c2w=np.stack(c2w), K=np.tile(K, (len(c2w), 1, 1)), width=width, height=height)


def furnished_room(*, views: int = 36) -> Room:
    """7 × 4 × 2.4 m, two rooms joined by a 0.9 m door, with a cupboard, a table, a low box and a shelf on the wall."""
    corners = {
        "inner_wall_south": ([4.0, 0.0, 0.0], [4.12, 1.4, 2.4]),
        "inner_wall_north": ([4.0, 2.3, 0.0], [4.12, 4.0, 2.4]),
        "lintel": ([4.0, 1.4, 2.05], [4.12, 2.3, 2.4]),
        "cupboard": ([0.0, 3.4, 0.0], [1.2, 4.0, 1.8]),
        "table": ([1.6, 0.3, 0.0], [2.6, 0.9, 0.7]),
        "low_box": ([5.8, 0.4, 0.0], [6.4, 1.0, 0.35]),
        "shelf": ([5.0, 3.7, 1.2], [6.2, 4.0, 1.3]),
    }
    boxes = {name: (np.array(low), np.array(high)) for name, (low, high) in corners.items()}
    stops = np.array([[0.9, 1.6], [2.0, 2.2], [3.2, 1.8], [4.06, 1.85], [4.8, 1.9], [6.0, 2.2], [5.4, 1.6]])
    progress = np.linspace(0, len(stops) - 1, views)
    xy = np.stack([np.interp(progress, np.arange(len(stops)), stops[:, k]) for k in (0, 1)], axis=1)
    poses = []
    for index, (x, y) in enumerate(xy):
        pitch = np.radians([-32.0, -8.0, 22.0, -15.0][index % 4])
        poses.append(look(np.array([x, y, 1.2 + 0.05 * np.sin(index)]), index * 1.1, pitch))
    return Room(air_low=np.zeros(3), air_high=np.array([7.0, 4.0, 2.4]), boxes=boxes, cameras=camera_path(poses))
