"""What of given geometry is the place itself: a sky of splats, or stray triangles kilometres off, are no reason to refuse it.

Extent told by the farthest part is wrong for nearly every set of splats trained on photos with a window in them: training hangs
the sky on a dome of large splats far outside. Such parts stay for the look; the survey leaves them out, and says so.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64, Int32, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lyra_sim.capture.survey.standing_room import CELL, COARSEST, HEADROOM, LARGEST, MOST_CELLS
from lyra_sim.data.given import LeftOut

LINK = 2.0
"""Points in the same or neighbouring cells of this edge hang together [m]. Tuned, unrecorded."""
BACKDROP = 4.0
"""A part whose points are this many times as large as the main part's … Tuned, unrecorded."""
BACKDROP_GAP = 5.0
"""… and that lies farther from it than this [m], and than half the main part's own size, is backdrop: sky, hills, facades.
Tuned, unrecorded."""
FAR_GAP = 30.0
"""Where all would be too large, parts are left out that lie farther than this [m], and than the main part's own size. Tuned,
unrecorded."""
LEAST_SHARE = 0.5
"""The place itself holds at least this share of the points: else the unit is wrong, not a part far away. Convention."""
HALVINGS = 24
"""Of a distance: a thousand kilometres to six centimetres. Derived."""


@dataclass(frozen=True, kw_only=True)
class MainPart:
    """Which points the survey looks at."""

    kept: Bool[np.ndarray, "n"]
    reach: tuple[float, float]
    """Half the longest side of what is kept, and how far the farthest point left out lies from its middle [m]."""

    def left_out(self, what: str) -> tuple[LeftOut, ...]:
        """For the notes of a reading; empty where all was kept."""
        count = int((~self.kept).sum())
        place, away = 2 * self.reach[0], self.reach[1]
        why = f"the survey keeps to a place of {place:.3g} m, they lie up to {away:.3g} m off and stay for the look"
        return (LeftOut(what=f"{what} far outside", count=count, why=why),) if count else ()


def main_part(
    points: Float[np.ndarray, "n 3"],
    sizes: Float[np.ndarray, "n"] | None = None,
    *,
    links: Int64[np.ndarray, "m 2"] | None = None,
) -> MainPart:
    """The place itself among all points.

    Args:
        points: Middles of opaque splats, or corners of a mesh [m].
        sizes: Longest standard deviation of each splat [m]; None: nothing is told from sizes.
        links: Pairs of points that belong together however far apart, as corners of one triangle do.

    Returns:
        All points, unless some of them are backdrop or the whole is larger than a building; all of them as well where the place
        itself can't be told, so that the survey refuses the whole with its own words.
    """
    at = np.asarray(points, np.float64)
    everything = np.ones(len(at), bool)
    if sizes is None and _fits(at):
        return MainPart(kept=everything, reach=(0.0, 0.0))
    part = _parts(at, links)
    gaps, boxes_side = _gaps(at, part)
    kept = everything.copy()
    if sizes is not None:
        kept &= ~_backdrop(np.asarray(sizes, np.float64), part, gaps, boxes_side)
    if not _fits(at[kept]):
        kept &= (gaps <= max(FAR_GAP, boxes_side))[part]
    if not _fits(at[kept]):
        kept &= _dense_core(at, kept)
    if kept.mean() < LEAST_SHARE or not _fits(at[kept]):
        return MainPart(kept=everything, reach=(0.0, 0.0))
    low, high = at[kept].min(axis=0), at[kept].max(axis=0)
    away = np.abs(at[~kept] - (low + high) / 2).max(initial=0.0)
    return MainPart(kept=kept, reach=(float((high - low).max() / 2), float(away)))


