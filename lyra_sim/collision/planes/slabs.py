"""Planes to slabs: convex boxes behind the measured surface, with doors and windows left open.

Every slab's front face is the fitted plane; the slab grows away from the room. It never enters air that was measured
free on the other side by more than a voxel: an interior wall seen from both sides gets its full true thickness (the
distance between its two fitted faces), and only matter with nothing free behind it gets the full ``thickness``.
Openings are where the voxels are free, so a door is as wide as it was seen to be.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage

from lyra_sim.collision.convex.containment import HullSet
from lyra_sim.collision.convex.pieces import Piece, named
from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.rectangles import Rectangle, cover
from lyra_sim.data.grid import FREE, FreeSpace

MAX_ASPECT = 40.0
"""Longest side of a tile over its shortest: a square tile's diagonal then stays under the 1:60 that PhysX can build.
Derived."""
SEAM = 0.1
"""Tiles of a floor reach this far under their neighbours [m]: at a seam a small ball at 10 m/s, 8 cm deep after one step, would
else be nearer to a tile's side than to its top, be pushed sideways and stay inside (seen in Newton). Derived."""
FLOOR_REACH, STEP_REACH = 0.6, 0.1
"""A floor goes on this far under walls, furniture and unseen space next to its own cells, a ramp or step this far [m].
Tuned on the AWS worlds."""
OVER_LOWER = 0.015
"""A level doesn't go on over cells where a floor was seen this much lower [m]. Convention."""
WALL_FOOT = 0.1
"""Walls reach this far below the floor's surface, so that no seam opens between the two [m]. Convention."""
GAP_FILL = 1.5
"""A wall goes on across gaps of up to this, behind furniture [m]. Tuned, unrecorded."""
OPTIONAL, FILLED = 5e-4, 2e-4
"""Worth of a wall cell that nobody saw, and of one that another slab fills already: enough to draw a rectangle's edge out
to the ceiling, into the floor and around the corner, never enough to earn a rectangle of its own. Convention."""
HOLE = 0.15
"""Narrower holes behind a wall's face don't part a slab [m]: depth noise pierces walls, nobody goes through there.
Tuned, unrecorded."""
MIN_GAIN = 0.04
"""A further rectangle must cover at least this much that isn't covered yet [m^2] … Tuned, unrecorded."""
MIN_CEILING_GAIN = 0.5
"""… and on a ceiling, where nothing drives, this much [m^2]. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class Raster:
    """A grid of cells on a plane, and the voxel states in front of and behind it."""

    plane: Plane
    axes: Float64[np.ndarray, "2 3"]
    """In-plane unit vectors u, v; for walls v is up, for floors both are horizontal before tilt."""
    low: Float64[np.ndarray, "2"]
    """u, v of the low corner [m]."""
    shape: tuple[int, int]
    cell: float
    """Edge [m]."""

    def lift(self, uv: np.ndarray, distance: float) -> Float64[np.ndarray, "n 3"]:
        """World points at in-plane coordinates, ``distance`` [m] in front of the plane.

        Floors and ceilings keep x and y and follow the tilt in z, walls are vertical: so slabs of one plane that share an
        edge in u, v share it in space, whatever their thickness.
        """
        uv = np.asarray(uv, np.float64)
        points = uv @ self.axes
        if self.plane.kind == "wall":
            return points + self.plane.normal * (self.plane.offset + distance)
        normal = self.plane.normal
        points[:, 2] = (self.plane.offset - points[:, :2] @ normal[:2]) / normal[2] + distance * np.sign(normal[2])
        return points

    def centres(self) -> Float64[np.ndarray, "n 2"]:
        """u, v of all cell centres, row-major."""
        i, j = np.meshgrid(np.arange(self.shape[0]), np.arange(self.shape[1]), indexing="ij")
        return self.low + (np.stack([i.ravel(), j.ravel()], axis=1) + 0.5) * self.cell

    def clear_depth(self, free_space: FreeSpace, reach: float) -> Float64[np.ndarray, "a b"]:
        """How far behind the plane each cell's column goes before it meets free air [m]; ``inf`` if not within ``reach``.

        The first voxel behind the plane isn't asked: a surface may lie anywhere inside it.
        """
        uv, voxel = self.centres(), free_space.voxel_size
        depth, asked = np.full(len(uv), np.inf), np.arange(len(uv))
        for step in np.arange(voxel, reach + voxel / 2, voxel / 2):
            hit = free_space.sample(self.lift(uv[asked], -float(step))) == FREE
            depth[asked[hit]] = step
            asked = asked[~hit]
        return depth.reshape(self.shape)

    def support(self) -> Bool[np.ndarray, "a b"]:
        """Cells where the surface was measured; samples 5 cm apart are joined."""
        uv = self.plane.points @ self.axes.T
        index = ((uv - self.low) / self.cell).astype(int)
        ok = ((index >= 0) & (index < self.shape)).all(axis=1)
        hits = np.zeros(self.shape, bool)
        hits[tuple(index[ok].T)] = True
        return close_mask(hits, round(0.1 / self.cell))

    def box(self, rectangle: Rectangle, thickness: float, label: str) -> list[Piece]:
        """The rectangle as slabs of ``thickness`` [m] behind the plane, tiled to the aspect limit."""
        u = self.low[0] + np.array([rectangle.i0, rectangle.i1]) * self.cell
        v = self.low[1] + np.array([rectangle.j0, rectangle.j1]) * self.cell
        pieces, thinnest = [], min(thickness, float(np.ptp(u)), float(np.ptp(v)))
        seam = min(SEAM, thinnest / 3) if label == "floor" else 0.0
        for u0, u1 in _tiles(u, thinnest, seam):
            for v0, v1 in _tiles(v, thinnest, seam):
                ring = np.array([[u0, v0], [u1, v0], [u1, v1], [u0, v1]])
                points = np.concatenate([self.lift(ring, 0.0), self.lift(ring, -thickness)])
                pieces.append(Piece(label=label, points=points))  # type: ignore[arg-type]
        return pieces


def _tiles(span: np.ndarray, thinnest: float, seam: float) -> list[tuple[float, float]]:
    """Ends of the tiles of a span [m]; neighbours reach ``seam`` [m] into each other."""
    count = max(int(np.ceil((span[1] - span[0]) / (MAX_ASPECT * thinnest - 2 * seam) - 1e-9)), 1)
    edges = np.linspace(span[0], span[1], count + 1)
    return [(float(max(a - seam, span[0])), float(min(b + seam, span[1]))) for a, b in itertools.pairwise(edges)]


def close_mask(mask: np.ndarray, cells: int) -> np.ndarray:
    """Binary closing by a square of ``cells`` radius that doesn't eat the border."""
    if cells < 1:
        return mask
    padded = np.pad(mask, cells + 1)
    size = 2 * cells + 1
    closed = ndimage.minimum_filter(ndimage.maximum_filter(padded, size=size), size=size)
    return closed[cells + 1 : -cells - 1, cells + 1 : -cells - 1]


