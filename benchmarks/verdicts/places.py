"""True places of boxes: exact matter, exact surface, named furniture and doorways, and a walk that looks around in them.

A place can be changed (a cabinet gone, a doorway closed, a pit in the floor): a world built of pictures of the changed place is
wrong about the true one in everything it is made of, and agrees with itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int32, UInt8

from benchmarks.office import DOOR_TOP, ROOM, Box, office
from lyra_sim.geometry.cameras import CameraPath, level_cameras
from lyra_sim.rendering.ray_casting import RayCaster

RIM = 0.4
"""Matter around a place [m]. Convention."""
HEIGHT = 2.5
"""Of rooms [m]. Convention."""
WALL = 0.15
"""Thickness of inner walls [m]. Convention."""
WIDTH, TALL, FOCAL = 160, 120, 90.0
"""Of a frame, and its focal length [px]: 83 degrees wide. Convention."""
TURN = 1.1
"""Yaw from frame to frame [rad]: after six frames all of a room was seen. Convention."""
PITCHES = np.radians([-32.0, -8.0, -50.0, -15.0, 14.0])
"""In turn [rad]. Convention."""
EYE = 1.2
"""Height of the camera [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Boxes of air, and boxes of matter in it; all else is matter. The floor is z = 0."""

    name: str
    air: tuple[Box, ...]
    """Rooms."""
    doors: Mapping[str, Box]
    """Doorways: the air in them, a centimetre longer than the wall is thick on either side."""
    pieces: Mapping[str, tuple[Box, ...]]
    """Furniture."""
    stops: Float64[np.ndarray, "k 2"]
    """Corners of the walk [m]; every room is come back to."""
    views: int
    """Frames of the walk."""

    @cached_property
    def low(self) -> Float64[np.ndarray, "3"]:
        """Lower corner of all air [m]."""
        return np.min([low for low, _ in self._all_air], axis=0)

    @cached_property
    def high(self) -> Float64[np.ndarray, "3"]:
        """Upper corner of all air [m]."""
        return np.max([high for _, high in self._all_air], axis=0)

    @property
    def _all_air(self) -> tuple[Box, ...]:
        return (*self.air, *self.doors.values())

    @property
    def _furniture(self) -> tuple[Box, ...]:
        return tuple(box for boxes in self.pieces.values() for box in boxes)

    def solid(self, points: Float64[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
        """Points in matter."""
        inside = np.ones(len(points), bool)
        for low, high in self._all_air:
            inside &= ((points < low) | (points > high)).any(axis=1)
        for low, high in self._furniture:
            inside |= ((points >= low) & (points <= high)).all(axis=1)
        return inside

    @cached_property
    def surface(self) -> tuple[Float64[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
        """The closed surface, wound from matter into air."""
        import manifold3d

        def union(boxes: tuple[Box, ...]) -> manifold3d.Manifold:
            solids = [manifold3d.Manifold.cube((high - low).tolist()).translate(low.tolist()) for low, high in boxes]
            return manifold3d.Manifold.batch_boolean(solids, manifold3d.OpType.Add)

        block = union(((self.low - RIM, self.high + RIM),))
        whole = (block - (union(self._all_air) - union(self._furniture))).to_mesh()
        return np.array(whole.vert_properties[:, :3], np.float64), np.array(whole.tri_verts, np.int32)

    @cached_property
    def cameras(self) -> CameraPath:
        """Frames evenly along the walk; each looks where the one before didn't."""
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.stops, axis=0), axis=1))])
        at = np.linspace(0, along[-1], self.views)
        xy = np.stack([np.interp(at, along, self.stops[:, axis]) for axis in (0, 1)], axis=1)
        index = np.arange(self.views)
        c2w = level_cameras(np.c_[xy, EYE + 0.05 * np.sin(index)], TURN * index, PITCHES[index % len(PITCHES)])
        K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, TALL / 2], [0, 0, 1.0]])
        return CameraPath(c2w=c2w, K=np.tile(K, (self.views, 1, 1)), width=WIDTH, height=TALL)

    def rendered(self, cameras: CameraPath) -> list[tuple[UInt8[np.ndarray, "h w 3"], np.ndarray]]:
        """Colour and z-depth float32 (h, w) [m] of each frame: a chequered surface, another tone for each face and place."""
        vertices, faces = self.surface
        caster = RayCaster(vertices, faces)
        across = np.cross(*(vertices[faces[:, k]] - vertices[faces[:, 0]] for k in (1, 2)))
        axis = np.abs(across).argmax(axis=1)
        frames = []
        for index in range(len(cameras)):
            hits = caster.cast_camera(cameras, index)
            points = hits.interpolate(faces, vertices).astype(np.float64)
            checks = (np.floor(points * 4 + 1e-3).sum(axis=-1) % 2) * 24 - 12
            blocks = np.floor(points / 0.8 + 0.01).astype(np.int64)
            tone = (blocks @ np.array([73, 151, 211])) % 97
            base = 90 + np.stack([tone, (tone * 37) % 97, (tone * 59) % 97], axis=-1)
            shade = np.array([0.8, 0.9, 1.0])[axis[np.maximum(hits.face, 0)]]
            colour = (base + checks[..., None]) * shade[..., None]
            frames.append((np.clip(colour, 0, 255).astype(np.uint8), hits.t))
        return frames

    def without(self, *names: str) -> "Place":
        """Some furniture gone."""
        return replace(self, pieces={name: boxes for name, boxes in self.pieces.items() if name not in set(names)})

    def closed(self, door: str) -> "Place":
        """A doorway walled up."""
        return replace(self, doors={name: box for name, box in self.doors.items() if name != door})

    def widened(self, door: str, by: float) -> "Place":
        """A doorway wider than it is, half of it on either side [m]."""
        low, high = self.doors[door]
        along = int(np.argmax((high - low)[:2] > WALL + 0.1))
        grown = np.zeros(3)
        grown[along] = by / 2
        return replace(self, doors={**self.doors, door: (low - grown, high + grown)})

    def moved(self, piece: str, by: tuple[float, float]) -> "Place":
        """A piece of furniture elsewhere."""
        offset = np.array([*by, 0.0])
        return replace(
            self, pieces={**self.pieces, piece: tuple((low + offset, high + offset) for low, high in self.pieces[piece])}
        )

    def with_pit(self, middle: tuple[float, float], side: float) -> "Place":
        """A square hole in the floor, deeper than a robot is high."""
        x, y = middle
        pit = (np.array([x - side / 2, y - side / 2, -0.7]), np.array([x + side / 2, y + side / 2, 0.01]))
        return replace(self, air=(*self.air, pit))

    def sees_from(self, cameras: CameraPath) -> Bool[np.ndarray, "n"]:
        """Cameras that have air around them here."""
        around = np.concatenate([np.zeros((1, 3)), 0.05 * np.eye(3), -0.05 * np.eye(3)])
        points = (cameras.centres[:, None] + around).reshape(-1, 3)
        return ~self.solid(points).reshape(-1, len(around)).any(axis=1)


