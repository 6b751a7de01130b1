"""Doors, windows and passages: holes that were seen through walls, with their size.

On every wall face the columns of voxels through the wall are looked at; where all are free, with wall on both sides, there is
an opening. Only air that was measured counts: glass that a depth camera saw, or a door that was shut, is wall.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from lyra_sim.collision.planes.plane import Plane
from lyra_sim.collision.planes.slabs import Raster, close_mask, other_face
from lyra_sim.data.colliders import Opening, OpeningKind
from lyra_sim.data.grid import FREE, FreeSpace

THROUGH = 0.15
"""How far behind the face a hole must be free where the wall's other face wasn't seen [m]. Tuned on the AWS worlds."""
MAX_WALL = 0.5
"""Two faces further apart than this aren't one wall [m]. Convention."""
SAME_FACE = 0.06
"""Pieces of wall this nearly in one plane are one face with something between them [m]. Tuned on the AWS worlds."""
WALL_COLUMN = 0.3
"""A column in which so much of the wall was seen, a lintel for instance, is wall [m]. Tuned on the AWS worlds."""
MAX_WIDTH, MAX_WIDTH_WITHOUT_LINTEL = 4.0, 2.5
"""What is wider is where a wall ends, not an opening in it [m]. Tuned on the AWS worlds."""
DOOR_WIDTH = 1.8
"""What is wider is a passage even under a lintel [m]. Tuned on the AWS worlds."""
SILL = 0.2
"""A hole whose lower edge is no higher than this reaches down to the floor [m]. Convention."""
RAGGED = 2.5
"""Edges of a hole that waver by more voxels than this (between quartiles) are those of a hole that depth noise tore.
Tuned on the AWS worlds."""
LEAST_DOOR, LEAST_WINDOW = (0.5, 1.5), (0.4, 0.4)
"""Width and height of the smallest door or passage, and of the smallest window [m]. Convention."""


def find_openings(planes: Sequence[Plane], free_space: FreeSpace) -> tuple[Opening, ...]:
    """Openings in all walls, those of the largest walls first; a hole found from both sides is told once."""
    found: list[Opening] = []
    left = [plane for plane in planes if plane.kind == "wall"]
    while left:
        face = [wall for wall in left if wall is left[0] or _in_one_plane(left[0], wall)]
        left = [wall for wall in left if not any(wall is one for one in face)]
        whole = Plane(
            kind="wall",
            normal=face[0].normal,
            offset=face[0].offset,
            points=np.concatenate([wall.points for wall in face]),
        )
        for opening in _in_face(whole, tuple(planes), free_space):
            if not any(_same(opening, other) for other in found):
                found.append(opening)
    return tuple(found)


def _in_one_plane(wall: Plane, other: Plane) -> bool:
    return bool(other.normal @ wall.normal > 0.9986 and abs(np.median(wall.distance(other.points))) < SAME_FACE)


def _same(a: Opening, b: Opening) -> bool:
    shift = a.centre - b.centre
    along = abs(shift @ np.array([-a.normal[1], a.normal[0], 0.0]))
    overlaps = along < (a.width + b.width) / 4 and abs(shift[2]) < (a.height + b.height) / 4
    return bool(overlaps and abs(shift @ a.normal) < MAX_WALL and abs(a.normal @ b.normal) > 0.95)


def _in_face(wall: Plane, planes: tuple[Plane, ...], free_space: FreeSpace) -> list[Opening]:
    cell = free_space.voxel_size / 2
    axes = np.array([[-wall.normal[1], wall.normal[0], 0.0], [0.0, 0.0, 1.0]])
    uv = wall.points @ axes.T
    low = uv.min(axis=0) - [0.0, 0.3]
    shape = np.ceil((uv.max(axis=0) - low) / cell).astype(int)
    raster = Raster(plane=wall, axes=axes, low=low, shape=(int(shape[0]), int(shape[1])), cell=cell)
    seen = raster.support()
    behind, _ = other_face(raster, planes, MAX_WALL / 1.5)
    is_wall = seen.sum(axis=1) * cell >= WALL_COLUMN
    between = close_mask(is_wall[:, None], round(MAX_WIDTH / cell / 2))[:, 0]
    open_cells = _open_cells(raster, behind or THROUGH, free_space)
    small = round(min(LEAST_WINDOW) / 2 / cell)
    holes = ndimage.binary_opening(open_cells & between[:, None], np.ones((small, small), bool))
    labels, count = ndimage.label(holes)
    openings = []
    for number in range(1, count + 1):
        opening = _measured(labels == number, open_cells, seen, raster, behind or THROUGH, planes)
        if opening is not None:
            openings.append(opening)
    return openings


