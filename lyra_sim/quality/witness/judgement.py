"""A world's hulls against a witness, where a robot is: matter that nothing stands for, and hulls in free space.

A *ghost* is matter the witness saw with no hull within 5 cm of it: a robot drives into it. A *phantom* is a hull that a free
ray passes through by more than 5 cm: a robot stops at nothing. Both only beyond twice the witness's own σ, and only in the
height band of the robot: phantoms within its reach, ghosts where it would touch them, stopped by hulls alone and by no map.
Shares tell noise from faults badly where a fault is small, so each has the largest patch of one piece beside it.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int32
from scipy import ndimage
from scipy.spatial import cKDTree

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.data.colliders import Collision, Hull
from lyra_sim.data.navigation import Navigation
from lyra_sim.data.occupancy import FREE_CELL, OCCUPIED
from lyra_sim.data.report import Metric
from lyra_sim.navigation.occupancy import FloorGrid, blocked, main_band
from lyra_sim.navigation.reachable import reachable
from lyra_sim.quality.figures.intervals import wilson
from lyra_sim.quality.figures.limits import limit_of
from lyra_sim.quality.figures.metrics import measured, not_measured
from lyra_sim.quality.witness.rays import Witness

APART_M = 0.05
"""Matter and hull, before it counts [m]. Convention."""
SIGMAS = 2.0
"""Of the witness, beyond that. Convention."""
REACH_M = 1.0
"""Farther than this from where the hulls let the robot's middle be, nothing is asked [m]. Convention."""
CELL_M = 0.05
"""Patches are counted in cells of this edge [m]. Convention."""
LEAST_IN_CELL = 3
"""Rays that make a cell part of a patch, of dense depth; one point is enough of kept-back points. Convention."""
FIGURES = ("witness.ghost", "witness.ghost_patch", "witness.phantom", "witness.phantom_patch")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a witness says of a world."""

    witness: Witness
    """In the metric world."""
    matter: Bool[np.ndarray, "n"]
    """Its ends in the robot's band and reach."""
    ghost: Bool[np.ndarray, "n"]
    """Those without a hull that the robot would touch: beyond what stops it, matter without a hull harms nobody."""
    free: Bool[np.ndarray, "n"]
    """Its rays that pass the robot's band within its reach."""
    phantom: Bool[np.ndarray, "n"]
    """Those with a hull in their way."""
    met: Float64[np.ndarray, "n 3"]
    """Where that is; NaN elsewhere [m]."""
    fenced: int
    """Rays with nothing in their way but fences round what the building views never saw."""

    @property
    def ghosts(self) -> "Patch":
        """The largest patch of matter that nothing stands for."""
        return largest_patch(self.witness.ends[self.ghost], least=self._least)

    @property
    def phantoms(self) -> "Patch":
        """The largest patch of hulls that stand for nothing."""
        return largest_patch(self.met[self.phantom], least=self._least)

    @property
    def _least(self) -> int:
        return 1 if self.witness.kind == "kept-back points" else LEAST_IN_CELL


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Cells of one piece."""

    area: float
    """Cells times the area of one's side [m^2]."""
    centre: tuple[float, float, float] | None
    """[m]; None without any."""

    def __str__(self) -> str:
        return "" if self.centre is None else "at {:.2f}, {:.2f}, {:.2f}".format(*self.centre)