def main_faces(
    vertices: Float[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]
) -> tuple[Bool[np.ndarray, "f"], tuple[LeftOut, ...]]:
    """Triangles of the place itself, where strays make a mesh larger than any building; and what to tell of the others."""
    used = np.unique(faces)
    links = np.searchsorted(used, np.concatenate([faces[:, :2], faces[:, 1:]])).astype(np.int64)
    part = main_part(np.asarray(vertices)[used], links=links)
    kept = np.zeros(len(vertices), bool)
    kept[used] = part.kept
    inside = kept[faces].all(axis=1)
    (left_out,) = part.left_out("triangles") or (None,)
    return inside, () if left_out is None else (replace(left_out, count=int((~inside).sum())),)


def _parts(at: Float64[np.ndarray, "n 3"], links: Int64[np.ndarray, "m 2"] | None) -> Int64[np.ndarray, "n"]:
    """Number of the part every point belongs to; 0 is the one with the most points."""
    limit = np.float64(1 << 19)  # three coordinates in one 64-bit key; what lies 1000 km off may share its cell
    cell = np.clip(np.floor((at - np.median(at, axis=0)) / LINK), 2 - limit, limit - 2).astype(np.int64) + int(limit)
    strides = np.array([1, 1 << 20, 1 << 40], np.int64)
    cells, of_point = np.unique(cell @ strides, return_inverse=True)
    of_point = of_point.ravel()
    pairs = []
    for step in np.argwhere(np.ones((3, 3, 3))) - 1:
        offset = int(step @ strides)
        if offset > 0:
            there = np.searchsorted(cells, cells + offset)
            found = np.flatnonzero((there < len(cells)) & (cells[np.minimum(there, len(cells) - 1)] == cells + offset))
            pairs.append(np.stack([found, there[found]], axis=1))
    if links is not None:
        pairs.append(of_point[links])
    every = np.concatenate(pairs)
    graph = coo_array((np.ones(len(every), np.int8), (every[:, 0], every[:, 1])), shape=(len(cells), len(cells)))
    _, label = connected_components(graph, directed=False)
    part = label[of_point].astype(np.int64)
    order = np.argsort(-np.bincount(part), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[part]


def _gaps(at: Float64[np.ndarray, "n 3"], part: Int64[np.ndarray, "n"]) -> tuple[Float64[np.ndarray, "p"], float]:
    """Distance of every part from the main part's box [m], and that box's longest side."""
    main = at[part == 0]
    low, high = main.min(axis=0), main.max(axis=0)
    away = np.linalg.norm(np.maximum(np.maximum(low - at, at - high), 0), axis=1)
    gaps = np.full(int(part.max()) + 1, np.inf)
    np.minimum.at(gaps, part, away)
    return gaps, float((high - low).max())


def _backdrop(
    sizes: Float64[np.ndarray, "n"], part: Int64[np.ndarray, "n"], gaps: Float64[np.ndarray, "p"], side: float
) -> np.ndarray:
    usual = float(np.median(sizes[part == 0]))
    count = np.bincount(part)
    order = np.lexsort((sizes, part))
    middle = sizes[order][np.concatenate([[0], np.cumsum(count)[:-1]]) + count // 2]  # median size of every part
    return ((middle > BACKDROP * usual) & (gaps > max(BACKDROP_GAP, side / 2)))[part]


def _dense_core(at: Float64[np.ndarray, "n 3"], kept: Bool[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """The points nearest to the middle, as many as fit."""
    away = np.abs(at - np.median(at[kept], axis=0)).max(axis=1)
    low, high = 0.0, float(away[kept].max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _fits(at[kept & (away <= middle)]) else (low, middle)
    return away <= low


def _fits(at: Float64[np.ndarray, "n 3"]) -> bool:
    """Whether the survey takes geometry of this extent."""
    if len(at) == 0:
        return True
    extent = np.ptp(at, axis=0)
    size = extent + np.array([2 * CELL, 2 * CELL, 2 * HEADROOM])
    return bool(extent.max() <= LARGEST and np.prod(size) <= MOST_CELLS * COARSEST**3)
