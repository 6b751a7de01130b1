"""Posed photos to views: every photo undistorted and resampled once, onto one canvas for all."""

from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64
from PIL import Image

from lyra_sim.capture.intake.undistort import Undistortion
from lyra_sim.data.posed import Lens, PhotoSet, PosedPhotos
from lyra_sim.data.views import Views
from lyra_sim.geometry.cameras import CameraPath

JPEG_QUALITY = 95
"""Of the resampled photos: 4:4:4 at this quality changes pixels by less than a sensor's noise, at a tenth of a PNG's size.
Convention."""


def write_views(posed: PosedPhotos, photos: PhotoSet, *, view_side: int, out: Path) -> tuple[Views, CameraPath]:
    """Write ``rgb/`` and ``valid/`` (or one ``valid.png``) into ``out``; the views and their pinholes.

    The canvas has the commonest size among the photos, at most ``view_side`` on its longer side. A photo of another
    size is scaled to fit into it about its centre; what it doesn't cover isn't valid, nor is what a mask leaves out.

    Args:
        posed: Cameras with their lenses.
        photos: The files behind the names.
        view_side: [px].
        out: The step folder.
    """
    (out / "rgb").mkdir(parents=True)
    width, height = _canvas(posed, view_side)
    pinholes = [_pinhole(lens, width, height) for lens in posed.lenses]
    whole = len(posed.lenses) == 1
    if not whole or any(photos.by_name[name].mask for name in posed.names):
        (out / "valid").mkdir()
    for number, lens in enumerate(posed.lenses):  # lens by lens: every photo may have its own, and a lookup takes 20 MB
        lookup = Undistortion.onto(pinholes[number], lens, width, height)
        if whole:
            _write_valid(lookup.valid, out / "valid.png")
        for index in np.flatnonzero(posed.lens_index == number):
            name = posed.names[index]
            with Image.open(photos.by_name[name].file) as image:
                rgb = np.asarray(image.convert("RGB"))
            Image.fromarray(lookup.colour(rgb)).save(out / "rgb" / f"{name}.jpg", quality=JPEG_QUALITY, subsampling=0)
            mask = photos.by_name[name].mask
            if mask is not None:
                with Image.open(mask) as image:
                    _write_valid(lookup.kept(np.asarray(image) > 0), out / "valid" / f"{name}.png")
            elif not whole:
                _write_valid(lookup.valid, out / "valid" / f"{name}.png")
    cameras = CameraPath(c2w=posed.c2w, K=np.stack([pinholes[lens] for lens in posed.lens_index]), width=width, height=height)
    return Views(folder=out, names=posed.names, rgb_suffix=".jpg", units_per_depth_count=None), cameras


def _canvas(posed: PosedPhotos, view_side: int) -> tuple[int, int]:
    sizes = Counter((posed.lenses[lens].width, posed.lenses[lens].height) for lens in posed.lens_index)
    width, height = max(sorted(sizes), key=lambda size: sizes[size])
    scale = min(1.0, view_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _pinhole(lens: Lens, width: int, height: int) -> Float64[np.ndarray, "3 3"]:
    """The lens's pinhole part, scaled to fit the canvas and centred in it."""
    scale = min(width / lens.width, height / lens.height)
    K = lens.K.copy()
    K[:2] *= scale
    K[0, 2] += (width - scale * lens.width) / 2
    K[1, 2] += (height - scale * lens.height) / 2
    return K


def _write_valid(valid: Bool[np.ndarray, "h w"], path: Path) -> None:
    Image.fromarray(valid.astype(np.uint8) * 255).save(path)