def judge(witness: Witness, collision: Collision, path: Float64[np.ndarray, "c 3"]) -> Judgement:
    """The hulls of a world against its witness.

    Args:
        witness: In the metric world.
        collision: Hulls, and the map that tells where the robot can be.
        path: Centres of the capture's cameras [m]; a robot starts where they were.
    """
    navigation = collision.navigation
    margin = APART_M + SIGMAS * witness.sigma
    hulls = list(collision.colliders.hulls)
    near = _Near(navigation, _reach(navigation, hulls, path))
    matter = near(witness.ends)
    ghost = matter & near(witness.ends, within=navigation.robot_radius + navigation.occupancy.resolution)
    ghost[ghost] = ~_covered(witness.ends[ghost], margin[ghost], HullSet.of(hulls))
    solid = [hull for hull in hulls if hull.label != "unseen"]
    fences = [hull for hull in hulls if hull.label == "unseen"]
    free = _passes(witness, margin, near)
    met = np.full((len(witness), 3), np.nan)
    met[free] = _met(witness.where(free), margin[free], solid)
    met[~near(np.nan_to_num(met, nan=-1e6))] = np.nan
    phantom = np.isfinite(met).all(axis=1)
    if phantom.any():
        beside, _ = cKDTree(witness.ends).query(met[phantom], distance_upper_bound=float(margin.max()))
        at = np.flatnonzero(phantom)[beside <= margin[phantom]]
        phantom[at], met[at] = False, np.nan
    fenced = np.isfinite(_met(witness.where(free & ~phantom), margin[free & ~phantom], fences)).all(axis=1)
    return Judgement(witness=witness, matter=matter, ghost=ghost, free=free, phantom=phantom, met=met, fenced=int(fenced.sum()))


def witness_metrics(found: Judgement | None, *, why: str = "") -> list[Metric]:
    """Figures of a judgement; without a witness none is measured, and such a world never passes.

    Args:
        found: None where there is no witness.
        why: There is none.
    """
    if found is None or not found.matter.any():
        why = why or "0 points of it lie in the robot's band and reach"
        return [not_measured(name, limit_of(name).unit, why) for name in ("witness.rays", "witness.sigma", *FIGURES)]
    witness, ghosts, phantoms = found.witness, found.ghosts, found.phantoms
    fenced = f"{found.fenced} more meet a fence round what was never seen" if found.fenced else ""
    about = "; ".join(part for part in (witness.kind, witness.note) if part)
    ghost = _share("witness.ghost", found.ghost, found.matter, witness)
    phantom = _share("witness.phantom", found.phantom, found.free, witness, note=fenced)
    return [
        measured("witness.rays", len(witness), n=len(witness), note=about),
        measured("witness.sigma", float(np.median(witness.sigma[found.matter])), n=witness.places(found.matter)),
        ghost,
        _patch("witness.ghost_patch", ghosts, ghost, n=witness.places(found.matter)),
        phantom,
        _patch("witness.phantom_patch", phantoms, phantom, n=witness.places(found.free)),
    ]


def _share(
    name: str, wrong: Bool[np.ndarray, "n"], asked: Bool[np.ndarray, "n"], witness: Witness, *, note: str = ""
) -> Metric:
    """Wrong rays among those that are asked about, where there are enough to tell the share from its limit."""
    limit, n = limit_of(name), witness.places(asked)
    if not n:
        return not_measured(name, limit.unit, "none of its rays passes the robot's band and reach")
    share = float(wrong.sum() / asked.sum())
    low, high = wilson(share, n)
    assert limit.good is not None
    bounds = f"{100 * low:.2f} to {100 * high:.2f} % with 95 %"
    if low <= limit.good < high:
        return not_measured(name, limit.unit, f"{100 * share:.2f} % of {n} is {bounds}: too few to tell it from {limit.good:g}")
    return measured(name, share, n=n, note="; ".join(part for part in (bounds, note) if part))


def _patch(name: str, found: "Patch", share: Metric, *, n: int) -> Metric:
    """A large patch is a fault however few the rays are; none is no proof where they are too few."""
    told = measured(name, found.area, n=n, note=str(found))
    if share.verdict == "not-measured" and told.verdict == "pass":
        return not_measured(name, limit_of(name).unit, f"{found.area:g} m^2 are seen, by too few rays to go by")
    return told


