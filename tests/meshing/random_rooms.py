"""Seeded flats: rooms in a row with oblique walls, doors, windows, two levels joined by steps or a ramp, furniture, noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tests.meshing.random_worlds import AnalyticWorld, Convex
from tests.rooms import camera_path, look

WALL = 0.14
CEILING = 2.4
EYE = 1.25
VIEWS, NOISY_VIEWS = 15, 30
"""A room. Where every frame has a scale of its own by 1.5 %, what three of them say of a wall isn't known to 3 %."""
NOISES = ("none", "kinect", "gen")


@dataclass(frozen=True, kw_only=True)
class Door:
    """An opening in a wall across x."""

    x: float
    low: np.ndarray
    """y and z of its lower corner [m]."""
    high: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Flat:
    world: AnalyticWorld
    doors: tuple[Door, ...]
    floors: tuple[tuple[float, float, float], ...]
    """x from, x to and floor height of each room [m]."""
    noise: str
    seed: int

    @property
    def z_depths(self) -> np.ndarray:
        """Depth [m] with this flat's noise, float32 (n, h, w), NaN where the sensor gives none."""
        return noisy(self.world.z_depths, self.noise, self.seed)

    @property
    def sigma_relative(self) -> float:
        """What the surface maker is told about the depth's error."""
        return 0.02 if self.noise == "gen" else 0.0


def noisy(z: np.ndarray, noise: str, seed: int) -> np.ndarray:
    """Depth as a structured-light camera gives it, or as a video model does: a scale per frame, a smooth warp, grain."""
    rng = np.random.default_rng(seed)
    if noise == "none":
        return z
    if noise == "kinect":
        sigma = 0.0012 + 0.0019 * np.maximum(z - 0.4, 0) ** 2
        out = z + rng.normal(size=z.shape) * sigma
        out[rng.random(z.shape) < 0.02] = np.nan
        return out.astype(np.float32)
    scale = 1 + 0.015 * rng.normal(size=(len(z), 1, 1))
    warp = ndimage.zoom(rng.normal(size=(len(z), 4, 5)), (1, z.shape[1] / 4, z.shape[2] / 5), order=3)
    return (z * scale * (1 + 0.015 * warp) * (1 + 0.005 * rng.normal(size=z.shape))).astype(np.float32)


def random_flat(seed: int) -> Flat:
    """One to three rooms; every third flat has each kind of noise."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    widths, depths = rng.uniform(2.3, 3.3, count), rng.uniform(2.3, 3.3, count)
    starts = np.concatenate([[0.0], np.cumsum(widths + WALL)])[:count]
    levels = np.where(rng.random(count) < 0.35, rng.choice([0.16, 0.32]), 0.0)
    levels[0] = 0.0
    air: dict[str, Convex] = {}
    matter: dict[str, Convex] = {}
    doors = []
    for r in range(count):
        x0, x1, y1, z0 = starts[r], starts[r] + widths[r], depths[r], levels[r]
        slant = rng.uniform(-0.5, 0.5) if rng.random() < 0.6 else 0.0
        corners = np.array([[x0, 0.0], [x1, 0.0], [x1, y1 + min(slant, 0)], [x0, y1 - max(slant, 0)]])
        air[f"room_{r}"] = Convex.prism(corners, z0, CEILING)
        if rng.random() < 0.6:
            middle = rng.uniform(x0 + 0.7, x1 - 0.7)
            air[f"window_{r}"] = Convex.box([middle - 0.5, -0.2, z0 + 0.9], [middle + 0.5, 0.01, z0 + 1.9])
    least = min(depths) - 0.5
    for r in range(count - 1):
        width, low = rng.uniform(0.7, 1.0), max(levels[r], levels[r + 1])
        y0 = rng.uniform(0.3, least - width - 0.2)
        x0, x1 = starts[r] + widths[r], starts[r + 1]
        air[f"door_{r}"] = Convex.box([x0 - 0.01, y0, low], [x1 + 0.01, y0 + width, low + 1.9])
        doors.append(Door(x=(x0 + x1) / 2, low=np.array([y0, low]), high=np.array([y0 + width, low + 1.9])))
        rise = levels[r + 1] - levels[r]
        if rise != 0:
            edge, side = (x0, -1) if rise > 0 else (x1, 1)
            matter |= _way_up(f"way_{r}", edge, side, y0, width, low - abs(rise), low, ramp=bool(rng.random() < 0.5))
    floors = tuple((starts[r], starts[r] + widths[r], levels[r]) for r in range(count))
    noise = NOISES[seed // 10 % 3]
    poses = _walk(rng, floors, depths, doors, views=NOISY_VIEWS if noise == "gen" else VIEWS)
    matter |= _furniture(rng, floors, depths, doors, poses[:, :3, 3])
    cameras = camera_path(list(poses), width=120, height=90, focal=60.0)
    low, high = np.array([0.0, -0.2, 0.0]), np.array([starts[-1] + widths[-1], max(depths) + 0.01, CEILING])
    world = AnalyticWorld(air=air, matter=matter, cameras=cameras, low=low, high=high)
    return Flat(world=world, doors=tuple(doors), floors=floors, noise=noise, seed=seed)


def _way_up(name: str, edge: float, side: int, y0: float, width: float, low: float, high: float, *, ramp: bool) -> dict:
    """Steps of 16 cm or a ramp in the lower room, ending at the door's threshold."""
    ys, run = (y0 - 0.05, y0 + width + 0.05), 0.3 * round((high - low) / 0.16)

    def box(far: float, top: float) -> Convex:
        ends = sorted([edge, edge + side * far])
        return Convex.box([ends[0], ys[0], low - 0.1], [ends[1], ys[1], top])

    if ramp:
        normal = np.array([side * (high - low), 0.0, 1.5 * run])
        return {name: box(1.5 * run, high).cut(normal, [edge, 0, high])}
    count = round((high - low) / 0.16)
    return {f"{name}_{n}": box(0.3 * (count - n), low + 0.16 * (n + 1)) for n in range(count)}


