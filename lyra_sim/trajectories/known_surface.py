"""What the photos' depth says is there: surface that a camera path must keep away from, and space that it may use."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64
from scipy.spatial import cKDTree

from lyra_sim.data.capture import Capture
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath, project, unproject

TRUSTED = 0.3
"""Least confidence of estimated depth that counts; a layout guessed from one photo counts whole: nothing better is known.
Tuned, unrecorded."""
MIN_VOTES = 2.0
"""Confidence that must come together in a cell of estimated depth: a stray pixel is no wall. Tuned, unrecorded."""
MOST_SAMPLES, MOST_VIEWS = 1_500_000, 400
"""Pixels and views that are looked at; of more, evenly chosen ones. Convention."""
SAME_SURFACE = 1.08
"""Neighbouring pixels lie on one surface where their depths differ by no more than this factor. Tuned, unrecorded."""
FILLED = 8
"""Gaps between neighbouring pixels are filled up to this many cells: a floor seen at a shallow angle is still a floor.
Tuned, unrecorded."""
CELL = 0.04
"""Edge of the cells that samples are merged in [m], at most; a fifth of the clearance where that is finer. Convention."""
FINEST_CELL = 0.02
"""Cells aren't made finer than this [m]. Convention."""
_OFFSET = np.array([0.3137, 0.1729, 0.4159])
"""Shifts the cells, as a share of their edge, so that no floor at z = 0 lies on their border. Convention."""
CELL_BITS = 20
"""Bits of a cell's number along each axis: 20 km at the finest. Convention."""
SEEN_PAST = 0.97
"""A view sees past a point that is nearer than this share of the depth measured there. Tuned, unrecorded."""


