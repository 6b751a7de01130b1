"""Photos of an analytic room whose every face has a random texture of its own, so that no two places look alike."""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from PIL import Image
from scipy import ndimage

from lyra_sim.conventions import c2w_opengl_from_opencv
from lyra_sim.geometry.cameras import CameraPath, pixel_rays
from tests.rooms import Room, camera_path, look

ROUND = 24
"""Photos of a round."""
WIDTH, HEIGHT, FOCAL = 320, 240, 210.0
TEXEL, TEXELS = 0.01, 512
"""[m] and texels along an edge of a face's texture, which repeats after 5 m."""
GRAINS = (2.0, 5.0, 14.0)
"""Blur of the noise a texture is the sum of [texels]: nothing finer than two pixels of a photo taken from 3 m."""
FINER = 2
"""Rays along either edge of a pixel, averaged."""
SENSOR_NOISE = 1.5
"""1-sigma of every pixel, 0..255."""


@dataclass(frozen=True, kw_only=True)
class PhotoRoom:
    """A room and the photos of it."""

    room: Room
    photos: tuple[UInt8[np.ndarray, "h w 3"], ...]
    depths: tuple[Float32[np.ndarray, "h w"], ...]
    """True z-depth of every photo [m]."""

    @property
    def cameras(self) -> CameraPath:
        return self.room.cameras

    @property
    def names(self) -> tuple[str, ...]:
        """As capture names the photos."""
        return tuple(f"{index:04d}" for index in range(len(self.photos)))

    def write(self, folder: Path, *, quality: int = 95) -> Path:
        """``photos/0000.jpg`` … and ``transforms.json`` (OpenGL axes) beside them."""
        (folder / "photos").mkdir(parents=True)
        for name, photo in zip(self.names, self.photos, strict=True):
            Image.fromarray(photo).save(folder / "photos" / f"{name}.jpg", quality=quality, subsampling=0)
        path = self.cameras
        K = path.K[0]
        frames = [
            {"file_path": f"photos/{name}.jpg", "transform_matrix": c2w_opengl_from_opencv(c2w).tolist()}
            for name, c2w in zip(self.names, path.c2w, strict=True)
        ]
        lens = {"w": path.width, "h": path.height, "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}
        (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}), encoding="utf-8")
        return folder


@cache
def photo_room(*, every: int = 1, first: int = 0) -> PhotoRoom:
    """4.6 × 3.8 × 2.4 m with a table, a crate and a cupboard; a round through it, looking across at the far side.

    Every third of the round's 24 photos looks down. Neighbours are 15° and a small step apart, and the round closes.

    Args:
        every: Take every n-th photo of the round alone.
        first: The first one taken.
    """
    shown = np.arange(first, ROUND, every)
    whole = _whole_round()
    photos, depths = zip(*(_taken(int(index)) for index in shown), strict=True)
    room = replace(whole, cameras=whole.cameras.select(shown))
    return PhotoRoom(room=room, photos=photos, depths=depths)


@cache
def _whole_round() -> Room:
    corners = {
        "table": ([0.3, 0.2, 0.0], [1.3, 0.8, 0.7]),
        "crate": ([3.9, 0.3, 0.0], [4.4, 0.9, 0.5]),
        "cupboard": ([1.8, 3.4, 0.0], [3.0, 3.8, 1.7]),
    }
    turn = np.arange(ROUND) * 2 * np.pi / ROUND
    centres = np.c_[2.3 + 1.1 * np.cos(turn), 1.9 + 0.8 * np.sin(turn), 1.3 + 0.08 * np.sin(3 * turn)]
    pitch = np.radians(np.array([-8.0, -12.0, -30.0]))[np.arange(ROUND) % 3]
    c2w = [look(centre, yaw + np.pi, down) for centre, yaw, down in zip(centres, turn, pitch, strict=True)]
    return Room(
        air_low=np.zeros(3),
        air_high=np.array([4.6, 3.8, 2.4]),
        boxes={name: (np.array(low), np.array(high)) for name, (low, high) in corners.items()},
        cameras=camera_path(c2w, width=WIDTH, height=HEIGHT, focal=FOCAL),
    )


@cache
def _taken(index: int) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    return photographed(_whole_round(), index)


def photographed(room: Room, index: int) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """What camera ``index`` sees of the textured room, and the z-depth of its pixels."""
    path = room.cameras.resized(FINER * room.cameras.width, FINER * room.cameras.height)
    rays = pixel_rays(path.K[index], path.width, path.height).reshape(-1, 3).astype(np.float64)
    origin, directions = path.c2w[index, :3, 3], rays @ path.c2w[index, :3, :3].T
    t, axis, owner = room.hits(origin, directions)
    points = origin + t[:, None] * directions
    ahead = np.take_along_axis(directions, axis[:, None], axis=1)[:, 0] > 0
    face = (2 * (3 * owner + axis) + ahead).astype(np.int64)
    colour = _painted(points, axis, face).reshape(room.cameras.height, FINER, room.cameras.width, FINER, 3).mean(axis=(1, 3))
    noise = np.random.default_rng(index).normal(0, SENSOR_NOISE, colour.shape)
    # 1/z is linear in the image over a plane: the middle of a pixel is the mean of its corners' 1/z
    z = 1 / (1 / t).reshape(room.cameras.height, FINER, room.cameras.width, FINER).mean(axis=(1, 3))
    return np.clip(colour + noise + 0.5, 0, 255).astype(np.uint8), z.astype(np.float32)


def _painted(points: np.ndarray, axis: Int64[np.ndarray, "n"], face: Int64[np.ndarray, "n"]) -> Float32[np.ndarray, "n 3"]:
    """sRGB of points on faces, bilinear in the face's texture."""
    colour = np.empty((len(points), 3), np.float32)
    for number in np.unique(face):
        mine = face == number
        at = np.delete(points[mine], axis[mine][0], axis=1) / TEXEL
        low = np.floor(at).astype(int)
        part = (at - low).astype(np.float32)
        texture = _texture(int(number))
        corners = [
            texture[(low[:, 0] + i) % TEXELS, (low[:, 1] + j) % TEXELS]
            * ((part[:, 0] if i else 1 - part[:, 0]) * (part[:, 1] if j else 1 - part[:, 1]))[:, None]
            for i in (0, 1)
            for j in (0, 1)
        ]
        colour[mine] = sum(corners)
    return colour


@cache
def _texture(face: int) -> Float32[np.ndarray, "s s 3"]:
    """Blurred noise of several grains around a colour of the face's own."""
    rng = np.random.default_rng(face)
    grey = np.zeros((TEXELS, TEXELS))
    for grain in GRAINS:
        layer = ndimage.gaussian_filter(rng.normal(size=(TEXELS, TEXELS)), grain, mode="wrap")
        grey += 26 * layer / layer.std()
    tint = rng.uniform(95, 160, 3)
    return np.clip(tint + grey[..., None] * rng.uniform(0.75, 1.0, 3), 0, 255).astype(np.float32)
