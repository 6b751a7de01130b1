"""Which photos show the same things, and whether they show what the cameras say they should."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from lyra_sim.data.posed import PosedPhotos
from lyra_sim.geometry.rigid import invert_rigid

ALIKE_DISTANCE = 2.0
"""A point looks like itself to a feature detector while its distance changes by less than this factor.
Tuned on the photo sets."""
ALIKE_ANGLE = np.radians(30.0)
"""… and while the direction it is seen from turns by less than this [radians]. Tuned on the photo sets."""
MARGIN = 0.03
"""Share of the image along every edge where a sighting isn't expected. Convention."""
CONFIRMED_POINTS = 8
"""A pair of photos is confirmed by at least this many common points … Tuned on the photo sets."""
POOLED_POINTS = 15
"""Groups of photos far apart, of which no two share many points, are confirmed by this many between them, and that share.
Tuned on the photo sets."""
CONFIRMED_SHARE = 0.2
"""… that are at least this share of those both should see. Right neighbours have 0.5 to 0.9 of them, even past corners;
photos on either side of a joint that nothing true holds 0.1, because the two copies of what they saw lie apart.
Tuned on the photo sets."""


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """What every two photos should see in common, and what they do."""

    expected: Int64[np.ndarray, "n n"]
    """Points either saw that fall into the other's image, from nearly as far and nearly the same side, or that both saw all
    the same; from either side, so twice; symmetric."""
    seen: Int64[np.ndarray, "n n"]
    """Those of them that both saw; symmetric."""

    @property
    def share(self) -> Float64[np.ndarray, "n n"]:
        """``seen`` of ``expected``, 0..1."""
        return self.seen / np.maximum(self.expected, 1)

    @property
    def confirmed(self) -> Bool[np.ndarray, "n n"]:
        """Pairs that see enough of what they should see in common."""
        # both directions count, so a common point counts twice
        return (self.seen >= 2 * CONFIRMED_POINTS) & (self.share >= CONFIRMED_SHARE)

    def of(self, part: tuple[int, ...]) -> "PairTable":
        """The table of some of the photos."""
        at = np.ix_(list(part), list(part))
        return PairTable(expected=self.expected[at], seen=self.seen[at])


def pair_table(posed: PosedPhotos) -> PairTable:
    """Expected and actual common points of every two photos.

    Structure-from-motion minimises the error of what was matched; a false joint leaves no trace there. It leaves one in
    what was *not* matched: the points that the cameras say both photos must show.
    """
    sparse, count = posed.sparse, len(posed)
    of_point, by = sparse.point_index, sparse.view_index
    offset = sparse.points[of_point] - posed.centres[by]
    distance = np.linalg.norm(offset, axis=1)
    saw = np.zeros((count, len(sparse.points)), bool)
    saw[by, of_point] = True
    expected, seen = np.zeros((count, count), np.int64), np.zeros((count, count), np.int64)
    w2c = invert_rigid(posed.c2w)
    for view in range(count):
        inside = _inside(posed, view, sparse.points @ w2c[view, :3, :3].T + w2c[view, :3, 3])
        common = saw[view, of_point]
        rows = np.flatnonzero(inside[of_point] | common)
        from_here = sparse.points[of_point[rows]] - posed.centres[view]
        here = np.linalg.norm(from_here, axis=1)
        ratio = here / distance[rows]
        aligned = (from_here * offset[rows]).sum(axis=1) > np.cos(ALIKE_ANGLE) * here * distance[rows]
        rows = rows[((ratio < ALIKE_DISTANCE) & (ratio > 1 / ALIKE_DISTANCE) & aligned) | common[rows]]
        expected[:, view] = np.bincount(by[rows], minlength=count)
        seen[:, view] = np.bincount(by[rows[common[rows]]], minlength=count)
    for table in (expected, seen):
        np.fill_diagonal(table, 0)
    return PairTable(expected=expected + expected.T, seen=seen + seen.T)


def groups(table: PairTable) -> list[tuple[int, ...]]:
    """Groups of photos that hang together, over confirmed pairs or over enough points between whole groups."""
    linked = table.confirmed
    while True:
        count, label = connected_components(linked, directed=False)
        one = np.eye(count, dtype=np.int64)[label]
        expected, seen = one.T @ table.expected @ one, one.T @ table.seen @ one
        pooled = (seen >= 2 * POOLED_POINTS) & (seen >= CONFIRMED_SHARE * np.maximum(expected, 1))
        np.fill_diagonal(pooled, False)
        if not pooled.any():
            break
        linked = linked | pooled[label][:, label]
    found = [tuple(int(index) for index in np.flatnonzero(label == each)) for each in range(count)]
    return sorted(found, key=lambda group: (-len(group), group))


def cuts(table: PairTable, *, ordered: bool) -> Bool[np.ndarray, "c n"]:
    """Ways to part the photos in two where a joint could be false; every row has its first photo False.

    The edges of the maximum spanning tree of common points, taken out one at a time, are the narrowest passages of photos
    in any order; exact minimum cuts (Gomory and Hu 1961) cost far more and part single photos off. Photos in the order of a
    walk are parted at every step as well.
    """
    count = len(table.seen)
    weights = table.seen.astype(np.float64)
    tree = minimum_spanning_tree(-weights).tocoo()  # scipy takes the smallest sum; negated, the largest
    sides: list[np.ndarray] = []
    edges = sorted(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    for edge in edges:
        linked = np.zeros((count, count), bool)
        for row, col in edges:
            linked[row, col] = (row, col) != edge
        _, label = connected_components(linked, directed=False)
        sides.append(label == label[edge[0]])
    if ordered:
        sides += [np.arange(count) >= first for first in range(1, count)]
    if not sides:
        return np.zeros((0, count), bool)
    stacked = np.array(sides)
    return np.unique(stacked ^ stacked[:, :1], axis=0)


def _inside(posed: PosedPhotos, view: int, in_camera: Float64[np.ndarray, "p 3"]) -> Bool[np.ndarray, "p"]:
    """Points in front of a camera and within its image, its rim left out; distortion is too small to matter here."""
    lens = posed.lenses[posed.lens_index[view]]
    focal, centre = lens.K[[0, 1], [0, 1]], lens.K[:2, 2]
    size = np.array([lens.width, lens.height])
    low, high = (MARGIN * size - centre) / focal, ((1 - MARGIN) * size - centre) / focal
    z = in_camera[:, 2:]
    return ((z > 0) & (in_camera[:, :2] > low * z) & (in_camera[:, :2] < high * z)).all(axis=1)