@dataclass(frozen=True, kw_only=True)
class KnownSurface:
    """Surface samples in the provisional metric frame [m]."""

    points: Float64[np.ndarray, "m 3"]
    facing: Float64[np.ndarray, "m 3"]
    """Unit vectors towards where each was seen from."""
    tree: cKDTree
    cell: float
    """Samples are about this far apart [m]."""
    depths: tuple[Float32[np.ndarray, "h w"], ...]
    """Thinned z-depth of the views [m]; NaN unknown."""
    cameras: CameraPath
    """Of ``depths``, in the same frame; pixels are those of ``depths``."""
    own: Float64[np.ndarray, "v"]
    """Distance of each used photo's centre to the nearest sample [m]."""
    centres: Float64[np.ndarray, "v 3"]
    """Centres of all used photos."""

    def nearest(
        self, points: Float[np.ndarray, "n 3"], *, within: float = np.inf
    ) -> tuple[Float64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
        """Distance to the nearest sample [m] and its index; infinite, and meaningless, where none lies ``within`` [m]."""
        distance, index = self.tree.query(points, distance_upper_bound=within)
        return np.asarray(distance, np.float64), np.asarray(index, np.int64)

    def distance(self, points: Float[np.ndarray, "n 3"], *, within: float = np.inf) -> Float64[np.ndarray, "n"]:
        """To the nearest sample [m]; infinite where none lies ``within`` [m], which is quicker to tell."""
        return self.nearest(points, within=within)[0]

    def required(self, points: Float[np.ndarray, "n 3"], clearance: float) -> Float64[np.ndarray, "n"]:
        """Distance to keep at each point [m]: ``clearance``, but by a photo taken in a narrower place what that photo had.

        A photo's own place is free by definition. From there the distance asked for grows as fast as one can move away.
        """
        asked = np.full(len(points), clearance)
        for own, centre in zip(self.own, self.centres, strict=True):
            if own < clearance:
                asked = np.minimum(asked, own + np.linalg.norm(points - centre, axis=1))
        return asked

    def seen_free(self, points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
        """Where some view measured what lies behind a point, so that the point itself is air."""
        free = np.zeros(len(points), bool)
        w2c = self.cameras.w2c
        for index, z_depth in enumerate(self.depths):
            open_ = np.flatnonzero(~free)
            if not len(open_):
                break
            uv, z = project(points[open_], self.cameras.K[index], w2c[index])
            inside = (z > 1e-6) & (uv >= 0).all(axis=1) & (uv < [self.cameras.width, self.cameras.height]).all(axis=1)
            pixel = uv[inside].astype(np.int64)
            free[open_[inside]] = z[inside] < SEEN_PAST * z_depth[pixel[:, 1], pixel[:, 0]] - self.cell
        return free

    def behind(self, points: Float[np.ndarray, "n 3"], index: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
        """Where the nearest sample, of that index, shows a point its back, and no view sees the point to be free."""
        back = ((points - self.points[index]) * self.facing[index]).sum(axis=1) < 0
        back[back] = ~self.seen_free(points[back])
        return back


def known_surface(capture: Capture, clearance: float) -> KnownSurface:
    """Surface samples of the used views' depth, one a cell, a fifth of ``clearance`` apart at most.

    Depth is taken where the standing scene was seen and, if estimated, where it is trusted.
    """
    world_from_capture = capture.world_from_capture
    cell = float(np.clip(clearance / 5, FINEST_CELL, CELL))
    used = np.array(capture.used, np.int64)
    chosen = used[np.unique(np.linspace(0, len(used) - 1, min(len(used), MOST_VIEWS)).round().astype(np.int64))]
    pixels = capture.cameras.width * capture.cameras.height
    stride = max(1, int(np.ceil(np.sqrt(len(chosen) * pixels / MOST_SAMPLES))))
    cameras = _thinned(capture.cameras.moved(world_from_capture).select(chosen), stride)
    depths, cells, points, towards, votes = [], [], [], [], []
    for row, index in enumerate(chosen):
        z, trust = trusted_depth(capture, int(index))
        z, trust = z[stride // 2 :: stride, stride // 2 :: stride], trust[stride // 2 :: stride, stride // 2 :: stride]
        z, trust = z[: cameras.height, : cameras.width], trust[: cameras.height, : cameras.width]
        depths.append(z)
        found, weight = _samples(unproject(z, cameras.K[row], cameras.c2w[row]), z, trust, cell)
        own_cells, own_points, own_votes = _merged(found, weight, cell)
        direction = cameras.c2w[row, :3, 3] - own_points
        cells.append(own_cells)
        points.append(own_points)
        towards.append(direction / np.maximum(np.linalg.norm(direction, axis=1), 1e-9)[:, None])
        votes.append(own_votes)
    every, inverse = np.unique(np.concatenate(cells), return_inverse=True)
    weight = np.concatenate(votes)
    total = np.bincount(inverse, weight, len(every))

    def mean(values: list[np.ndarray]) -> np.ndarray:
        rows = np.concatenate(values) * weight[:, None]
        return np.stack([np.bincount(inverse, rows[:, k], len(every)) for k in range(3)], axis=1) / total[:, None]

    swept = capture.depth is not None and capture.depth.kind == "plane sweep"
    kept = total >= (MIN_VOTES if swept else 0.0)
    if not kept.any():
        raise no_depth(capture)
    merged, facing = mean(points)[kept], mean(towards)[kept]
    facing /= np.maximum(np.linalg.norm(facing, axis=1), 1e-9)[:, None]
    tree = cKDTree(merged)
    centres = world_from_capture.apply(capture.cameras.centres[used])
    return KnownSurface(
        points=merged,
        facing=facing,
        tree=tree,
        cell=cell,
        depths=tuple(depths),
        cameras=cameras,
        own=np.asarray(tree.query(centres)[0], np.float64),
        centres=centres,
    )


def trusted_depth(capture: Capture, index: int) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """z-depth [m] of one view where the standing scene was seen and depth is trusted, NaN elsewhere; and the trust, 0..1."""
    views = capture.views
    if not views.has_depth:
        raise no_depth(capture)
    z = views.z_depth(index) * np.float32(capture.world_from_capture.scale)
    trust = views.confidence(index)
    least = 0.0 if capture.depth is not None and capture.depth.kind == "layout prior" else TRUSTED
    known = np.isfinite(z) & views.static(index) & views.valid(index) & (trust > least)
    return np.where(known, z, np.float32(np.nan)), np.where(known, trust, np.float32(0))


def middle_depth(capture: Capture, index: int, *, middle: bool) -> float:
    """Median z-depth of a view [m], or of its middle third; of the nearest part that knows any: whole view, other views."""
    z, _ = trusted_depth(capture, index)
    height, width = z.shape
    if middle:
        inner = z[height // 3 : height - height // 3, width // 3 : width - width // 3]
        if np.isfinite(inner).any():
            return float(np.nanmedian(inner))
    for other in (index, *(view for view in capture.used if view != index)):
        z, _ = trusted_depth(capture, other)
        if np.isfinite(z).any():
            return float(np.nanmedian(z))
    raise no_depth(capture)


def no_depth(capture: Capture) -> GeometryError:
    """No used view tells how far anything is."""
    return GeometryError(
        "generate.path",
        f"none of the {len(capture.used)} used views has depth that can be trusted",
        expected="at least one, to lay the path by and keep it clear",
        likely="Depth was masked out as sky or as moving, or no two photos show the same surface.",
        next_step="Look at the depth step's figures in the report, or leave generate.path out.",
    )


def _thinned(cameras: CameraPath, stride: int) -> CameraPath:
    """Cameras whose pixel (i, j) looks along pixel (stride // 2 + stride i, …) of the given ones."""
    K = cameras.K.copy()
    K[:, :2, 2] += 0.5 * stride - (stride // 2 + 0.5)
    K[:, :2] /= stride
    first = stride // 2
    return CameraPath(
        c2w=cameras.c2w,
        K=K,
        width=max(1, -(-(cameras.width - first) // stride)),
        height=max(1, -(-(cameras.height - first) // stride)),
    )


def _samples(
    grid: Float64[np.ndarray, "h w 3"], z: Float32[np.ndarray, "h w"], trust: Float32[np.ndarray, "h w"], cell: float
) -> tuple[Float64[np.ndarray, "m 3"], Float64[np.ndarray, "m"]]:
    """Points of all known pixels, and points between neighbours on one surface that lie more than a cell apart."""
    known = np.isfinite(z)
    points, weights = [grid[known]], [trust[known].astype(np.float64)]
    if min(z.shape) > 1:
        corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]], axis=2)
        z4 = np.stack([z[:-1, :-1], z[:-1, 1:], z[1:, :-1], z[1:, 1:]], axis=2)
        complete = np.isfinite(z4).all(axis=2)
        corners, z4 = corners[complete], z4[complete]
        weight = np.minimum.reduce([trust[:-1, :-1], trust[:-1, 1:], trust[1:, :-1], trust[1:, 1:]])[complete]
        smooth = z4.max(axis=1) < SAME_SURFACE * z4.min(axis=1)
        gap = np.linalg.norm(corners[:, [1, 2, 3]] - corners[:, [0, 0, 0]], axis=2).max(axis=1)
        parts = np.where(smooth, np.ceil(gap / cell), 1)
        for count in range(2, FILLED + 1):
            wide = parts == count
            if not wide.any():
                continue
            s = np.linspace(0, 1, count + 1)
            u, v = (axis.ravel() for axis in np.meshgrid(s, s))
            blend = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])  # (4, p)
            points.append(np.einsum("qcx,cp->qpx", corners[wide], blend).reshape(-1, 3))
            weights.append(np.repeat(weight[wide].astype(np.float64), blend.shape[1]))
    return np.concatenate(points), np.concatenate(weights)


def _merged(
    points: Float64[np.ndarray, "m 3"], weights: Float64[np.ndarray, "m"], cell: float
) -> tuple[Int64[np.ndarray, "c"], Float64[np.ndarray, "c 3"], Float64[np.ndarray, "c"]]:
    """Numbers of the cells that hold points, the weighted mean in each, and the weight that came together."""
    reach = 1 << (CELL_BITS - 1)
    at = np.clip(np.floor(points / cell + _OFFSET), -reach, reach - 1).astype(np.int64) + reach
    keys = (at[:, 0] << 2 * CELL_BITS) | (at[:, 1] << CELL_BITS) | at[:, 2]
    cells, inverse = np.unique(keys, return_inverse=True)
    total = np.bincount(inverse, weights, len(cells))
    sums = np.stack([np.bincount(inverse, weights * points[:, k], len(cells)) for k in range(3)], axis=1)
    return cells, sums / total[:, None], total