def make_slabs(planes: tuple[Plane, ...], free_space: FreeSpace, *, thickness: float, max_count: int) -> list[Piece]:
    """Slabs of all planes, floors first, then walls from large to small, then ceilings.

    Args:
        planes: As :func:`lyra_sim.collision.planes.plane_finding.find_planes` gives them.
        free_space: The measured air that slabs keep out of.
        thickness: Of a slab with nothing free behind it [m].
        max_count: Upper limit; floors are never cut short by it.
    """
    floors = [plane for plane in planes if plane.kind == "floor"]
    walls = [plane for plane in planes if plane.kind == "wall"]
    ceilings = [plane for plane in planes if plane.kind == "ceiling"]
    pieces: list[Piece] = []
    for plane in floors:
        pieces += _level(plane, planes, free_space, thickness, max_count=40)
    for plane in walls:
        budget = max_count - len(pieces) - 2 * len(ceilings)
        if budget > 0:
            pieces += _wall(plane, planes, pieces, free_space, thickness, max_count=budget)
    for plane in ceilings:
        budget = max_count - len(pieces)
        if budget > 0:
            pieces += _level(plane, planes, free_space, thickness, max_count=min(budget, 8))
    return pieces


def _level(plane: Plane, planes: tuple[Plane, ...], free_space: FreeSpace, thickness: float, *, max_count: int) -> list[Piece]:
    """Floor or ceiling slabs. The main floor goes under everything; other levels keep to where they were seen."""
    cell = free_space.voxel_size
    heading = heading_of(planes)
    axes = np.array([[np.cos(heading), np.sin(heading), 0.0], [-np.sin(heading), np.cos(heading), 0.0]])
    main = plane is planes[0]
    if main:
        seen = np.argwhere((free_space.states == FREE).any(axis=2))
        footprint = np.concatenate(
            [free_space.origin[:2] + (seen + corner) * cell for corner in ([0, 0], [0, 1], [1, 0], [1, 1])]
        )
        around = np.concatenate([footprint @ axes[:, :2].T, plane.points @ axes.T])
    else:
        around = plane.points @ axes.T
    low = around.min(axis=0) - FLOOR_REACH
    shape = np.ceil((around.max(axis=0) + FLOOR_REACH - low) / cell).astype(int)
    raster = Raster(plane=plane, axes=axes, low=low, shape=(int(shape[0]), int(shape[1])), cell=cell)
    depth = raster.clear_depth(free_space, thickness)
    # Single free voxels under a floor are depth noise; a real drop is wider than a hand.
    wide = plane.kind == "floor" and plane.role == "level"
    drop = ndimage.binary_opening(depth < np.inf, np.ones((5, 5), bool)) if wide else depth < np.inf
    seen_cells = raster.support()
    reach = FLOOR_REACH if plane.role == "level" else STEP_REACH
    grown = seen_cells | ndimage.binary_dilation(seen_cells, iterations=max(round(reach / cell), 1))
    allowed = ~drop
    if plane.kind == "floor" and not main:
        allowed &= seen_cells | ~_over_lower(raster, planes)
    if plane.role != "level":
        allowed &= grown
    worth = np.ones(raster.shape) if main else grown.astype(float)
    pieces = _cover(raster, np.where(allowed, worth, 0.0), allowed, thickness, max_count)
    thin = drop & seen_cells & (depth >= 2 * cell)
    if thin.sum() * cell**2 > (0.5 if plane.role == "level" else 2 * MIN_GAIN):
        behind = float(np.percentile(depth[thin], 10)) - cell / 2
        pieces += _cover(raster, thin.astype(float), thin & (depth > behind), behind, max_count - len(pieces))
    return pieces


