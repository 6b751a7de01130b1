"""cameras.json: where the views stood that a world was built from, so that others can look from there again.

::

    cameras_version   1
    axes              of the cameras, and where pixels are counted from
    width, height     of every image [px]
    views             name; c2w in the world of the package [m]; K [px]

Views that were held out aren't among them: no geometry rests on those.
"""

from pathlib import Path

import numpy as np

from lyra_sim.data.files import read_json, write_json
from lyra_sim.errors import FrameError, InputError
from lyra_sim.geometry.cameras import CameraPath

CAMERAS = "cameras.json"
"""In the package."""
CAMERAS_VERSION = 1
"""Of cameras.json; raised when a field changes meaning. Convention."""
AXES = "OpenCV: x right, y down, z forward; the centre of the top-left pixel is (0.5, 0.5)"
DECIMALS = 9
"""Nanometres. Convention."""


def write_cameras(folder: Path, names: tuple[str, ...], cameras: CameraPath) -> None:
    """Write ``folder/cameras.json``; the same cameras give the same bytes."""
    views = [
        {"name": name, "c2w": c2w, "K": K}
        for name, c2w, K in zip(
            names, np.round(cameras.c2w, DECIMALS).tolist(), np.round(cameras.K, DECIMALS).tolist(), strict=True
        )
    ]
    facts = {"cameras_version": CAMERAS_VERSION, "axes": AXES, "width": cameras.width, "height": cameras.height, "views": views}
    write_json(folder / CAMERAS, facts)


def read_cameras(folder: Path) -> tuple[tuple[str, ...], CameraPath]:
    """Names and cameras.

    Raises:
        InputError: The file is missing or isn't one of these.
    """
    file = folder / CAMERAS
    facts = read_json(file)
    try:
        if facts["cameras_version"] != CAMERAS_VERSION:
            raise InputError(str(file), f"cameras_version {facts['cameras_version']}", expected=str(CAMERAS_VERSION))
        views = facts["views"]
        cameras = CameraPath(
            c2w=np.array([view["c2w"] for view in views], np.float64).reshape(-1, 4, 4),
            K=np.array([view["K"] for view in views], np.float64).reshape(-1, 3, 3),
            width=int(facts["width"]),
            height=int(facts["height"]),
        )
        return tuple(str(view["name"]) for view in views), cameras
    except (KeyError, TypeError, ValueError, FrameError) as error:
        raise InputError(str(file), f"not readable as cameras ({type(error).__name__}: {error})") from error