def places() -> tuple[Place, ...]:
    """Three places of different plan."""
    return (two_offices(), flat(), workshop())


def two_offices() -> Place:
    """Two furnished offices of ``benchmarks/office.py`` and the doorway between them."""
    built = office(2, 1, seed=5)
    rooms = tuple(box for box in built.air if (box[1] - box[0])[0] >= ROOM[0])
    doorway = next(box for box in built.air if (box[1] - box[0])[0] < ROOM[0])
    pieces = {}
    sizes = {"table": 5, "stool": 5, "shelf": 6, "box": 1, "crate": 1}
    for room in range(2):
        first = room * sum(sizes.values())
        for name, count in sizes.items():
            pieces[f"{name}_{room}"] = built.furniture[first : first + count]
            first += count
    stops = np.array(
        [
            [2.2, 2.0],
            [1.0, 1.8],
            [2.4, 2.6],
            [4.2, 2.0],
            [5.1, 2.0],
            [6.4, 1.9],
            [8.9, 2.1],
            [8.2, 2.7],
            [6.6, 2.2],
            [5.1, 2.0],
            [4.0, 1.9],
            [2.0, 2.3],
        ]
    )
    return Place(name="offices", air=rooms, doors={"door": doorway}, pieces=pieces, stops=stops, views=96)


