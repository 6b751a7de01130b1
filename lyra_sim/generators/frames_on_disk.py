"""Known frames read when asked for: photos from the capture, drawn ones from the folder they were written to."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import GeneratedFrames
from lyra_sim.data.views import MOVING, SKY
from lyra_sim.depth.resample import nearest_to_size, shrunk, working_size
from lyra_sim.errors import GeometryError
from lyra_sim.generators.known_frame import KnownFrame
from lyra_sim.geometry.depth_noise import usable

DEPTH_COUNTS = 65000
"""Steps of a 16-bit depth image that are used. Convention."""
DEPTH_HEADROOM = 2.0
"""Drawn depth may go this much further than any photo's; beyond it is not kept. Convention."""
WRITERS = 2
"""Threads that compress frames: encoding leaves the interpreter free. Convention."""


@dataclass(frozen=True, kw_only=True)
class PhotoFrames:
    """The used photos of a capture as known frames with ids -1, -2, …, no larger than what is drawn from them."""

    capture: Capture
    side: int
    """Longer side at most [px]."""

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(-1 - n for n in range(len(self.capture.used)))

    def frame(self, id: int) -> KnownFrame:
        """Depth is what may shape the world: of what stands still, off the edges of estimates."""
        index = self.capture.used[-1 - id]
        views, cameras = self.capture.views, self.capture.cameras.select(np.array([index]))
        z, rgb, shown = views.z_depth(index), views.rgb(index), views.valid(index) & (views.mask(index) != MOVING)
        sky = views.mask(index) == SKY
        if views.estimated:
            z = usable(z, views.static(index))
        width, height = working_size(cameras.width, cameras.height, self.side)
        if (width, height) != (cameras.width, cameras.height):
            z, rgb, cameras = nearest_to_size(z, width, height), shrunk(rgb, width, height), cameras.resized(width, height)
            sky = nearest_to_size(sky, width, height)
            shown = shrunk(np.repeat(np.uint8(255) * shown[..., None], 3, axis=2), width, height)[..., 0] == 255
        return KnownFrame(id=id, rgb=rgb, z_depth=z, invented=None, shown=shown, sky=sky, K=cameras.K[0], c2w=cameras.c2w[0])

    def all(self) -> Iterator[KnownFrame]:
        return (self.frame(id) for id in self.ids)


def video_frame(frames: GeneratedFrames, index: int) -> KnownFrame:
    """A drawn frame as it was written: depth in whole counts, so that a resumed video goes on from the same numbers."""
    return KnownFrame(
        id=index,
        rgb=frames.rgb(index),
        z_depth=frames.z_depth(index),
        invented=frames.invented(index),
        K=frames.cameras.K[index],
        c2w=frames.cameras.c2w[index],
    )


def depth_step(photos: PhotoFrames) -> float:
    """Length of one count of the depth images, from the deepest photo [capture units].

    Raises:
        GeometryError: No photo has depth.
    """
    deepest = max((float(np.nanmax(p.z_depth)) for p in photos.all() if np.isfinite(p.z_depth).any()), default=0.0)
    if deepest <= 0:
        raise GeometryError("generate", "no photo has any depth", expected="depth to draw other views from")
    return DEPTH_HEADROOM * deepest / DEPTH_COUNTS


class FrameWriter:
    """Writes frames beside each other's compression; :meth:`finish` waits for all and raises what went wrong."""

    def __init__(self, folder: Path, units_per_depth_count: float) -> None:
        self._folder, self._step = folder, units_per_depth_count
        for part in ("rgb", "z_depth", "origin"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self._pool = ThreadPoolExecutor(WRITERS)
        self._jobs: list[Future[None]] = []

    def write(
        self,
        index: int,
        rgb: UInt8[np.ndarray, "h w 3"],
        z_depth: Float32[np.ndarray, "h w"],
        origin: UInt8[np.ndarray, "h w"],
    ) -> None:
        with np.errstate(invalid="ignore"):
            counts = np.round(z_depth / np.float32(self._step))
            kept = (counts >= 1) & (counts <= DEPTH_COUNTS)
        images = {"rgb": rgb, "z_depth": np.where(kept, counts, 0).astype(np.uint16), "origin": origin}
        for part, pixels in images.items():
            self._jobs.append(self._pool.submit(_save, pixels, self._folder / part / f"{index:05d}.png"))

    def finish(self) -> None:
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.result()

    def close(self) -> None:
        self._pool.shutdown()


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, compress_level=1)