def _open_cells(raster: Raster, depth: float, free_space: FreeSpace) -> Bool[np.ndarray, "a b"]:
    """Cells whose column is free from a voxel in front of the face to a voxel behind the wall."""
    uv, voxel = raster.centres(), free_space.voxel_size
    free = np.ones(len(uv), bool)
    for distance in np.arange(1.5 * voxel, -depth - 1.5 * voxel, -voxel / 2):
        free[free] = free_space.sample(raster.lift(uv[free], float(distance))) == FREE
    return free.reshape(raster.shape)


def _measured(
    hole: np.ndarray, open_cells: np.ndarray, seen: np.ndarray, raster: Raster, depth: float, planes: tuple[Plane, ...]
) -> Opening | None:
    """Size and kind of one hole; None if it has no wall on one side, or is too small or too wide."""
    cell = raster.cell
    rows, columns = np.flatnonzero(hole.any(axis=0)), np.flatnonzero(hole.any(axis=1))
    starts, ends = hole.argmax(axis=0)[rows], hole.shape[0] - hole[::-1].argmax(axis=0)[rows]
    bottoms, tops = hole.argmax(axis=1)[columns], hole.shape[1] - hole[:, ::-1].argmax(axis=1)[columns]
    u0, u1, v0, v1 = (int(np.median(edge)) for edge in (starts, ends, bottoms, tops))
    if u0 < 1 or u1 > hole.shape[0] - 1 or v1 <= v0:
        return None
    if max(float(np.subtract(*np.percentile(edge, [75, 25]))) for edge in (starts, ends, bottoms, tops)) > 2 * RAGGED:
        return None
    beside = [open_cells[edge, v0:v1].mean() for edge in (max(u0 - 2, 0), min(u1 + 1, hole.shape[0] - 1))]
    if max(beside) > 0.5:
        return None
    width, middle = (u1 - u0) * cell, raster.low[0] + (u0 + u1) / 2 * cell
    foot, top = raster.low[1] + np.array([v0, v1]) * cell
    place = raster.lift(np.array([[middle, 0.0]]), -depth / 2)[0]
    floor = _floor_below(place, foot, planes)
    sill = float(foot - floor)
    has_lintel = bool(seen[u0:u1, v1:].any(axis=1).mean() > 0.5)
    kind: OpeningKind = "window" if sill > SILL else "door" if has_lintel and width <= DOOR_WIDTH else "passage"
    if kind != "window":
        foot, sill = floor, 0.0
    least = LEAST_WINDOW if kind == "window" else LEAST_DOOR
    if width < least[0] or top - foot < least[1] or width > (MAX_WIDTH if has_lintel else MAX_WIDTH_WITHOUT_LINTEL):
        return None
    centre = np.array([place[0], place[1], (foot + top) / 2])
    return Opening(
        kind=kind,
        centre=centre,
        normal=raster.plane.normal,
        width=float(width),
        height=float(top - foot),
        sill=sill,
        depth=float(depth),
    )


def _floor_below(place: np.ndarray, foot: float, planes: tuple[Plane, ...]) -> float:
    """Height of the floor a hole stands on: of the levels seen within a metre of it, the one nearest to its lower edge."""
    heights = []
    for plane in planes:
        if plane.kind == "floor" and (np.linalg.norm(plane.points[:, :2] - place[:2], axis=1).min() < 1.0):
            heights.append(float((plane.offset - place[:2] @ plane.normal[:2]) / plane.normal[2]))
    main = planes[0]
    heights = [height for height in heights if height < foot + SILL] or [
        float((main.offset - place[:2] @ main.normal[:2]) / main.normal[2])
    ]
    return max(heights)