def largest_patch(points: Float64[np.ndarray, "n 3"], *, least: int) -> Patch:
    """The largest set of cells with at least ``least`` points each that touch one another."""
    if not len(points):
        return Patch(area=0.0, centre=None)
    cells, counts = np.unique(np.floor(points / CELL_M).astype(np.int64), axis=0, return_counts=True)
    full = cells[counts >= least]
    if not len(full):
        return Patch(area=0.0, centre=None)
    low = full.min(axis=0)
    grid = np.zeros(full.max(axis=0) - low + 1, bool)
    grid[tuple((full - low).T)] = True
    labels, _ = ndimage.label(grid, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = np.argwhere(labels == sizes.argmax()) + low
    x, y, z = (largest.mean(axis=0) + 0.5) * CELL_M
    return Patch(area=float(sizes.max()) * CELL_M**2, centre=(float(x), float(y), float(z)))


def _reach(navigation: Navigation, hulls: list[Hull], path: Float64[np.ndarray, "c 3"]) -> Bool[np.ndarray, "nx ny"]:
    """Cells where the robot's middle can be if nothing but hulls stops it: a map may call unknown what nothing fences off."""
    occupancy = navigation.occupancy
    grid = FloorGrid(origin=occupancy.origin, shape=occupancy.cells.shape, resolution=occupancy.resolution)
    open_cells = np.where(blocked(hulls, grid, main_band(navigation)), OCCUPIED, FREE_CELL).astype(np.uint8)
    return reachable(replace(occupancy, cells=open_cells), navigation.robot_radius, path)[0]


class _Near:
    """Which points lie in the robot's height band, and near where its middle can be."""

    def __init__(self, navigation: Navigation, reach: Bool[np.ndarray, "nx ny"]) -> None:
        self._navigation = navigation
        distance = ndimage.distance_transform_edt(~reach) * navigation.occupancy.resolution
        self._distance = distance if reach.any() else np.full(reach.shape, np.inf)

    def __call__(self, points: Float64[np.ndarray, "n 3"], *, within: float = REACH_M) -> Bool[np.ndarray, "n"]:
        navigation, occupancy = self._navigation, self._navigation.occupancy
        height = points[:, 2] - navigation.floor_height(points[:, :2])
        low, high = navigation.band
        inside = (height >= low) & (height <= high)
        cells = occupancy.indices(points)
        inside &= (cells >= 0).all(axis=1) & (cells < self._distance.shape).all(axis=1)
        inside[inside] = self._distance[tuple(cells[inside].T)] <= within
        return inside


def _covered(points: Float64[np.ndarray, "n 3"], margin: Float64[np.ndarray, "n"], hulls: HullSet) -> Bool[np.ndarray, "n"]:
    """Points with a hull within their margin."""
    if not len(points):
        return np.zeros(0, bool)
    depth, owner = hulls.depth(points, margin=float(margin.max()))
    return (owner >= 0) & (depth >= -margin)


def _passes(witness: Witness, margin: Float64[np.ndarray, "n"], near: _Near) -> Bool[np.ndarray, "n"]:
    """Rays that are free, up to their margin before the end, somewhere in the robot's band and reach."""
    ray = witness.ends - witness.origins
    length = np.maximum(np.linalg.norm(ray, axis=1), 1e-9)
    passes = np.zeros(len(witness), bool)
    for share in np.linspace(0.0, 1.0, 33):
        passes |= near(witness.origins + ray * (share * np.maximum(length - margin, 0) / length)[:, None])
    return passes


def _met(witness: Witness, margin: Float64[np.ndarray, "n"], hulls: list[Hull]) -> Float64[np.ndarray, "n 3"]:
    """Where each ray meets the piece that stands deepest in its way; NaN where none does."""
    from lyra_sim.quality.witness.piercing_kernels import pierced

    if not hulls or not len(witness):
        return np.full((len(witness), 3), np.nan)
    table = HullSet.of(hulls)
    corner_starts = np.concatenate([[0], np.cumsum([len(hull.vertices) for hull in hulls])]).astype(np.int32)
    owner: Int32[np.ndarray, n]
    owner, t = pierced(
        witness.origins,
        witness.ends,
        margin,
        table.planes,
        table.starts,
        np.concatenate([hull.vertices for hull in hulls]).astype(np.float64),
        corner_starts,
        table.low,
        table.high,
    )
    ray = witness.ends - witness.origins
    unit = ray / np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-9)
    return np.where((owner >= 0)[:, None], witness.origins + t[:, None] * unit, np.nan)