def flat() -> Place:
    """Three rooms in a ring, one of its three doorways looked through and never walked through; cabinets that stand free."""
    rooms = [_room(0, 0, 4.6, 4.4), _room(4.75, 0, 8.0, 3.0), _room(4.75, 3.15, 8.6, 6.6)]
    doors = {
        "living_kitchen": _door(4.6, 1.2, x_wide=False, width=0.9),
        "kitchen_bedroom": _door(5.9, 3.0, x_wide=True, width=0.85),
        "living_bedroom": _door(4.6, 3.4, x_wide=False, width=0.9),
    }
    stops = np.array(
        [
            [1.9, 2.2],
            [1.2, 1.2],
            [2.4, 3.0],
            [3.6, 1.8],
            [4.7, 1.65],
            [6.0, 1.5],
            [6.8, 1.3],
            [6.33, 2.2],
            [6.32, 3.1],
            [6.3, 4.2],
            [7.3, 5.0],
            [6.0, 5.2],
            [5.9, 4.2],
            [6.32, 3.1],
            [6.3, 2.0],
            [5.4, 1.6],
            [4.7, 1.65],
            [3.4, 2.0],
            [2.2, 2.0],
        ]
    )
    pieces = {
        "cabinet": (_box(2.9, 3.2, 0.7, 0.45, 1.5),),
        "sofa": (_box(0.0, 0.2, 0.8, 0.5, 0.45), _box(0.0, 0.2, 0.2, 1.8, 0.8)),
        "wardrobe": (_box(7.95, 3.6, 0.65, 1.3, 2.0),),
        "bed": (_box(6.9, 5.7, 1.7, 0.9, 0.5),),
        "island": (_box(6.9, 1.95, 0.6, 0.5, 0.9),),
        "counter": (_box(5.2, 0.0, 2.4, 0.55, 0.9),),
        "dresser": (_box(0.1, 3.9, 1.2, 0.5, 0.9),),
        "coffee_table": _table(1.0, 2.65, 0.8, 0.5, 0.42),
        "stool": _table(3.6, 0.4, 0.4, 0.4, 0.45),
    }
    return Place(name="flat", air=tuple(rooms), doors=doors, pieces=pieces, stops=stops, views=112)


def workshop() -> Place:
    """A hall with a narrowing between cabinets, a store and a back room."""
    rooms = [_room(0, 0, 6.2, 5.0), _room(6.35, 0, 9.2, 2.6), _room(6.35, 2.75, 9.2, 5.0)]
    doors = {
        "hall_store": _door(6.2, 0.9, x_wide=False, width=0.9),
        "hall_back": _door(6.2, 3.3, x_wide=False, width=1.0),
        "store_back": _door(7.7, 2.6, x_wide=True, width=0.8),
    }
    stops = np.array(
        [
            [1.5, 2.5],
            [1.0, 1.4],
            [1.6, 3.4],
            [2.6, 2.55],
            [3.6, 2.55],
            [4.6, 2.2],
            [5.2, 1.4],
            [6.28, 1.35],
            [7.2, 1.3],
            [8.2, 1.3],
            [7.2, 1.4],
            [6.28, 1.35],
            [5.3, 1.6],
            [4.9, 3.4],
            [5.6, 3.8],
            [6.28, 3.8],
            [7.3, 3.8],
            [8.2, 4.1],
            [7.2, 3.8],
            [6.28, 3.8],
            [5.0, 3.4],
            [4.2, 2.6],
            [3.2, 2.55],
            [2.0, 2.4],
        ]
    )
    pieces = {
        "narrow_south": (_box(3.0, 0.9, 0.5, 1.2, 1.7),),
        "narrow_north": (_box(3.0, 2.95, 0.5, 1.1, 1.7),),
        "bench": _table(0.4, 4.2, 1.8, 0.7, 0.85),
        "lathe": (_box(4.3, 4.2, 1.0, 0.6, 1.2),),
        "cabinet": (_box(4.1, 0.6, 0.45, 0.6, 1.6),),
        "rack": (_box(8.6, 0.3, 0.5, 1.6, 1.9),),
        "crate": (_box(6.8, 0.2, 0.5, 0.45, 0.4),),
        "barrel": (_box(0.3, 0.3, 0.55, 0.55, 0.9),),
        "desk": (_box(7.6, 4.5, 1.3, 0.5, 0.75),),
        "pallet": (_box(1.8, 0.2, 0.8, 0.6, 0.3),),
    }
    return Place(name="workshop", air=tuple(rooms), doors=doors, pieces=pieces, stops=stops, views=120)


def _room(x0: float, y0: float, x1: float, y1: float) -> Box:
    return np.array([x0, y0, 0.0]), np.array([x1, y1, HEIGHT])


def _door(x: float, y: float, *, x_wide: bool, width: float) -> Box:
    """From the wall's near face and the doorway's lower edge on."""
    low = np.array([x, y, 0.0])
    along, across = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    if not x_wide:
        along, across = across, along
    return low - 0.01 * across, low + width * along + (WALL + 0.01) * across + np.array([0, 0, DOOR_TOP])


def _box(x: float, y: float, dx: float, dy: float, dz: float) -> Box:
    """Standing on the floor, a centimetre deep in it."""
    return np.array([x, y, -0.01]), np.array([x + dx, y + dy, dz])


def _table(x: float, y: float, dx: float, dy: float, top: float) -> tuple[Box, ...]:
    leg = 0.06
    corners = [(x + a, y + b) for a in (0.0, dx - leg) for b in (0.0, dy - leg)]
    plate = (np.array([x, y, top - 0.05]), np.array([x + dx, y + dy, top]))
    return (plate, *(_box(a, b, leg, leg, top - 0.04) for a, b in corners))
