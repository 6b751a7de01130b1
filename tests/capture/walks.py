"""Analytic photo sets: random points of a place, cameras on a path through it, and noisy sightings of the one by the other."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int32

from lyra_sim.data.posed import Lens, PosedPhotos
from lyra_sim.data.sparse import SparsePoints
from lyra_sim.geometry.rigid import invert_rigid

FOCAL, WIDTH, HEIGHT = 480.0, 640, 480
NOISE_PX = 0.5
LENS = Lens(
    K=np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]]), distortion=np.zeros(4), width=WIDTH, height=HEIGHT
)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What was seen, whatever cameras somebody makes of it."""

    c2w: Float64[np.ndarray, "n 4 4"]
    """True cameras [m], z up."""
    point_index: Int32[np.ndarray, "o"]
    view_index: Int32[np.ndarray, "o"]
    xy: Float64[np.ndarray, "o 2"]
    names: tuple[str, ...]

    def without(self, gone: Bool[np.ndarray, "o"]) -> "Walk":
        """The walk with some sightings lost."""
        kept = ~gone
        return replace(self, point_index=self.point_index[kept], view_index=self.view_index[kept], xy=self.xy[kept])

    def posed(self, c2w: Float64[np.ndarray, "n 4 4"] | None = None, *, recipe: str = "analytic") -> PosedPhotos:
        """A model with these cameras, the true ones by default: every point seen twice is put where its rays meet best."""
        c2w = self.c2w if c2w is None else c2w
        sparse = _triangulated(c2w, self)
        toward = np.einsum(
            "oji,oj->oi",
            c2w[sparse.view_index, :3, :3],
            sparse.points[sparse.point_index] - c2w[sparse.view_index, :3, 3],
        )
        error = np.linalg.norm(toward[:, :2] / toward[:, 2:] - sparse.xy, axis=1) * FOCAL
        return PosedPhotos(
            names=self.names,
            c2w=c2w,
            lens_index=np.zeros(len(c2w), np.int32),
            lenses=(LENS,),
            sparse=sparse,
            recipe=recipe,
            reprojection_px=float(np.mean(error)),
        )


def corridor(count: int = 40, *, step: float = 0.25, seed: int = 3, turn_at: int | None = None) -> Walk:
    """A walk along a furnished corridor; with ``turn_at``, five photos are taken there looking left and right on the spot."""
    rng = np.random.default_rng(seed)
    yaw = 0.25 * np.sin(np.arange(count) * 0.25)
    along = np.arange(count) * step
    if turn_at is not None:
        along[turn_at : turn_at + 5] = along[turn_at]
        along[turn_at + 5 :] -= 5 * step
        yaw[turn_at : turn_at + 5] = np.radians([8, 16, 24, 12, 0])
    centres = np.c_[along, 0.1 * np.sin(along), 1.4 + 0.03 * np.cos(2 * along)]
    length = along[-1] + 7.0
    walls = _box(rng, np.array([-1.0, -1.5, 0.0]), np.array([length, 1.5, 2.6]), int(90 * length))
    things = []
    for _ in range(int(length)):
        low = np.array([rng.uniform(0, length), rng.choice([-1.5, 1.0]), 0.0])
        things.append(_box(rng, low, low + rng.uniform(0.3, 0.9, 3), 25))
    return seen(np.concatenate([walls, *things]), looking(centres, yaw), rng)


def orbit(count: int = 24, *, seed: int = 5) -> Walk:
    """Photos all round a thing on a floor, in no order."""
    rng = np.random.default_rng(seed)
    thing = _box(rng, np.array([-0.6, -0.4, 0.0]), np.array([0.6, 0.4, 1.0]), 900)
    floor = np.c_[rng.uniform(-3, 3, (600, 2)), np.zeros(600)]
    turn = rng.permutation(count) * 2 * np.pi / count
    centres = np.c_[2.5 * np.cos(turn), 2.5 * np.sin(turn), np.full(count, 1.2)]
    return seen(np.concatenate([thing, floor]), looking(centres, turn + np.pi), rng)


def loop(count: int = 48, *, seed: int = 7) -> Walk:
    """A walk round a square block of a room, back to where it began."""
    rng = np.random.default_rng(seed)
    turn = np.arange(count) * 2 * np.pi / count
    centres = np.c_[3 * np.cos(turn), 3 * np.sin(turn), np.full(count, 1.4)]
    room = _box(rng, np.array([-5.0, -5.0, 0.0]), np.array([5.0, 5.0, 2.6]), 3500)
    block = _box(rng, np.array([-1.0, -1.0, 0.0]), np.array([1.0, 1.0, 2.0]), 400)
    return seen(np.concatenate([room, block]), looking(centres, turn + np.pi / 2), rng)


