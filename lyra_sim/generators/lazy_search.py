"""Greedy coverage from a few of the known frames: what a query costs doesn't grow with the world.

What a frame can add only shrinks as pixels are covered and as nearer surface becomes known, so an old figure is a bound
(lazy greedy: Minoux 1978). Bounds come cheap first and dear last: a sphere around the frame, rays through the cells its
points are in, one point in 16, and at last its projection, which alone makes a pick. So a frame is projected when nothing
else promises more. Cells and thinned points are a guess, raised by two standard deviations; and what stands in front is
told by the frames projected, 160 or all that come into view, and by the points of those previewed. Up to 160 frames in view
the picks are those of :func:`lyra_sim.generators.retrieval.exhaustive_search`; beyond, they can differ from it between
frames that add nearly the same.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from lyra_sim.generators.cell_index import PIXELS_A_RAY, STEPS
from lyra_sim.generators.retrieval import DepthTolerance, ViewState
from lyra_sim.generators.visibility_index import SampledFrame, TargetViews, VisibilityIndex

REFRESHED_AT_ONCE = 64
"""Bounds brought up to date in one call. Convention."""
LOOKED_UP_FROM = 256
"""Up to so many frames, cells aren't asked who might be seen: everybody is tried. Convention."""
PREVIEWED_AT_MOST = 512
"""Frames considered beyond their cells, those most looked at: it bounds a query where views are open to much of the world.
Convention."""
PROJECTED_AT_LEAST = 160
"""Frames projected before picks are final, those most looked at: what stands in front is told by them all. Convention."""
PROJECTED_AT_ONCE = 8
"""Frames projected before bounds are looked at again: a few too many cost less than asking after each. Convention."""


def lazy_search(
    frames: Sequence[SampledFrame],
    index: VisibilityIndex,
    views: TargetViews,
    eligible: Bool[np.ndarray, "n"],
    *,
    count: int,
    covered_by: int | None,
    tolerance: DepthTolerance,
    budget: int,
) -> list[int]:
    """Positions of the picks, the best first, as the exhaustive search finds them, from as few frames as that takes.

    Args:
        budget: Frames projected at most. Beyond it, picks are made from what was projected.
        frames: All that are known.
        index: Where their samples are.
        views: To be covered.
        eligible: Frames that may be picked.
        count: Picks wanted.
        covered_by: A frame whose pixels count as covered beforehand.
        tolerance: How far behind the nearest surface a sample still shows.
    """
    search = _LazySearch(frames, index, views, eligible, tolerance)
    if covered_by is not None:
        search.cover_by(covered_by)
    if len(frames) > LOOKED_UP_FROM:
        search.look_up()
    enough = min(PROJECTED_AT_LEAST, budget)
    if np.count_nonzero(search.promise > 0) > enough:
        while len(search.picks) < count and search.pick_next(budget):
            pass
    search.project_promising(enough)
    return search.settle(count, covered_by)