def _over_lower(raster: Raster, planes: tuple[Plane, ...]) -> Bool[np.ndarray, "a b"]:
    """Cells over which another floor was seen, a little lower than this one would be there."""
    covered = np.zeros(raster.shape, bool)
    for other in planes:
        if other.kind != "floor" or other is raster.plane:
            continue
        points = other.points
        normal = raster.plane.normal
        over = (raster.plane.offset - points[:, :2] @ normal[:2]) / normal[2] - points[:, 2]
        lower = points[(over > OVER_LOWER) & (over < 0.3)]
        index = np.floor((lower @ raster.axes.T - raster.low) / raster.cell).astype(int)
        inside = ((index >= 0) & (index < raster.shape)).all(axis=1)
        hits = np.zeros(raster.shape, bool)
        hits[tuple(index[inside].T)] = True
        covered |= close_mask(hits, max(round(0.1 / raster.cell), 1))
    return covered


def heading_of(planes: tuple[Plane, ...]) -> float:
    """Direction of the largest wall, folded to a quarter turn [rad]: rectangles then follow the building."""
    walls = [plane for plane in planes if plane.kind == "wall"]
    if not walls:
        return 0.0
    normal = max(walls, key=lambda wall: wall.area).normal
    return float((np.arctan2(normal[1], normal[0]) + np.pi / 4) % (np.pi / 2) - np.pi / 4)


def _wall(
    plane: Plane, planes: tuple[Plane, ...], before: list[Piece], free_space: FreeSpace, thickness: float, *, max_count: int
) -> list[Piece]:
    """Slabs of one wall face, minus what earlier slabs (its other face, a corner) already fill."""
    cell = free_space.voxel_size / 2
    axes = np.array([[-plane.normal[1], plane.normal[0], 0.0], [0.0, 0.0, 1.0]])
    uv = plane.points @ axes.T
    foot = _foot(plane, planes)
    top = max(float(uv[:, 1].max()), _ceiling_above(plane, planes))
    low = np.array([uv[:, 0].min() - thickness, min(foot, uv[:, 1].min())])
    shape = np.ceil((np.array([uv[:, 0].max() + thickness, top]) - low) / cell).astype(int)
    raster = Raster(plane=plane, axes=axes, low=low, shape=(int(shape[0]), int(shape[1])), cell=cell)
    seen = raster.support()
    worth = np.where(seen, 1.0, np.where(_hidden(seen, cell), 0.3, OPTIONAL))
    depth = raster.clear_depth(free_space, thickness)
    behind, columns = other_face(raster, planes, thickness)
    pieces: list[Piece] = []
    if behind is not None:
        allowed = (depth > behind - free_space.voxel_size) & columns[:, None]
        worth_here = _not_filled(raster, worth, before, behind)
        pieces += _cover(raster, np.where(allowed, worth_here, 0.0), allowed, behind, max_count)
    hole = max(round(HOLE / cell), 1)
    # Where nobody saw the wall go on, any air behind it ends it: past a thin wall that it meets lies another room.
    pierced = ndimage.binary_opening(np.isfinite(depth), np.ones((hole, hole), bool))
    pierced |= np.isfinite(depth) & (worth == OPTIONAL)
    solid = ~pierced & ~columns[:, None]
    worth_here = _not_filled(raster, worth, before + pieces, thickness)
    pieces += _cover(raster, np.where(solid, worth_here, 0.0), solid, thickness, max_count - len(pieces))
    thin = ~solid & ~columns[:, None] & seen & (depth >= 2 * free_space.voxel_size)
    if thin.sum() * cell**2 > 2 * MIN_GAIN:
        shallow = max(float(np.percentile(depth[thin & np.isfinite(depth)], 10)), 2 * free_space.voxel_size) - cell
        allowed = ~columns[:, None] & (depth > shallow)
        worth_here = _not_filled(raster, worth, before + pieces, shallow) * seen
        pieces += _cover(raster, np.where(allowed, worth_here, 0.0), allowed, shallow, max_count - len(pieces))
    return pieces


