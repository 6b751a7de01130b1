"""Places to doubt a stated frame by: boxes and slopes put together at random, each kind of place that people bring."""

from collections.abc import Callable

import numpy as np
import trimesh

WALL, SLAB = 0.1, 0.15
"""Thickness of walls and floors [m]."""
DOOR_WIDTH, DOOR_HEIGHT = 0.95, 2.05

Corners = tuple[tuple[float, float, float], tuple[float, float, float]]


class Place:
    """Boxes and loose faces that become one mesh, metres, z up."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.parts: list[trimesh.Trimesh] = []

    def box(self, low, high) -> None:
        low, high = np.asarray(low, float), np.asarray(high, float)
        if (high > low + 1e-6).all():
            self.parts.append(trimesh.creation.box(bounds=np.stack([low, high])))

    def sheet(self, corners) -> None:
        """A quadrilateral without thickness."""
        self.parts.append(trimesh.Trimesh(np.asarray(corners, float), [[0, 1, 2], [0, 2, 3]], process=False))

    def mesh(self) -> trimesh.Trimesh:
        return trimesh.util.concatenate(self.parts)

    def walls(self, low, high, *, top: float, doors: tuple[str, ...] = ()) -> None:
        """Four walls around ``low`` to ``high``, a door in the middle of those named by ``w``, ``e``, ``s``, ``n``."""
        (x0, y0, z), (x1, y1) = low, high
        for name, along, a, b, at in (
            ("w", 1, y0, y1, x0 - WALL),
            ("e", 1, y0, y1, x1),
            ("s", 0, x0, x1, y0 - WALL),
            ("n", 0, x0, x1, y1),
        ):
            self.wall(along, a - WALL, b + WALL, at, z, top, door=name in doors)

    def wall(self, along: int, a: float, b: float, at: float, z: float, top: float, *, door: bool = False) -> None:
        def piece(begin: float, end: float, low: float, high: float) -> None:
            if along == 0:
                self.box((begin, at, low), (end, at + WALL, high))
            else:
                self.box((at, begin, low), (at + WALL, end, high))

        if not door:
            piece(a, b, z, top)
            return
        left = (a + b - DOOR_WIDTH) / 2
        piece(a, left, z, top)
        piece(left + DOOR_WIDTH, b, z, top)
        piece(left, left + DOOR_WIDTH, z + DOOR_HEIGHT, top)

    def table(self, x: float, y: float, z: float) -> None:
        w, d, h = self.rng.uniform(0.8, 1.8), self.rng.uniform(0.6, 1.0), self.rng.uniform(0.68, 0.78)
        self.box((x, y, z + h - 0.04), (x + w, y + d, z + h))
        for dx in (0, w - 0.05):
            for dy in (0, d - 0.05):
                self.box((x + dx, y + dy, z), (x + dx + 0.05, y + dy + 0.05, z + h - 0.04))

    def chair(self, x: float, y: float, z: float) -> None:
        self.box((x, y, z + 0.42), (x + 0.45, y + 0.45, z + 0.46))
        self.box((x, y, z + 0.46), (x + 0.04, y + 0.45, z + 0.95))
        for dx in (0, 0.41):
            for dy in (0, 0.41):
                self.box((x + dx, y + dy, z), (x + dx + 0.04, y + dy + 0.04, z + 0.42))

    def furnish(self, low, high, *, pieces: int) -> None:
        """Tables, chairs, beds, cupboards along walls, a shelf on a wall."""
        (x0, y0, z), (x1, y1) = low, high
        for _ in range(pieces):
            kind = self.rng.integers(5)
            x, y = self.rng.uniform(x0, max(x0 + 0.01, x1 - 2.1)), self.rng.uniform(y0, max(y0 + 0.01, y1 - 1.7))
            match kind:
                case 0:
                    self.table(x, y, z)
                case 1:
                    self.chair(x, y, z)
                case 2:
                    self.box((x0 + 0.02, y, z), (x0 + 0.6, y + self.rng.uniform(0.8, 1.6), z + self.rng.uniform(0.8, 2.1)))
                case 3:
                    self.box((x, y1 - 1.6, z), (x + self.rng.uniform(1.2, 2.0), y1 - 0.05, z + self.rng.uniform(0.35, 0.6)))
                case 4:
                    self.box((x, y1 - 0.25, z + 1.3), (x + 0.9, y1, z + 1.34))

    def lamps(self, low, high, *, ceiling: float, count: int) -> None:
        (x0, y0, _), (x1, y1) = low, high
        for _ in range(count):
            x, y = self.rng.uniform(x0 + 0.2, x1 - 0.6), self.rng.uniform(y0 + 0.2, y1 - 0.6)
            self.box((x, y, ceiling - 0.4), (x + 0.3, y + 0.3, ceiling - 0.15))
            self.box((x + 0.14, y + 0.14, ceiling - 0.15), (x + 0.16, y + 0.16, ceiling))


def room(seed: int, *, ceiling: bool = True, pieces: int = 8) -> trimesh.Trimesh:
    """One furnished room, with lamps where it has a ceiling to hang them from."""
    place = Place(seed)
    width, depth, height = place.rng.uniform(3.2, 7), place.rng.uniform(3, 5.5), place.rng.uniform(2.3, 3.0)
    place.box((-WALL, -WALL, -SLAB), (width + WALL, depth + WALL, 0))
    place.walls((0, 0, 0), (width, depth), top=height, doors=("e",))
    place.furnish((0, 0, 0), (width, depth), pieces=pieces)
    if ceiling:
        place.box((-WALL, -WALL, height), (width + WALL, depth + WALL, height + SLAB))
        place.lamps((0, 0, 0), (width, depth), ceiling=height, count=2)
    return place.mesh()


def open_room(seed: int) -> trimesh.Trimesh:
    """The same without its ceiling, as many models are shown."""
    return room(seed, ceiling=False)


def flat(seed: int, *, ceiling: bool = True) -> trimesh.Trimesh:
    """Three rooms in a row, joined by doors."""
    place = Place(seed)
    height, depth, x = 2.5, place.rng.uniform(3.5, 5), 0.0
    for number in range(3):
        width = place.rng.uniform(2.8, 4.5)
        place.wall(1, -WALL, depth + WALL, x - WALL, 0, height, door=number > 0)
        place.wall(0, x, x + width, -WALL, 0, height)
        place.wall(0, x, x + width, depth, 0, height)
        place.furnish((x, 0, 0), (x + width - WALL, depth), pieces=5)
        x += width
    place.wall(1, -WALL, depth + WALL, x - WALL, 0, height)
    place.box((-WALL, -WALL, -SLAB), (x, depth + WALL, 0))
    if ceiling:
        place.box((-WALL, -WALL, height), (x, depth + WALL, height + SLAB))
    return place.mesh()


def open_flat(seed: int) -> trimesh.Trimesh:
    """The flat without its ceiling."""
    return flat(seed, ceiling=False)


def sheet_room(seed: int) -> trimesh.Trimesh:
    """What a scanner leaves of a room: the side it saw, without thickness, the floor under the furniture missing."""
    place = Place(seed)
    width, depth, height = place.rng.uniform(3.5, 6), place.rng.uniform(3.2, 5), 2.5
    bed = (0.1, 0.1, 2.1, 1.7)
    place.sheet([(0, bed[3], 0), (width, bed[3], 0), (width, depth, 0), (0, depth, 0)])
    place.sheet([(bed[2], 0, 0), (width, 0, 0), (width, bed[3], 0), (bed[2], bed[3], 0)])
    for a, b in (((0, 0), (width, 0)), ((width, 0), (width, depth)), ((width, depth), (0, depth)), ((0, depth), (0, 0))):
        place.sheet([(*a, 0), (*b, 0), (*b, height), (*a, height)])
    place.sheet([(0, 0, height), (width, 0, height), (width, depth, height), (0, depth, height)])
    place.sheet([(0, 0, 0.5), (bed[2], 0, 0.5), (bed[2], bed[3], 0.5), (0, bed[3], 0.5)])
    place.sheet([(bed[2], 0, 0), (bed[2], bed[3], 0), (bed[2], bed[3], 0.5), (bed[2], 0, 0.5)])
    place.sheet([(0, bed[3], 0), (bed[2], bed[3], 0), (bed[2], bed[3], 0.5), (0, bed[3], 0.5)])
    place.furnish((bed[2], bed[3], 0), (width, depth), pieces=3)
    return place.mesh()


def corridor(seed: int) -> trimesh.Trimesh:
    """Long, narrow and higher than wide, with cupboards: its walls are larger than its floor."""
    place = Place(seed)
    width, length, height = place.rng.uniform(1.5, 2.0), place.rng.uniform(8, 16), place.rng.uniform(2.4, 3.0)
    place.box((-WALL, -WALL, -SLAB), (length + WALL, width + WALL, 0))
    place.walls((0, 0, 0), (length, width), top=height, doors=("e", "w"))
    for x in np.arange(1.0, length - 1.5, 2.5):
        place.box((x, 0, 0), (x + 0.9, 0.35, place.rng.uniform(0.8, 1.9)))
    place.box((-WALL, -WALL, height), (length + WALL, width + WALL, height + SLAB))
    return place.mesh()


def house(seed: int) -> trimesh.Trimesh:
    """Two storeys joined by stairs, under a pitched roof."""
    place = Place(seed)
    width, depth, height = place.rng.uniform(7, 10), place.rng.uniform(5.5, 7), 2.6
    upper = height + SLAB
    place.box((-WALL, -WALL, -SLAB), (width + WALL, depth + WALL, 0))
    hole = (0.5, 0.3, 4.2, 1.4)
    place.box((-WALL, hole[3], height), (width + WALL, depth + WALL, upper))
    place.box((-WALL, -WALL, height), (width + WALL, hole[1], upper))
    place.box((-WALL, hole[1], height), (hole[0], hole[3], upper))
    place.box((hole[2], hole[1], height), (width + WALL, hole[3], upper))
    steps = 15
    for number in range(steps):
        x = hole[0] + (hole[2] - hole[0]) * number / steps
        place.box(
            (x, hole[1], upper * number / steps), (x + (hole[2] - hole[0]) / steps, hole[3], upper * (number + 1) / steps)
        )
    middle = place.rng.uniform(0.5, 0.6) * width
    for z, top in ((0.0, height), (upper, upper + height)):
        place.walls((0, 0, z), (width, depth), top=top, doors=("e",) if z == 0 else ())
        place.wall(1, 0, depth, middle, z, top, door=True)
        place.furnish((middle + WALL, 0, z), (width, depth), pieces=6)
        place.furnish((0, 1.6, z), (middle, depth), pieces=5)
    eaves, ridge = upper + height, upper + height + place.rng.uniform(1.5, 2.5)
    place.box((-WALL, -WALL, eaves), (width + WALL, depth + WALL, eaves + SLAB))
    y = depth / 2
    place.sheet([(-0.4, -0.4, eaves), (width + 0.4, -0.4, eaves), (width + 0.4, y, ridge), (-0.4, y, ridge)])
    place.sheet([(-0.4, depth + 0.4, eaves), (width + 0.4, depth + 0.4, eaves), (width + 0.4, y, ridge), (-0.4, y, ridge)])
    return place.mesh()


def warehouse(seed: int, *, roof: bool = True) -> trimesh.Trimesh:
    """A hall with racks full of boxes, and beams under its roof."""
    place = Place(seed)
    width, depth, height = place.rng.uniform(12, 20), place.rng.uniform(10, 16), place.rng.uniform(5, 9)
    place.box((-WALL, -WALL, -SLAB), (width + WALL, depth + WALL, 0))
    place.walls((0, 0, 0), (width, depth), top=height, doors=("e",))
    for y in np.arange(1.5, depth - 2.5, 3.4):
        top = place.rng.uniform(3, min(height - 1, 6))
        for x in np.arange(1.5, width - 4, 2.7):
            for z in np.arange(0.1, top, 1.5):
                place.box((x, y, z), (x + 2.6, y + 1.0, z + 0.06))
                for k in range(3):
                    if place.rng.random() < 0.7:
                        high = place.rng.uniform(0.4, 1.1)
                        place.box((x + 0.1 + 0.85 * k, y + 0.1, z + 0.06), (x + 0.8 + 0.85 * k, y + 0.9, z + 0.06 + high))
            for dx in (0.0, 2.54):
                for dy in (0.0, 0.94):
                    place.box((x + dx, y + dy, 0), (x + dx + 0.06, y + dy + 0.06, top + 0.5))
    if roof:
        place.box((-WALL, -WALL, height), (width + WALL, depth + WALL, height + SLAB))
        for x in np.arange(2.0, width, 4.0):
            place.box((x, 0, height - 0.5), (x + 0.3, depth, height))
    return place.mesh()


def open_warehouse(seed: int) -> trimesh.Trimesh:
    """The hall without its roof."""
    return warehouse(seed, roof=False)


def courtyard(seed: int) -> trimesh.Trimesh:
    """Ground between four walls under the sky, with benches, a tree and a basin."""
    place = Place(seed)
    width, depth, height = place.rng.uniform(8, 18), place.rng.uniform(8, 14), place.rng.uniform(2.2, 6)
    place.box((-0.5, -0.5, -0.3), (width + 0.5, depth + 0.5, 0))
    place.walls((0, 0, 0), (width, depth), top=height, doors=("e", "s"))
    for _ in range(4):
        x, y = place.rng.uniform(1, width - 3), place.rng.uniform(1, depth - 3)
        place.box((x, y, 0.4), (x + 1.6, y + 0.45, 0.46))
        place.box((x, y, 0), (x + 0.1, y + 0.45, 0.4))
        place.box((x + 1.5, y, 0), (x + 1.6, y + 0.45, 0.4))
    x, y = width / 2, depth / 2
    place.box((x, y, 0), (x + 0.3, y + 0.3, 2.2))
    crown = trimesh.creation.icosphere(subdivisions=2, radius=1.4)
    crown.apply_translation((x, y, 3.2))
    place.parts.append(crown)
    return place.mesh()


def table_scan(seed: int) -> trimesh.Trimesh:
    """A table and its chairs on a patch of floor without thickness; nothing stands around."""
    place = Place(seed)
    side = place.rng.uniform(2.5, 4)
    place.sheet([(0, 0, 0), (side, 0, 0), (side, side, 0), (0, side, 0)])
    place.table(0.3 * side, 0.35 * side, 0)
    place.chair(0.2 * side, 0.3 * side, 0)
    place.chair(0.75 * side, 0.5 * side, 0)
    return place.mesh()


def yard(seed: int) -> trimesh.Trimesh:
    """Uneven ground with a shed, crates and poles, open on all sides."""
    place = Place(seed)
    side, cells = place.rng.uniform(10, 16), 24
    edge = np.linspace(0, side, cells + 1)
    heights = 0.12 * np.sin(edge[:, None] * 0.9 + seed) + 0.1 * np.cos(edge[None, :] * 0.7)
    for i in range(cells):
        for j in range(cells):
            corners = [(edge[a], edge[b], heights[a, b]) for a, b in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))]
            place.sheet(corners)
    for _ in range(6):
        x, y, size = place.rng.uniform(1, side - 2), place.rng.uniform(1, side - 2), place.rng.uniform(0.5, 1.3)
        place.box((x, y, -0.2), (x + size, y + size, size))
    for _ in range(4):
        x, y = place.rng.uniform(1, side - 2, 2)
        place.box((x, y, -0.2), (x + 0.15, y + 0.15, 4))
    x, y = 0.6 * side, 0.6 * side
    place.box((x, y, -0.2), (x + 3, y + 2.4, 2.4))
    return place.mesh()


def garage(seed: int) -> trimesh.Trimesh:
    """Low, wide, with columns, deep beams and ducts under the ceiling, and cars: much hangs, and little stands."""
    place = Place(seed)
    width, depth, height = place.rng.uniform(14, 22), place.rng.uniform(12, 18), place.rng.uniform(2.6, 3.2)
    place.box((-WALL, -WALL, -SLAB), (width + WALL, depth + WALL, 0))
    place.walls((0, 0, 0), (width, depth), top=height, doors=("e",))
    place.box((-WALL, -WALL, height), (width + WALL, depth + WALL, height + SLAB))
    for x in np.arange(3, width - 1, 5):
        place.box((x, 0, height - 0.45), (x + 0.3, depth, height))
        for y in np.arange(3, depth - 1, 5):
            place.box((x, y, 0), (x + 0.3, y + 0.3, height))
    place.box((1, depth / 2, height - 0.5), (width - 1, depth / 2 + 0.6, height - 0.15))
    for _ in range(4):
        x, y = place.rng.uniform(0.5, width - 5), place.rng.uniform(0.5, depth - 2.5)
        place.box((x, y, 0.25), (x + 4.2, y + 1.8, 0.8))
        place.box((x + 1, y + 0.1, 0.8), (x + 3.4, y + 1.7, 1.45))
    return place.mesh()


KINDS: dict[str, Callable[[int], trimesh.Trimesh]] = {
    one.__name__: one
    for one in (
        room,
        open_room,
        flat,
        open_flat,
        sheet_room,
        corridor,
        house,
        warehouse,
        open_warehouse,
        courtyard,
        table_scan,
        yard,
        garage,
    )
}