def looking(centres: Float64[np.ndarray, "n 3"], yaw: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 4 4"]:
    """Level cameras (OpenCV axes, world z up) that look along ``yaw`` from x towards y."""
    c2w = np.tile(np.eye(4), (len(centres), 1, 1))
    zero = np.zeros(len(yaw))
    c2w[:, :3, 0] = np.stack([np.sin(yaw), -np.cos(yaw), zero], axis=1)
    c2w[:, :3, 1] = [0, 0, -1]
    c2w[:, :3, 2] = np.stack([np.cos(yaw), np.sin(yaw), zero], axis=1)
    c2w[:, :3, 3] = centres
    return c2w


def seen(points: Float64[np.ndarray, "p 3"], c2w: Float64[np.ndarray, "n 4 4"], rng: np.random.Generator) -> Walk:
    """Sightings in the image and within 6 m, of which a third goes unnoticed, to half a pixel."""
    camera = np.einsum("nij,pj->npi", invert_rigid(c2w)[:, :3, :3], points) + invert_rigid(c2w)[:, None, :3, 3]
    z = np.where(camera[..., 2] > 0.3, camera[..., 2], np.nan)
    xy = camera[..., :2] / z[..., None]
    inside = (np.abs(xy) < [WIDTH / 2 / FOCAL, HEIGHT / 2 / FOCAL]).all(axis=2) & (z < 6.0)
    views, of = np.nonzero(inside & (rng.random(inside.shape) < 0.67))
    noisy = xy[views, of] + rng.normal(0, NOISE_PX / FOCAL, (len(of), 2))
    return Walk(
        c2w=c2w,
        point_index=of.astype(np.int32),
        view_index=views.astype(np.int32),
        xy=noisy,
        names=tuple(f"{index:04d}" for index in range(len(c2w))),
    )


def scaled_from(c2w: Float64[np.ndarray, "n 4 4"], first: int, factor: float) -> Float64[np.ndarray, "n 4 4"]:
    """The cameras from ``first`` on scaled about the middle of the step that leads there."""
    wrong = c2w.copy()
    middle = c2w[first - 1 : first + 1, :3, 3].mean(axis=0)
    wrong[first:, :3, 3] = middle + factor * (c2w[first:, :3, 3] - middle)
    return wrong


def drifting(c2w: Float64[np.ndarray, "n 4 4"], growth: float) -> Float64[np.ndarray, "n 4 4"]:
    """The cameras with steps that grow evenly by a share from first to last."""
    steps = np.diff(c2w[:, :3, 3], axis=0) * np.linspace(1, 1 + growth, len(c2w) - 1)[:, None]
    wrong = c2w.copy()
    wrong[1:, :3, 3] = c2w[0, :3, 3] + np.cumsum(steps, axis=0)
    return wrong


def across(walk: Walk, first: int) -> Bool[np.ndarray, "o"]:
    """Sightings from ``first`` on of points that were seen before it."""
    before = np.zeros(walk.point_index.max() + 1, bool)
    before[walk.point_index[walk.view_index < first]] = True
    return (walk.view_index >= first) & before[walk.point_index]


def _box(rng: np.random.Generator, low: np.ndarray, high: np.ndarray, count: int) -> Float64[np.ndarray, "p 3"]:
    """Points all over the faces of a box."""
    points = rng.uniform(low, high, (count, 3))
    axis, end = rng.integers(0, 3, count), rng.integers(0, 2, count)
    points[np.arange(count), axis] = np.where(end, high[axis], low[axis])
    return points


def _triangulated(c2w: Float64[np.ndarray, "n 4 4"], walk: Walk) -> SparsePoints:
    """Points nearest to all their rays, weighted by distance in two rounds; those seen once or behind a camera are lost."""
    of_point, by, xy = walk.point_index, walk.view_index, walk.xy
    along = np.einsum("oij,oj->oi", c2w[by, :3, :3], np.c_[xy, np.ones(len(xy))])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across_ray = np.eye(3) - along[:, :, None] * along[:, None, :]
    centres, weight, total = c2w[by, :3, 3], np.ones(len(by)), int(of_point.max()) + 1
    for _ in range(2):
        left, right = np.zeros((total, 3, 3)), np.zeros((total, 3))
        np.add.at(left, of_point, across_ray * weight[:, None, None])
        np.add.at(right, of_point, np.einsum("oij,oj->oi", across_ray, centres) * weight[:, None])
        solvable = np.linalg.eigvalsh(left)[:, 0] > 1e-9 * np.maximum(np.linalg.eigvalsh(left)[:, 2], 1e-30)
        points = np.zeros((total, 3))
        points[solvable] = np.linalg.solve(left[solvable], right[solvable][..., None])[..., 0]
        depth = ((points[of_point] - centres) * along).sum(axis=1)
        weight = 1 / np.maximum(depth, 0.1) ** 2
    in_front = np.ones(total, bool)
    np.logical_and.at(in_front, of_point, depth > 0)
    good = (solvable & in_front)[of_point]
    count = np.bincount(of_point[good], minlength=total)
    good &= count[of_point] >= 2
    rows, point_index = np.unique(of_point[good], return_inverse=True)
    return SparsePoints(points=points[rows], point_index=point_index.astype(np.int32), view_index=by[good], xy=xy[good])
