"""What splats are trained on: photos, and of generated frames the pixels nobody photographed, at the size of the moment."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int64, UInt8

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import NEW, WorldVideo
from lyra_sim.depth.resample import nearest_to_size, shrunk, working_size
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.depth_noise import usable
from lyra_sim.geometry.rigid import Similarity

FRAME_WEIGHT = 0.3
"""Weight of a generated frame beside a photo's 1: where both show a thing, the photo is right. Tuned, unrecorded."""
MOST_FRAMES = 0.5
"""Share of the iterations that generated frames get at most. Tuned, unrecorded."""
GUESS_TRUST = 0.1
"""Trust in a depth that is only guessed: enough to keep splats from hanging before a lens. Tuned, unrecorded."""
KEPT_PIXELS = 25_000_000
"""Pixels held in memory at most, at 24 bytes each; what doesn't fit is read again when its turn comes. Convention."""


@dataclass(frozen=True, kw_only=True)
class TrainingImage:
    """One image at one size."""

    rgb: Float[torch.Tensor, "h w 3"]
    """Display-referred sRGB, 0..1."""
    counts: Float[torch.Tensor, "h w"]
    """1 where the image may teach, else 0."""
    z_depth: Float[torch.Tensor, "h w"]
    """Along the optical axis [unit frame]; 0 where unknown."""
    trust: Float[torch.Tensor, "h w"]
    """Of the depth, 0..1; 0 where it is unknown."""
    w2c: Float64[np.ndarray, "4 4"]
    K: Float64[np.ndarray, "3 3"]
    weight: float
    """1 for photos."""
    photo: int | None
    """Which photo's exposure it has; None: a generated frame, which has the world's own."""

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.rgb.shape[1], self.rgb.shape[0]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Where the arrays of one image come from; nothing is read before it is asked for."""

    rgb: Callable[[], UInt8[np.ndarray, "h w 3"]]
    counts: Callable[[], Bool[np.ndarray, "h w"]]
    z_depth: Callable[[], Float32[np.ndarray, "h w"]]
    trust: Callable[[], Float32[np.ndarray, "h w"]]
    cameras: CameraPath
    index: int
    units: float
    """Length of one unit of its depth in the unit frame."""
    weight: float
    photo: int | None


class TrainingViews:
    """All images splats may learn from: the capture's used photos first, then frames with something new in them.

    Held-out photos are in no list here, so nothing can read them.
    """

    def __init__(
        self,
        capture: Capture,
        video: WorldVideo | None,
        guesses: Mapping[int, Float32[np.ndarray, "hh ww"]],
        *,
        unit_from_capture: Similarity,
        device: torch.device,
    ) -> None:
        self.photo_count = len(capture.used)
        self.device = device
        self._sources = _photos(capture, guesses, unit_from_capture) + _frames(video, unit_from_capture)
        self._kept: OrderedDict[tuple[int, int], TrainingImage] = OrderedDict()
        self._kept_pixels = 0

    def __len__(self) -> int:
        return len(self._sources)

    def image(self, index: int, side: int) -> TrainingImage:
        """Image ``index`` with its longer side at most ``side`` [px]."""
        key = index, side
        if key not in self._kept:
            made = self._read(self._sources[index], side)
            self._kept[key] = made
            self._kept_pixels += made.counts.numel()
            while self._kept_pixels > KEPT_PIXELS and len(self._kept) > 1:
                self._kept_pixels -= self._kept.popitem(last=False)[1].counts.numel()
        self._kept.move_to_end(key)
        return self._kept[key]

    def _read(self, source: _Source, side: int) -> TrainingImage:
        path = source.cameras
        width, height = working_size(path.width, path.height, side)
        counts, z = source.counts(), source.z_depth()
        known = np.isfinite(z) & counts
        trust = np.where(known, source.trust(), np.float32(0))
        z = np.where(known, z, np.float32(0)) * np.float32(source.units)
        tensor = lambda values: torch.from_numpy(np.array(values, np.float32)).to(self.device)  # noqa: E731
        return TrainingImage(
            rgb=tensor(shrunk(source.rgb(), width, height)) / 255,
            counts=tensor(_all_inside(counts, width, height)),
            z_depth=tensor(nearest_to_size(z, width, height)),
            trust=tensor(nearest_to_size(trust, width, height)),
            w2c=path.w2c[source.index],
            K=path.resized(width, height).K[source.index],
            weight=source.weight,
            photo=source.photo,
        )


def _photos(
    capture: Capture, guesses: Mapping[int, Float32[np.ndarray, "hh ww"]], unit_from_capture: Similarity
) -> list[_Source]:
    views, cameras = capture.views, capture.cameras.moved(unit_from_capture)
    estimated = views.estimated

    def source(order: int, index: int) -> _Source:
        def z_depth() -> Float32[np.ndarray, "h w"]:
            z = views.z_depth(index)
            if not estimated:
                return z
            z = usable(z, views.static(index))
            guess = nearest_to_size(guesses[index], cameras.width, cameras.height) if index in guesses else np.float32(np.nan)
            return np.where(np.isfinite(z), z, guess)

        def trust() -> Float32[np.ndarray, "h w"]:
            if not estimated:
                return views.confidence(index)
            known = np.isfinite(usable(views.z_depth(index), views.static(index)))
            return np.where(known, views.confidence(index), np.float32(GUESS_TRUST))

        return _Source(
            rgb=lambda: views.rgb(index),
            counts=lambda: views.valid(index) & views.static(index),
            z_depth=z_depth,
            trust=trust,
            cameras=cameras,
            index=index,
            units=unit_from_capture.scale,
            weight=1.0,
            photo=order,
        )

    return [source(order, index) for order, index in enumerate(capture.used)]


def _frames(video: WorldVideo | None, unit_from_capture: Similarity) -> list[_Source]:
    if video is None or video.frames is None:
        return []
    frames, cameras = video.frames, video.frames.cameras.moved(unit_from_capture)

    def source(index: int) -> _Source:
        return _Source(
            rgb=lambda: frames.rgb(index),
            counts=lambda: frames.origin(index) == NEW,
            z_depth=lambda: frames.new_z_depth(index),
            trust=lambda: np.ones((cameras.height, cameras.width), np.float32),
            cameras=cameras,
            index=index,
            units=unit_from_capture.scale,
            weight=FRAME_WEIGHT,
            photo=None,
        )

    return [source(index) for index in range(len(frames)) if (frames.origin(index) == NEW).any()]


def _all_inside(mask: Bool[np.ndarray, "h w"], width: int, height: int) -> Bool[np.ndarray, "hh ww"]:
    """Pixels of a smaller size that nothing masked has a part in."""
    share = shrunk(np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 255, width, height)
    return share[..., 0] == 255


def order_of_images(photos: int, frames: int, iterations: int, *, seed: int) -> list[int]:
    """Which image each iteration takes: all photos once in random order, then again; frames likewise, spread between them.

    Frames come up at most half of the time, however many there are: a long video must not drown the photos.
    """
    share = min(MOST_FRAMES, frames / (photos + frames))
    turns = np.floor(np.arange(iterations + 1) * share).astype(np.int64)
    of_frame = np.diff(turns) > 0
    rng = np.random.default_rng(seed)
    order = np.empty(iterations, np.int64)
    order[~of_frame] = _epochs(photos, int((~of_frame).sum()), rng)
    order[of_frame] = photos + _epochs(frames, int(of_frame.sum()), rng)
    return [int(index) for index in order]


def _epochs(count: int, length: int, rng: np.random.Generator) -> Int64[np.ndarray, "length"]:
    rounds = [rng.permutation(count) for _ in range(-(-length // count) if length else 0)]
    return np.concatenate([np.zeros(0, np.int64), *rounds])[:length]
