"""cameras.json: where a world's views stood, so that others can look from there again.

::

    cameras_version   2
    axes              of the cameras, and where pixels are counted from
    width, height     of every image [px]
    views             name; c2w in the world of the package [m]; K [px]; held_out: true where no geometry rests on it

Held-out views come last. Version 1 had no flags, and none of them.
"""

from pathlib import Path
from typing import Any

import numpy as np

from lyra_sim.data.files import read_json, write_json
from lyra_sim.data.world import HeldOut
from lyra_sim.errors import FrameError, InputError
from lyra_sim.geometry.cameras import CameraPath

CAMERAS = "cameras.json"
"""In the package."""
CAMERAS_VERSION = 2
"""Of cameras.json; raised when a field changes meaning. Convention."""
READ_VERSIONS = (1, CAMERAS_VERSION)
"""What is read. Convention."""
AXES = "OpenCV: x right, y down, z forward; the centre of the top-left pixel is (0.5, 0.5)"
DECIMALS = 9
"""Nanometres. Convention."""


def write_cameras(folder: Path, names: tuple[str, ...], cameras: CameraPath, held_out: HeldOut | None = None) -> None:
    """Write ``folder/cameras.json``; the same cameras give the same bytes.

    Args:
        folder: The package's.
        names: Of the views it was built from.
        cameras: Of those [m].
        held_out: Others of the same capture.
    """
    views = _rows(names, cameras, held_out=False)
    if held_out is not None:
        same_size = held_out.cameras.resized(cameras.width, cameras.height)
        views += _rows(held_out.names, same_size, held_out=True)
    facts = {"cameras_version": CAMERAS_VERSION, "axes": AXES, "width": cameras.width, "height": cameras.height, "views": views}
    write_json(folder / CAMERAS, facts)


def _rows(names: tuple[str, ...], cameras: CameraPath, *, held_out: bool) -> list[dict[str, Any]]:
    c2w, K = np.round(cameras.c2w, DECIMALS).tolist(), np.round(cameras.K, DECIMALS).tolist()
    return [{"name": name, "c2w": a, "K": b, "held_out": held_out} for name, a, b in zip(names, c2w, K, strict=True)]


def read_cameras(folder: Path) -> tuple[tuple[str, ...], CameraPath, HeldOut | None]:
    """Names and cameras of the views it was built from, and those that were held out.

    Raises:
        InputError: The file is missing or isn't one of these.
    """
    file = folder / CAMERAS
    facts = read_json(file)
    try:
        if facts["cameras_version"] not in READ_VERSIONS:
            raise InputError(str(file), f"cameras_version {facts['cameras_version']}", expected=str(CAMERAS_VERSION))
        rows = facts["views"]
        size = int(facts["width"]), int(facts["height"])
        kept = [view for view in rows if facts["cameras_version"] > 1 and view["held_out"]]
        names, cameras = _views([view for view in rows if not any(view is other for other in kept)], size)
        if not kept:
            return names, cameras, None
        apart, theirs = _views(kept, size)
        return names, cameras, HeldOut(names=apart, cameras=theirs)
    except (KeyError, TypeError, ValueError, FrameError) as error:
        raise InputError(str(file), f"not readable as cameras ({type(error).__name__}: {error})") from error


def _views(rows: list[dict[str, Any]], size: tuple[int, int]) -> tuple[tuple[str, ...], CameraPath]:
    cameras = CameraPath(
        c2w=np.array([view["c2w"] for view in rows], np.float64).reshape(-1, 4, 4),
        K=np.array([view["K"] for view in rows], np.float64).reshape(-1, 3, 3),
        width=size[0],
        height=size[1],
    )
    return tuple(str(view["name"]) for view in rows), cameras
