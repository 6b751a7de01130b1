"""Which known frames to show a generator: greedy coverage of what is visible in the target views (Lyra 2.0, 2026).

Every sample of a candidate falls to a pixel of a view. It counts where no candidate's sample lies in front of it by more
than a tolerance; the frame that adds most pixels is picked, then the one that adds most to those, and so on (greedy maximum
coverage: Nemhauser, Wolsey & Fisher 1978). :func:`exhaustive_search` does exactly that over all frames.

:mod:`lyra_sim.generators.lazy_search` comes to the same picks from a few of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from lyra_sim.errors import SpecError
from lyra_sim.generators.retrieval_kernels import TILE, cover, gain, merge_nearest, project_frame, tile_depths
from lyra_sim.generators.visibility_index import SampledFrame, TargetViews
from lyra_sim.geometry.cameras import CameraPath


@dataclass(frozen=True, kw_only=True)
class DepthTolerance:
    """A point counts as visible up to ``absolute + relative * least depth`` behind the nearest one of its pixel.

    Raises:
        SpecError: A number is negative or not finite.
    """

    absolute: float = 0.0
    """In the units of the world, whatever those are."""
    relative: float = 0.05
    """Of the depth: the same picks at any scale of the world."""

    def __post_init__(self) -> None:
        if not (self.absolute >= 0 and self.relative >= 0 and np.isfinite(self.absolute + self.relative)):
            raise SpecError("depth tolerance", f"{self.absolute:g} and {self.relative:g}", expected="finite numbers ≥ 0")


RELATIVE = DepthTolerance()
PUBLISHED = DepthTolerance(absolute=0.1, relative=0.0)
"""Of Lyra 2.0: a tenth of a unit in a world whose unit depends on the first picture's depth network."""


def target_views(targets: CameraPath, *, stride: int) -> TargetViews:
    """Cameras on their coarse grids: ``K / stride``, sizes rounded up."""
    K = targets.K
    lenses = np.stack([K[:, 0, 0], K[:, 1, 1], K[:, 0, 2], K[:, 1, 2]], axis=1) / stride
    return TargetViews(
        c2w=targets.c2w,
        w2c=targets.w2c,
        lenses=lenses,
        width=-(-targets.width // stride),
        height=-(-targets.height // stride),
    )


class ViewState:
    """What is known of the target views so far: the nearest surface, and what picks cover."""

    def __init__(self, views: TargetViews, tolerance: DepthTolerance) -> None:
        self.views, self.absolute, self.relative = views, float(tolerance.absolute), float(tolerance.relative)
        shape = (len(views.w2c), views.height, views.width)
        self.nearest = np.full(shape, np.inf, np.float32)
        self.covered = np.zeros(shape, bool)
        self.tile_far = np.zeros((shape[0], -(-views.height // TILE), -(-views.width // TILE)))
        self.sum_tiles()

    def sum_tiles(self) -> None:
        tile_depths(self.nearest, self.absolute, self.relative, self.tile_far)

    def project(self, frame: SampledFrame) -> np.ndarray:
        """The frame's least depth in every pixel; what it shows becomes part of the nearest surface."""
        images, views = np.empty_like(self.nearest), self.views
        samples = (frame.z_depth, frame.lens, frame.spheres, frame.held)
        project_frame(*samples, views.w2c @ frame.c2w, views.w2c, views.lenses, self.tile_far, images)
        merge_nearest(self.nearest, images)
        return images

    def gain(self, images: np.ndarray) -> int:
        return int(gain(images, self.nearest, self.covered, self.absolute, self.relative))

    def cover(self, images: np.ndarray) -> None:
        cover(images, self.nearest, self.covered, self.absolute, self.relative)


def exhaustive_search(
    frames: Sequence[SampledFrame],
    views: TargetViews,
    eligible: Bool[np.ndarray, "n"],
    *,
    count: int,
    covered_by: int | None,
    tolerance: DepthTolerance,
) -> list[int]:
    """Positions of the picks, the best first, by projecting every frame: twice, so that memory doesn't grow with images.

    On a tie the frame that was added first wins: photos before what was drawn from them. Only frames that are eligible, and
    the one that covers beforehand, take part at all.

    Args:
        frames: All that are known.
        views: To be covered.
        eligible: Frames that may be picked.
        count: Picks wanted.
        covered_by: A frame whose pixels count as covered beforehand.
        tolerance: How far behind the nearest surface a sample still shows.
    """
    state = ViewState(views, tolerance)
    taken = eligible.copy()
    if covered_by is not None:
        taken[covered_by] = True
    for position in np.flatnonzero(taken).tolist():
        state.project(frames[position])
    shown = np.zeros((len(frames), -(-state.covered.size // 8)), np.uint8)
    for position in np.flatnonzero(taken).tolist():
        seen = np.zeros_like(state.covered)
        cover(state.project(frames[position]), state.nearest, seen, state.absolute, state.relative)
        shown[position] = np.packbits(seen.reshape(-1))
    free = eligible.copy()
    covered = np.zeros(shown.shape[1], np.uint8)
    if covered_by is not None:
        covered, free[covered_by] = shown[covered_by].copy(), False
    picks: list[int] = []
    while len(picks) < count and free.any():
        gains = np.where(free, np.bitwise_count(shown & ~covered).sum(axis=1, dtype=np.int64), -1)
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        picks.append(best)
        covered |= shown[best]
        free[best] = False
    return picks
