"""Exact depth made like an estimate: wavy, grainy, smeared at edges, wrong in blobs, with a confidence that half knows."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial.transform import Rotation

from lyra_sim.data.capture import Capture, DepthFacts
from lyra_sim.data.depth import DepthMap, write_depth_maps
from lyra_sim.data.scale import ScaleEstimate
from lyra_sim.data.views import STATIC, Views
from lyra_sim.geometry.rigid import Similarity
from tests.rooms import Room


def estimated_depth(
    z_depth: np.ndarray,
    *,
    sigma: float = 0.015,
    grain: float = 0.004,
    wrong: float = 0.02,
    missing: float = 0.05,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """(z_depth float32 with NaN, confidence float32 0..1) of one view.

    Args:
        z_depth: Exact.
        sigma: Smooth relative error, one standard deviation, correlated over a tenth of the image.
        grain: Relative error from pixel to pixel.
        wrong: Share of pixels in blobs that are off by up to 30 %, seven in ten of them doubted.
        missing: Share of pixels in blobs without depth.
        seed: Of everything.
    """
    rng = np.random.default_rng(seed)

    def blobs(share: float, width: float) -> np.ndarray:
        field = ndimage.gaussian_filter(rng.normal(size=z_depth.shape), width, mode="wrap")
        return field > np.quantile(field, 1 - share)

    wave = ndimage.gaussian_filter(rng.normal(size=z_depth.shape), z_depth.shape[1] / 20, mode="wrap")
    wave *= sigma / wave.std()
    z = ndimage.uniform_filter(z_depth.astype(np.float64), 3) * (1 + wave + rng.normal(0, grain, z_depth.shape))
    off, gone = blobs(wrong, 2.5), blobs(missing, 5.0)
    z[off] *= rng.uniform(0.7, 1.3)
    confidence = rng.uniform(0.75, 1.0, z_depth.shape)
    doubted = off & (ndimage.gaussian_filter(rng.normal(size=z_depth.shape), 3, mode="wrap") < 0.07)
    confidence[doubted] = 0.3
    z[gone] = np.nan
    confidence[gone] = 0
    return z.astype(np.float32), confidence.astype(np.float32)


def estimated_capture(
    room: Room,
    folder: Path,
    *,
    sigma: float = 0.015,
    frame_from_room: Similarity | None = None,
    scale: ScaleEstimate | None = None,
) -> Capture:
    """The room as photos with estimated depth, as the depth step leaves it; in a frame of any unit, up known to a degree."""
    frame_from_room = frame_from_room or Similarity.identity()
    images, depths = room.rendered
    names = tuple(f"{index:04d}" for index in range(len(images)))
    (folder / "capture" / "rgb").mkdir(parents=True)
    for name, rgb in zip(names, images, strict=True):
        Image.fromarray(rgb).save(folder / "capture" / "rgb" / f"{name}.png")
    Image.fromarray(np.full(images.shape[1:3], 255, np.uint8)).save(folder / "capture" / "valid.png")
    maps = []
    for index, z in enumerate(depths):
        noisy, confidence = estimated_depth(z, sigma=sigma, seed=index)
        unit = np.float32(frame_from_room.scale)
        maps.append(DepthMap(z_depth=noisy * unit, confidence=confidence, mask=np.full(z.shape, STATIC, np.uint8)))
    per_count = write_depth_maps(folder / "depth", names, maps)
    lean = Rotation.from_euler("x", 1, degrees=True).as_matrix()
    scale = scale or ScaleEstimate(metres_per_unit=1 / frame_from_room.scale, sigma_relative=0.0, source="declared metric")
    return Capture(
        views=Views(
            folder=folder / "capture",
            names=names,
            rgb_suffix=".png",
            units_per_depth_count=per_count,
            depth_folder=folder / "depth",
        ),
        cameras=room.cameras.moved(frame_from_room),
        world_from_capture=Similarity(
            scale=scale.metres_per_unit, rotation=lean @ frame_from_room.rotation.T, translation=np.zeros(3)
        ),
        scale=scale,
        held_out=(),
        frame_agreement=None,
        up_source="level cameras (± 1.0°)",
        depth=DepthFacts(kind="plane sweep", sigma_relative=sigma, figures={}),
    )
