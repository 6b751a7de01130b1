"""Equirectangular panoramas cut into photos through one lens: the same views of each, which a rig then holds together.

Eight views of 90 degrees: four look 20 degrees below the horizon, four between them as far above. They leave out the 25
degrees around nadir and zenith, where a tripod stands or stitching smears.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image
from scipy import ndimage

from lyra_sim.data.posed import Photo, PhotoSet

YAWS_DEG = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)
"""To the right of the panorama's middle. Convention."""
PITCHES_DEG = (-20.0, 20.0) * 4
"""Above the horizon. Convention."""
LARGEST_SIDE = 2048
"""Of a view [px]: what 6K cameras resolve. Convention."""
MOST_THREADS = 4
"""Each holds a panorama and a view as floating point. Convention."""
JPEG_QUALITY = 95
"""Of the views, in full colour resolution. Convention."""


def views_from_panorama() -> Float64[np.ndarray, "8 3 3"]:
    """Rotations from the panorama's frame (x right, y down, z at its middle) to each view's (OpenCV axes)."""
    yaw, pitch = np.radians(YAWS_DEG), np.radians(PITCHES_DEG)
    forward = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=-1)
    right = np.stack([np.cos(yaw), np.zeros(8), -np.sin(yaw)], axis=-1)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def cut_panoramas(photos: PhotoSet, work: Path) -> PhotoSet:
    """Views of panoramas, the eight of the first one first; each knows which panorama it is of.

    Args:
        photos: Equirectangular, upright.
        work: Folder for the views.
    """
    work.mkdir(parents=True, exist_ok=True)

    def cut(photo: Photo) -> list[Photo]:
        side = min(LARGEST_SIDE, round(photo.width / np.pi))
        with Image.open(photo.file) as image:
            rgb = np.asarray(image.convert("RGB"))
        return [_view(photo, rgb, number, side, work) for number in range(len(YAWS_DEG))]

    with ThreadPoolExecutor(MOST_THREADS) as pool:
        views = tuple(view for cuts in pool.map(cut, photos.photos) for view in cuts)
    return replace(photos, photos=views)


def _view(photo: Photo, rgb: UInt8[np.ndarray, "h w 3"], number: int, side: int, work: Path) -> Photo:
    name = f"{photo.name}_{number}"
    file = work / f"{name}.jpg"
    pixels = _resampled(rgb, views_from_panorama()[number], side)
    Image.fromarray(pixels).save(file, quality=JPEG_QUALITY, subsampling=0)
    return replace(
        photo,
        name=name,
        file=file,
        width=side,
        height=side,
        focal_px=side / 2,
        gps=photo.gps if number == 0 else None,  # a fix that repeats counts as stale
        panorama="no",
        cut_from=photo.name,
        cut_number=number,
        colours_from=photo.colours_from if number == 0 else "",
        profile_fault=photo.profile_fault if number == 0 else "",
    )


def _resampled(
    rgb: UInt8[np.ndarray, "h w 3"], view_from_panorama: Float64[np.ndarray, "3 3"], side: int
) -> UInt8[np.ndarray, "s s 3"]:
    """Bilinear, across the seam."""
    height, width = rgb.shape[:2]
    at = (np.arange(side) + 0.5 - side / 2) / (side / 2)
    x, y = np.meshgrid(at, at)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ view_from_panorama
    longitude = np.arctan2(rays[..., 0], rays[..., 2])
    down = np.arctan2(rays[..., 1], np.hypot(rays[..., 0], rays[..., 2]))
    u = (longitude / (2 * np.pi) + 0.5) * width - 0.5
    v = (down / np.pi + 0.5) * height - 0.5
    closed = np.concatenate([rgb[:, -1:], rgb, rgb[:, :1]], axis=1)  # column -1 and column w
    channels = [
        ndimage.map_coordinates(closed[..., c].astype(np.float32), [v, u + 1], order=1, mode="nearest") for c in range(3)
    ]
    return np.clip(np.stack(channels, axis=-1) + 0.5, 0, 255).astype(np.uint8)
