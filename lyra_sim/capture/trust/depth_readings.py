"""Other things the numbers of depth images may mean than z-depth of the stated camera in the stated unit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from lyra_sim.conventions import METRES_PER_UNIT
from lyra_sim.geometry.cameras import CameraPath, pixel_rays

Depths = Mapping[int, Float32[np.ndarray, "h w"]]

UNITS = (1 / 5000, 1 / 1000, 1 / 256, 1 / 4000, 0.01, 1.0)
"""Lengths of a depth count that files are written in [m]: TUM, millimetres, KITTI, some depth cameras, centimetres, metres.
Convention."""
FOCALS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.15, 1.3, 1.5, 1.75, 2.0)
"""Focal length of a depth camera of its own, over that of the colour camera. Convention."""
INVERSE_MEDIANS = tuple(0.4 * 1.12**k for k in range(30))
"""Median depths that inverse depth is tried with [m]: its factor is anybody's."""


@dataclass(frozen=True, kw_only=True)
class DepthReading:
    """Depth as it would be if its numbers meant something else."""

    name: str
    """As it is told: ``read as ...``."""
    fix: str
    """What to do about it, without the scene."""
    depths: Depths
    cameras: CameraPath
    scaled: bool
    """It differs by a scale: it proves nothing but by parallax."""
    searched: bool
    """One of several that differ in a number nobody knows."""


def ray_lengths(cameras: CameraPath) -> Float32[np.ndarray, "h w"]:
    """Distance along the ray of every pixel at z-depth 1; the first camera's lens stands for all."""
    return np.linalg.norm(pixel_rays(cameras.K[0], cameras.width, cameras.height), axis=2)


def depth_readings(
    cameras: CameraPath, depths: Depths, *, depth_unit: str | float, depth_kind: str, focal_px: float
) -> Iterator[DepthReading]:
    """Readings one by one, likely ones first.

    Args:
        cameras: Of the depth images.
        depths: By view, as read [capture units].
        depth_unit: As stated.
        depth_kind: ``z``, or ``ray`` where distances along the ray were stated and have been turned into z-depth.
        focal_px: Of the full images, for the message.
    """
    length = ray_lengths(cameras)

    def reading(
        name: str, fix: str, changed: Depths, *, path: CameraPath = cameras, scaled: bool = False, searched: bool = False
    ) -> DepthReading:
        return DepthReading(name=name, fix=fix, depths=changed, cameras=path, scaled=scaled, searched=searched)

    if depth_kind == "z":
        name = "distance along the ray in place of z-depth, as Isaac Sim's distance_to_camera and Hypersim write it"
        yield reading(name, "Set rgbd.depth_kind: ray", {index: depth / length for index, depth in depths.items()})
    else:
        yield reading("z-depth", "Set rgbd.depth_kind: z", {index: depth * length for index, depth in depths.items()})
    turned = "Turn the depth images as the colour images are stored, EXIF not applied,"
    yield reading("depth turned half round", turned, {index: depth[::-1, ::-1] for index, depth in depths.items()})
    if cameras.width == cameras.height:
        for quarters, way in ((1, "to the left"), (3, "to the right")):
            changed = {index: np.rot90(depth, -quarters).copy() for index, depth in depths.items()}
            yield reading(f"depth turned a quarter {way}", turned, changed)
    stated = METRES_PER_UNIT[depth_unit] if isinstance(depth_unit, str) else depth_unit
    for unit in UNITS:
        factor = unit / stated
        if abs(np.log10(factor) - round(np.log10(factor))) < 1e-6:
            continue  # powers of ten are tried as the cameras' unit
        changed = {index: depth * np.float32(factor) for index, depth in depths.items()}
        yield reading(f"counts of 1/{1 / unit:.0f} m", f"Set rgbd.depth_unit: {unit:.6g}", changed, scaled=True)
    for factor in FOCALS:
        K = cameras.K.copy()
        K[:, 0, 0] *= factor
        K[:, 1, 1] *= factor
        path = CameraPath(c2w=cameras.c2w, K=K, width=cameras.width, height=cameras.height)
        name = f"images of a depth camera with a lens of its own, focal length about {factor * focal_px:.0f} px"
        yield reading(name, "Register the depth to the colour images", depths, path=path, searched=True)
    typical = float(np.nanmedian(np.concatenate([depth[::4, ::4].ravel() for depth in depths.values()])))
    for median in INVERSE_MEDIANS:
        changed = {index: np.float32(median * typical) / depth for index, depth in depths.items()}
        yield reading(
            "inverse depth", "Write the depth as a length along the optical axis", changed, scaled=True, searched=True
        )
