"""Photos of markers on a wall, drawn in light: true perspective, blur of a lens, noise of a sensor, sRGB, JPEG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter

from lyra_sim.capture.cameras.undistorted_rays import undistorted_rays
from lyra_sim.data.posed import Lens, Photo, PhotoSet, PosedPhotos
from lyra_sim.data.sparse import SparsePoints

WIDTH, HEIGHT, FOCAL = 960, 720, 800.0
FINER = 3
"""Rays along either edge of a pixel."""
BLUR_PX, NOISE = 0.8, 2.0
"""Of the lens [px], and of the sensor [0..255]."""
BLACK, WHITE, WALL = 0.03, 0.85, 0.35
"""Light that ink, paper and wall give back."""
DICTIONARY = "DICT_APRILTAG_36h11"


@dataclass(frozen=True, kw_only=True)
class Poster:
    """A marker on the wall z = 0 [m]."""

    marker: int
    size: float
    at: tuple[float, float] = (0.0, 0.0)
    """Of its middle."""
    turn_deg: float = 0.0


def lens_of(distortion: Sequence[float] = (0, 0, 0, 0)) -> Lens:
    K = np.array([[FOCAL, 0, WIDTH / 2 + 7], [0, FOCAL, HEIGHT / 2 - 5], [0, 0, 1]])
    return Lens(K=K, distortion=np.array(distortion, np.float64), width=WIDTH, height=HEIGHT)


def toward(
    centre: Sequence[float], target: Sequence[float] = (0, 0, 0), *, roll_deg: float = 0.0
) -> Float64[np.ndarray, "4 4"]:
    """A camera in front of the wall (z > 0) that looks at a point; y of the wall is up."""
    ahead = np.subtract(target, centre) / np.linalg.norm(np.subtract(target, centre))
    right = np.cross(ahead, [np.sin(np.radians(roll_deg)), np.cos(np.radians(roll_deg)), 0.0])
    right /= np.linalg.norm(right)
    c2w = np.eye(4)
    c2w[:3, :3], c2w[:3, 3] = np.stack([right, np.cross(ahead, right), ahead], axis=1), centre
    return c2w


def photographed(
    posters: Sequence[Poster], c2w: Float64[np.ndarray, "4 4"], lens: Lens, *, seed: int
) -> UInt8[np.ndarray, "h w"]:
    """What a camera sees of the wall, display-referred."""
    light = np.full((HEIGHT, WIDTH), WALL)
    left, top, right, bottom = _around(posters, c2w, lens)
    if right > left and bottom > top:
        part = _wall(posters, c2w, lens, np.arange(left, right, 1 / FINER), np.arange(top, bottom, 1 / FINER))
        light[top:bottom, left:right] = part.reshape(bottom - top, FINER, right - left, FINER).mean(axis=(1, 3))
    light = np.clip(gaussian_filter(light, BLUR_PX), 0, 1)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    noisy = 255 * shown + np.random.default_rng(seed).normal(0, NOISE, shown.shape)
    return np.clip(noisy + 0.5, 0, 255).astype(np.uint8)


def _around(posters: Sequence[Poster], c2w: Float64[np.ndarray, "4 4"], lens: Lens) -> tuple[int, int, int, int]:
    """The pixels that show posters, and some around them."""
    if not posters:
        return 0, 0, 0, 0
    reach = [(poster, i, j) for poster in posters for i in (-1, 1) for j in (-1, 1)]
    corners = np.array([(poster.at[0] + i * poster.size, poster.at[1] + j * poster.size, 0.0) for poster, i, j in reach])
    w2c = np.linalg.inv(c2w)
    uv, _ = cv2.projectPoints(corners, cv2.Rodrigues(w2c[:3, :3])[0], w2c[:3, 3], lens.K, lens.distortion)
    low, high = uv[:, 0].min(axis=0).astype(int) - 6, uv[:, 0].max(axis=0).astype(int) + 6
    (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, (WIDTH, HEIGHT))
    return int(left), int(top), int(right), int(bottom)


def _wall(
    posters: Sequence[Poster], c2w: Float64[np.ndarray, "4 4"], lens: Lens, columns: np.ndarray, rows: np.ndarray
) -> Float64[np.ndarray, "hh ww"]:
    """Light from the wall, a ray for every part of a pixel."""
    u, v = np.meshgrid(columns + 0.5 / FINER, rows + 0.5 / FINER)
    xy = undistorted_rays(lens, np.c_[u.ravel(), v.ravel()]).reshape(*u.shape, 2)
    ahead = np.concatenate([xy, np.ones((*u.shape, 1))], axis=-1) @ c2w[:3, :3].T
    wall = (c2w[:3, 3] - ahead * (c2w[2, 3] / ahead[..., 2:]))[..., :2]
    light = WALL + 0.1 * np.sin(9 * wall[..., 0]) * np.sin(7 * wall[..., 1])
    for poster in posters:
        light = posted(light, wall, poster)
    return light


def posted(light: np.ndarray, wall: np.ndarray, poster: Poster) -> np.ndarray:
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
    modules = dictionary.markerSize + 2
    page = np.pad(dictionary.generateImageMarker(poster.marker, modules), 1, constant_values=255)
    turn = np.radians(poster.turn_deg)
    off = (wall - poster.at) @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    column = np.floor(off[..., 0] / poster.size * modules + modules / 2).astype(int) + 1
    row = np.floor(-off[..., 1] / poster.size * modules + modules / 2).astype(int) + 1
    on = (column >= 0) & (row >= 0) & (column < modules + 2) & (row < modules + 2)
    ink = page[np.clip(row, 0, modules + 1), np.clip(column, 0, modules + 1)] < 128
    return np.where(on, np.where(ink, BLACK, WHITE), light)


def posed_set(
    folder: Path,
    posters: Sequence[Poster] | Sequence[Sequence[Poster]],
    cameras: Sequence[Float64[np.ndarray, "4 4"]],
    *,
    unit: float = 1.0,
    distortion: Sequence[float] = (0, 0, 0, 0),
    seed: int = 0,
) -> tuple[PosedPhotos, PhotoSet]:
    """Photos in a folder, with their true cameras in units of ``unit`` metres; posters of all photos, or of each."""
    folder.mkdir(parents=True)
    lens, photos = lens_of(distortion), []
    for index, c2w in enumerate(cameras):
        here = posters if not posters or isinstance(posters[0], Poster) else posters[index]
        file = folder / f"{index:04d}.jpg"
        Image.fromarray(photographed(here, c2w, lens, seed=1000 * seed + index)).save(file, quality=92)
        photos.append(Photo(name=file.stem, file=file, width=WIDTH, height=HEIGHT))
    in_units = np.stack(cameras)
    in_units[:, :3, 3] /= unit
    nothing = SparsePoints(
        points=np.empty((0, 3)), point_index=np.empty(0, np.int32), view_index=np.empty(0, np.int32), xy=np.empty((0, 2))
    )
    posed = PosedPhotos(
        names=tuple(photo.name for photo in photos),
        c2w=in_units,
        lens_index=np.zeros(len(photos), np.int32),
        lenses=(lens,),
        sparse=nothing,
        recipe="exact",
        reprojection_px=0.0,
    )
    return posed, PhotoSet(photos=tuple(photos), skipped=())


def arc(distance: float, count: int = 6, *, spread_deg: float = 50.0) -> list[Float64[np.ndarray, "4 4"]]:
    """Cameras around the wall's middle, at one distance, at heights that differ."""
    turns = np.radians(np.linspace(-spread_deg / 2, spread_deg / 2, count))
    return [
        toward(
            (distance * np.sin(turn), 0.15 * distance * (-1) ** index, distance * np.cos(turn)),
            (0.05 * index - 0.1, 0.04, 0),
            roll_deg=3.0 * index,
        )
        for index, turn in enumerate(turns)
    ]