class _LazySearch:
    """Bounds of all frames, and the images of those that were projected."""

    def __init__(
        self,
        frames: Sequence[SampledFrame],
        index: VisibilityIndex,
        views: TargetViews,
        eligible: np.ndarray,
        tolerance: DepthTolerance,
    ) -> None:
        self.frames, self.index, self.state = frames, index, ViewState(views, tolerance)
        self.images: dict[int, np.ndarray] = {}
        self.picks: list[int] = []
        self.version = 0
        """Of what is known of the views: a figure of an older version is a bound."""
        self.bounds = np.where(eligible, index.bounds(views), -1.0)
        self.up_to_date = np.full(len(frames), -1)
        self.promise = self.bounds.copy()
        """What a frame was thought to show at the start."""

    def cover_by(self, position: int) -> None:
        self.images[position] = self.state.project(self.frames[position])
        self.state.cover(self.images[position])
        self.bounds[position] = -1
        self.changed()

    def look_up(self) -> None:
        """Bounds from the cells that the views look through: first to the first surfaces, then as far as those let see.

        A ray stands for the pixels around it; frames that no ray comes by are left out, and those past PREVIEWED_AT_MOST.
        """
        first = np.where(self.bounds > 0, self.votes(most_occupied=2), -1)
        which = np.argsort(-first, kind="stable")[:REFRESHED_AT_ONCE]
        self.preview(which[first[which] > 0])
        votes = self.votes(most_occupied=STEPS)
        reach = PIXELS_A_RAY**2 * (votes + 2 * np.sqrt(votes) + (votes > 0))
        self.bounds = np.minimum(self.bounds, reach)
        self.bounds[np.argsort(-self.bounds, kind="stable")[PREVIEWED_AT_MOST:]] = -1
        self.promise = self.bounds.copy()
        self.changed()

    def votes(self, *, most_occupied: int) -> np.ndarray:
        state, views = self.state, self.state.views
        limits = (state.nearest, state.absolute, state.relative)
        return self.index.cells.votes(views.c2w, views.lenses, *limits, most_occupied=most_occupied)

    def preview(self, which: np.ndarray) -> np.ndarray:
        """Guesses of what some frames add, and their points put into the nearest surface."""
        state = self.state
        return self.index.preview(which, state.views, state.nearest, state.covered, state.absolute, state.relative)

    def changed(self) -> None:
        self.version += 1
        self.state.sum_tiles()

    def pick_next(self, budget: int) -> bool:
        """Accept the frame that adds most, once nothing else can add more; False where nothing adds anything."""
        while True:
            best = int(np.argmax(self.bounds))
            if self.bounds[best] <= 0:
                return False
            if self.up_to_date[best] < self.version:
                self.refresh(best, exhausted=len(self.images) >= budget)
            elif best not in self.images:
                self.project_highest(min(PROJECTED_AT_ONCE, budget - len(self.images)))
            else:
                self.picks.append(best)
                self.state.cover(self.images[best])
                self.bounds[best] = -1
                self.changed()
                return True

    def project_highest(self, count: int) -> None:
        """Those with the highest bounds among the frames that weren't projected and whose bounds are up to date."""
        for position in self.highest(count, (self.up_to_date == self.version) & (self.bounds > 0)):
            self.images[int(position)] = self.state.project(self.frames[position])
        self.changed()

    def highest(self, count: int, wanted: np.ndarray) -> np.ndarray:
        """Positions by falling bound, of frames that weren't projected."""
        wanted[list(self.images)] = False
        which = np.flatnonzero(wanted)
        return which[np.argsort(-self.bounds[which], kind="stable")[:count]]

    def refresh(self, best: int, *, exhausted: bool) -> None:
        """Bring the figure of the highest frame up to date; if only its spheres are known, that of the next highest too."""
        if best in self.images:
            self.bounds[best], self.up_to_date[best] = self.state.gain(self.images[best]), self.version
            return
        if exhausted:
            unseen = np.ones(len(self.bounds), bool)
            unseen[list(self.images)] = False
            self.bounds[unseen] = -1
            return
        which = self.highest(REFRESHED_AT_ONCE, (self.up_to_date < self.version) & (self.bounds > 0))
        self.bounds[which] = np.minimum(self.bounds[which], self.preview(which))
        self.up_to_date[which] = self.version

    def project_promising(self, enough: int) -> None:
        """Project those that promised most at the start, whatever became of it, until enough are."""
        unseen = np.where(self.promise > 0, self.promise, -1.0)
        unseen[list(self.images)] = -1
        order = np.argsort(-unseen, kind="stable")[: max(0, enough - len(self.images))]
        for position in order[unseen[order] > 0]:
            self.images[int(position)] = self.state.project(self.frames[position])

    def settle(self, count: int, covered_by: int | None) -> list[int]:
        """Greedy picks among all that was projected, now that the nearest surface is known as well as it will be."""
        positions = sorted(self.images)
        self.state.covered[:] = False
        if covered_by is not None:
            self.state.cover(self.images[covered_by])
            positions.remove(covered_by)
        bounds = {position: self.state.covered.size for position in positions}
        picks: list[int] = []
        while len(picks) < count and bounds:
            fresh: set[int] = set()
            while (best := max(bounds, key=lambda position: (bounds[position], -position))) not in fresh:
                bounds[best] = self.state.gain(self.images[best])
                fresh.add(best)
            if bounds.pop(best) <= 0:
                break
            picks.append(best)
            self.state.cover(self.images[best])
        return picks