def _walk(rng: np.random.Generator, floors: Sequence, depths: np.ndarray, doors: Sequence[Door], *, views: int) -> np.ndarray:
    """Through all rooms and doors at eye height, turning on the way; ``views`` a room."""
    stops = []
    for r, (x0, x1, z0) in enumerate(floors):
        if r > 0:
            door = doors[r - 1]
            y, z = (door.low[0] + door.high[0]) / 2, door.low[1]
            stops += [[door.x - 0.35, y, z], [door.x, y, z], [door.x + 0.35, y, z]]
        stops += [[rng.uniform(x0 + 0.5, x1 - 0.5), rng.uniform(0.5, depths[r] - 1.0), z0] for _ in range(3)]
    places = np.array(stops)
    progress = np.linspace(0, len(places) - 1, views * len(floors))
    centres = np.stack([np.interp(progress, np.arange(len(places)), places[:, k]) for k in range(3)], axis=1)
    heights = EYE + rng.uniform(-0.1, 0.1, len(centres))
    yaw = rng.uniform(0, 2 * np.pi) + 1.15 * np.arange(len(centres)) + rng.uniform(-0.2, 0.2, len(centres))
    pitch = rng.uniform(-0.7, 0.5, len(centres))
    return np.stack([look(c + np.array([0, 0, h]), a, p) for c, h, a, p in zip(centres, heights, yaw, pitch, strict=True)])


def _furniture(
    rng: np.random.Generator, floors: Sequence, depths: np.ndarray, doors: Sequence[Door], walked: np.ndarray
) -> dict:
    """Boxes, tables on legs and shelves that keep out of the way of the walk and of the doors."""
    pieces: dict[str, Convex] = {}
    for r, (x0, x1, z0) in enumerate(floors):
        for n in range(int(rng.integers(1, 6))):
            kind = rng.choice(["box", "table", "shelf"])
            size = rng.uniform([0.3, 0.3, 0.3], [1.0, 0.8, 1.6])
            low = np.array([rng.uniform(x0, x1 - size[0]), rng.uniform(0, depths[r] - size[1]), z0])
            high = low + size
            near = np.linalg.norm(np.maximum(np.maximum(low[:2] - walked[:, :2], walked[:, :2] - high[:2]), 0), axis=1)
            before_door = any(
                low[0] < d.x + 0.8 and high[0] > d.x - 0.8 and low[1] < d.high[0] + 0.2 and high[1] > d.low[0] - 0.2
                for d in doors
            )
            if before_door or near.min() < 0.3:
                continue
            name = f"{kind}_{r}_{n}"
            yaw, middle = (rng.uniform(-0.6, 0.6) if rng.random() < 0.4 else 0.0), (low + high) / 2
            if kind == "box":
                pieces[name] = Convex.box(low - [0, 0, 0.05], high).turned(yaw, middle)
            elif kind == "shelf":
                board = low[2] + rng.uniform(0.8, 1.5)
                pieces[name] = Convex.box([low[0], low[1], board], [high[0], high[1], board + 0.07])
            else:
                top = z0 + 0.72
                pieces[f"{name}_top"] = Convex.box([low[0], low[1], top - 0.06], [high[0], high[1], top]).turned(yaw, middle)
                for leg, (x, y) in enumerate([(low[0], low[1]), (high[0] - 0.08, low[1]), (low[0], high[1] - 0.08)]):
                    foot = Convex.box([x, y, z0 - 0.05], [x + 0.08, y + 0.08, top])
                    pieces[f"{name}_leg_{leg}"] = foot.turned(yaw, middle)
    return pieces