def _cover(raster: Raster, worth: np.ndarray, allowed: np.ndarray, thickness: float, max_count: int) -> list[Piece]:
    pieces: list[Piece] = []
    min_area = MIN_CEILING_GAIN if raster.plane.kind == "ceiling" else MIN_GAIN
    for rectangle in cover(worth, allowed, min_gain=min_area / raster.cell**2, max_count=max(max_count, 0)):
        pieces += raster.box(rectangle, thickness, raster.plane.kind)
    return pieces


def _hidden(seen: np.ndarray, cell: float) -> np.ndarray:
    """Cells under, above or between seen ones, across gaps of up to ``GAP_FILL``: where a wall goes on behind furniture."""
    column = close_mask(np.asarray(seen.any(axis=1))[:, None], int(GAP_FILL / cell / 2))[:, 0]
    return np.broadcast_to(column[:, None], seen.shape)


def _not_filled(raster: Raster, worth: np.ndarray, pieces: list[Piece], thickness: float) -> np.ndarray:
    """``worth`` less the cells whose front and middle already lie inside earlier pieces.

    A trace of worth stays, so that a wall reaches into the floor and into the corner it makes with its neighbour.
    """
    uv = raster.centres()
    front, middle = raster.lift(uv, -raster.cell / 2), raster.lift(uv, -thickness / 2)
    both = np.concatenate([front, middle])
    low, high = both.min(axis=0) - raster.cell, both.max(axis=0) + raster.cell
    near = [one for one in pieces if (one.points.max(axis=0) > low).all() and (one.points.min(axis=0) < high).all()]
    if not near:
        return worth
    hulls = HullSet.of(named(near))
    filled = hulls.contains(front) & hulls.contains(middle)
    return np.where(filled.reshape(worth.shape), np.minimum(worth, FILLED), worth)


def _foot(plane: Plane, planes: tuple[Plane, ...]) -> float:
    """z the wall reaches down to: just inside the floor below it [m]."""
    bottom = float(np.percentile(plane.points[:, 2], 1))
    levels = [floor for floor in planes if floor.kind == "floor" and floor.role == "level"]
    below = [floor.height for floor in levels if floor.height < bottom + 0.3]
    return (max(below) if below else planes[0].height) - WALL_FOOT


def _ceiling_above(plane: Plane, planes: tuple[Plane, ...]) -> float:
    """z of the lowest ceiling above most of the wall, or minus infinity if none was seen [m]."""
    high = float(np.percentile(plane.points[:, 2], 90))
    above = [ceiling.height for ceiling in planes if ceiling.kind == "ceiling" and ceiling.height > high]
    return min(above) if above else -np.inf


def other_face(raster: Raster, planes: tuple[Plane, ...], thickness: float) -> tuple[float | None, np.ndarray]:
    """Distance to the wall's other measured face, and the columns (within half a metre) where it was seen."""
    columns = np.zeros(raster.shape[0], bool)
    best: tuple[float, Plane] | None = None
    for other in planes:
        if other.kind != "wall" or other.normal @ raster.plane.normal > -0.9986:
            continue
        u = other.points @ raster.axes[0]
        inside = (u > raster.low[0]) & (u < raster.low[0] + raster.shape[0] * raster.cell)
        if inside.sum() < 40:
            continue
        gap = -float(np.median(raster.plane.distance(other.points[inside])))
        if 0.03 < gap < 1.5 * thickness and (best is None or other.area > best[1].area):
            best = (gap, other)
    if best is None:
        return None, columns
    u = best[1].points @ raster.axes[0]
    index = np.floor((u - raster.low[0]) / raster.cell).astype(int)
    columns[index[(index >= 0) & (index < len(columns))]] = True
    return best[0], ndimage.binary_dilation(columns, iterations=round(0.5 / raster.cell))
