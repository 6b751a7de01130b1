"""A world's hulls against a witness, where a robot is: matter that nothing stands for, and hulls in free space.

A *ghost* is matter the witness saw with no hull within 5 cm of it: a robot drives into it. A *phantom* is a hull that a free
ray passes through by more than 5 cm: a robot stops at nothing. Both only beyond twice the witness's own σ, and only in the
height band of the robot: phantoms within its reach, ghosts where it would touch them, stopped by hulls alone and by no map.
Shares tell noise from faults badly where a fault is small, so each has the largest patch of one piece beside it. Two more
things are asked: by how much all hulls stand out before what was measured, or behind it; and whether hulls carry the floor that
was measured, and close none of its holes.
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
from lyra_sim.quality.witness.patches import Patch, largest_patch
from lyra_sim.quality.witness.rays import Witness

APART_M = 0.05
"""Matter and hull, before it counts [m]. Convention."""
SIGMAS = 2.0
"""Of the witness, beyond that. Convention."""
REACH_M = 1.0
"""Farther than this from where the hulls let the robot's middle be, nothing is asked [m]. Convention."""
LEAST_IN_CELL = 3
"""Rays that make a cell part of a patch, of dense depth; one point is enough of kept-back points. Convention."""
FLOOR_CELL_M = 0.1
"""Patches of floor are counted in squares of this edge [m]: it is looked at from far, and rays lie thin on it. Convention."""
LEAST_ON_FLOOR = 2
"""Rays that make such a square part of a patch, if they are most that end in it. Convention."""
LEAST_PLACES = 200
"""Fewer points of matter tell no median, and fewer on the floor nothing of it. Convention."""

FIGURES = (
    "witness.ghost",
    "witness.ghost_patch",
    "witness.phantom",
    "witness.phantom_patch",
    "witness.offset",
    "witness.floor_bare",
    "witness.floor_false",
)


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
    offset: float
    """Median distance by which hulls stand out before measured matter, or behind it where it is negative; NaN without any
    matter that has a hull [m]."""
    floor: Bool[np.ndarray, "n"]
    """Its ends on the floor under where a robot can be."""
    bare: Bool[np.ndarray, "n"]
    """Those that no hull carries."""
    sunk: Float64[np.ndarray, "n 3"]
    """Where free rays to what lies below the floor pass through a hull of it; NaN elsewhere [m]."""

    @property
    def ghosts(self) -> Patch:
        """The largest patch of matter that nothing stands for."""
        return largest_patch(self.witness.ends[self.ghost], least=self._least)

    @property
    def phantoms(self) -> Patch:
        """The largest patch of hulls that stand for nothing."""
        return largest_patch(self.met[self.phantom], least=self._least)

    @property
    def bare_floor(self) -> Patch:
        """The largest patch of floor that nothing carries a robot on."""
        return self._floor_patch(self.witness.ends[self.bare])

    @property
    def false_floor(self) -> Patch:
        """The largest patch of floor where there is a way down."""
        return self._floor_patch(self.sunk[np.isfinite(self.sunk).all(axis=1)])

    def _floor_patch(self, wrong: Float64[np.ndarray, "n 3"]) -> Patch:
        held = self.witness.ends[self.floor & ~self.bare]
        level = np.array([1.0, 1.0, 0.0])  # seen from above: a floor that lies on the border of two cells is one
        return largest_patch(wrong * level, least=LEAST_ON_FLOOR, cell=FLOOR_CELL_M, against=held * level)

    @property
    def _least(self) -> int:
        return 1 if self.witness.kind == "kept-back points" else LEAST_IN_CELL


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
    touched = navigation.robot_radius + navigation.occupancy.resolution
    ghost = matter & near(witness.ends, within=touched)
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
    depth, owner = HullSet.of(solid).depth(witness.ends[matter], margin=APART_M)
    floor = near.on_floor(witness.ends, margin, within=touched)
    bare = floor.copy()
    bare[floor] = ~_covered(witness.ends[floor], margin[floor], HullSet.of(hulls))
    return Judgement(
        witness=witness,
        matter=matter,
        ghost=ghost,
        free=free,
        phantom=phantom,
        met=met,
        fenced=int(fenced.sum()),
        offset=float(np.median(depth[owner >= 0])) if (owner >= 0).any() else float("nan"),
        floor=floor,
        bare=bare,
        sunk=_sunk(witness, margin, near, touched, solid),
    )


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
        *_offset_and_floor(found),
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


def _offset_and_floor(found: Judgement) -> list[Metric]:
    if found.witness.kind == "kept-back points":
        why = "its limits were found with dense depth; nothing tells yet what they mean for photos' points"
        return [not_measured(name, limit_of(name).unit, why) for name in FIGURES[4:]]
    stand = "hulls stand out" if found.offset > 0 else "hulls stand back"
    matter, floor = found.witness.places(found.matter), found.witness.places(found.floor)
    offset = not_measured("witness.offset", "m", f"{matter} points of it are too few for a median")
    if np.isfinite(found.offset) and matter >= LEAST_PLACES:
        offset = measured("witness.offset", abs(found.offset), n=matter, note=stand)
    if floor < LEAST_PLACES:
        why = f"{floor} points of it lie on the floor"
        return [offset, *(not_measured(name, limit_of(name).unit, why) for name in FIGURES[5:])]
    bare, false = found.bare_floor, found.false_floor
    return [
        offset,
        measured("witness.floor_bare", bare.area, n=floor, note=str(bare)),
        measured("witness.floor_false", false.area, n=floor, note=str(false)),
    ]


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
        height = self._height(points)
        low, high = self._navigation.band
        return ((height >= low) & (height <= high)) & self.under(points, within)

    def on_floor(
        self, points: Float64[np.ndarray, "n 3"], margin: Float64[np.ndarray, "n"], *, within: float
    ) -> Bool[np.ndarray, "n"]:
        """Points at the height of the main floor."""
        return (np.abs(self._height(points)) <= margin) & self.under(points, within)

    def below(
        self, points: Float64[np.ndarray, "n 3"], margin: Float64[np.ndarray, "n"], *, within: float
    ) -> Bool[np.ndarray, "n"]:
        """Points farther below the main floor than their margin."""
        return (self._height(points) < -margin) & self.under(points, within)

    def under(self, points: Float64[np.ndarray, "n 3"], within: float) -> Bool[np.ndarray, "n"]:
        """Points, at any height, near where the robot's middle can be."""
        cells = self._navigation.occupancy.indices(points)
        inside = np.asarray((cells >= 0).all(axis=1) & (cells < self._distance.shape).all(axis=1))
        inside[inside] = self._distance[tuple(cells[inside].T)] <= within
        return inside

    def _height(self, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
        return np.asarray(points[:, 2] - self._navigation.floor_height(points[:, :2]))


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


def _sunk(
    witness: Witness, margin: Float64[np.ndarray, "n"], near: _Near, within: float, hulls: list[Hull]
) -> Float64[np.ndarray, "n 3"]:
    """Where rays that end below the floor pass through hulls at its height; NaN elsewhere."""
    sunk = np.full((len(witness), 3), np.nan)
    down = near.below(witness.ends, margin, within=REACH_M)
    sunk[down] = _met(witness.where(down), margin[down], hulls)
    met = np.nan_to_num(sunk, nan=-1e6)
    sunk[~near.on_floor(met, margin, within=within)] = np.nan
    return sunk


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
