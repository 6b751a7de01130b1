"""Measured depth of frames that were kept out of all geometry, with the noise that they themselves show."""

from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64

from lyra_sim.geometry.cameras import CameraPath, project, unproject
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.quality.witness.rays import Witness

MOST_RAYS = 300_000
"""In all. Convention."""
EDGE = 0.05
"""Where depth differs by more than this share from a pixel beside it, it may hang between two surfaces. Convention."""
NEIGHBOURS = 6
"""Other held-out frames that each is compared with: those whose cameras are nearest. Convention."""
BINS = np.array([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 100.0])
"""Depths between which noise is told [m]. Convention."""
LEAST_IN_BIN = 200
"""Fewer pixels of a depth tell no noise. Convention."""
THINNED = 3
"""Every how many pixels noise is told from. Convention."""
UNKNOWN_SIGMA = 0.01
"""Of depth, where no two held-out frames see the same surface. Convention."""
LEAST_SIGMA = 0.001
"""Depth images count in millimetres [m]. Derived."""
SAME = 0.15
"""Two frames speak of one surface where they differ by less than this [m], and 5 % of the depth. Convention."""
CONTRADICTED = 3.0
"""In σ, beyond 5 cm: another frame looks through what this one shows. Convention."""


@runtime_checkable
class WithDepth(Protocol):
    """Views in a metric world, with their depth: a :class:`lyra_sim.data.world.MetricWorld`, or what is left of one."""

    @property
    def cameras(self) -> CameraPath:
        """``c2w`` in the metric world [m]."""
        ...

    @property
    def world_from_input(self) -> Similarity:
        """Takes coordinates of the input to this world."""
        ...

    def z_depth(self, index: int) -> np.ndarray:
        """Depth along the optical axis [m]; NaN where invalid."""
        ...


def held_out_witness(world: WithDepth, held_out: tuple[int, ...], *, seed: int) -> Witness | None:
    """Rays of held-out frames in the metric world; None where none has depth.

    What hangs between two surfaces, and what another held-out frame looks through (something moved, or the sensor erred),
    testifies to nothing.

    Args:
        world: With all views, held-out ones too.
        held_out: Their indices.
        seed: Of the pixels that are drawn.
    """
    cameras = world.cameras
    depths = {index: _without_edges(world.z_depth(index)) for index in held_out}
    depths = {index: depth for index, depth in depths.items() if np.isfinite(depth).any()}
    if not depths:
        return None
    beside = {index: _nearest(cameras.centres, index, list(depths)) for index in depths}
    noise = _noise(world, depths, beside)
    rng, each = np.random.default_rng(seed), max(1, MOST_RAYS // len(depths))
    origins, ends, sigmas = [], [], []
    for index, depth in depths.items():
        rows, columns = np.nonzero(np.isfinite(depth))
        drawn = rng.permutation(len(rows))[:each]
        rows, columns = rows[drawn], columns[drawn]
        points = unproject(depth, cameras.K[index], cameras.c2w[index])[rows, columns].astype(np.float64)
        sigma = noise(depth[rows, columns].astype(np.float64))
        kept = ~_looked_through(points, sigma, world, depths, beside[index])
        origins.append(np.broadcast_to(cameras.centres[index], (int(kept.sum()), 3)))
        ends.append(points[kept])
        sigmas.append(sigma[kept])
    found = Witness(
        kind="held-out depth",
        origins=np.concatenate(origins),
        ends=np.concatenate(ends),
        sigma=np.concatenate(sigmas),
        note=f"{len(depths)} frames",
    )
    return found if len(found) else None


def _without_edges(depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """NaN where a neighbour, across or down, lies at another depth, and beside what has none."""
    out = depth.copy()
    for axis in (0, 1):
        first, second = np.moveaxis(depth, axis, 0)[:-1], np.moveaxis(depth, axis, 0)[1:]
        with np.errstate(invalid="ignore"):
            step = ~(np.abs(first - second) <= EDGE * np.minimum(first, second))
        view = np.moveaxis(out, axis, 0)
        view[:-1][step] = np.nan
        view[1:][step] = np.nan
    return out


def _nearest(centres: Float64[np.ndarray, "n 3"], index: int, among: list[int]) -> list[int]:
    others = [other for other in among if other != index]
    return sorted(others, key=lambda other: float(np.linalg.norm(centres[other] - centres[index])))[:NEIGHBOURS]


def _seen_from(
    points: Float64[np.ndarray, "n 3"], world: WithDepth, depths: dict[int, Float32[np.ndarray, "h w"]], index: int
) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
    """z-depth of points in another frame, and what that frame measured there, between its pixels; NaN for nothing."""
    cameras = world.cameras
    uv, z = project(points, cameras.K[index], cameras.w2c[index])
    there = np.full(len(points), np.nan)
    low = np.floor(uv - 0.5)
    inside = (z > 0) & (low >= 0).all(axis=1) & (low[:, 0] < cameras.width - 1) & (low[:, 1] < cameras.height - 1)
    column, row = low[inside].astype(int).T
    across, down = (uv[inside] - 0.5 - low[inside]).T
    depth = depths[index]
    upper = (1 - across) * depth[row, column] + across * depth[row, column + 1]
    lower = (1 - across) * depth[row + 1, column] + across * depth[row + 1, column + 1]
    there[inside] = (1 - down) * upper + down * lower
    return z.astype(np.float64), there


class _Noise:
    """1σ of depth by depth, from how far frames of one surface lie apart."""

    def __init__(self, z: Float64[np.ndarray, "n"], apart: Float64[np.ndarray, "n"]) -> None:
        where, sigma = [], []
        for low, high in pairwise(BINS):
            mine = (z >= low) & (z < high)
            if mine.sum() >= LEAST_IN_BIN:
                where.append(float(np.median(z[mine])))
                sigma.append(float(1.4826 * np.median(np.abs(apart[mine])) / np.sqrt(2)))
        self.where, self.sigma = np.array(where), np.maximum.accumulate(np.array(sigma))

    def __call__(self, z: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
        if not len(self.where):
            return np.maximum(UNKNOWN_SIGMA * z, LEAST_SIGMA)
        return np.maximum(np.interp(z, self.where, self.sigma), LEAST_SIGMA)


def _noise(world: WithDepth, depths: dict[int, np.ndarray], beside: dict[int, list[int]]) -> _Noise:
    all_z, all_apart = [], []
    for index, depth in depths.items():
        points = unproject(depth, world.cameras.K[index], world.cameras.c2w[index])[::THINNED, ::THINNED].reshape(-1, 3)
        points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
        for other in beside[index][:3]:
            z, there = _seen_from(points, world, depths, other)
            with np.errstate(invalid="ignore"):
                same = np.abs(there - z) < np.maximum(SAME, 0.05 * z)
            all_z.append(z[same])
            all_apart.append((there - z)[same])
    return _Noise(np.concatenate(all_z or [np.zeros(0)]), np.concatenate(all_apart or [np.zeros(0)]))


def _looked_through(
    points: Float64[np.ndarray, "n 3"],
    sigma: Float64[np.ndarray, "n"],
    world: WithDepth,
    depths: dict[int, np.ndarray],
    others: list[int],
) -> Bool[np.ndarray, "n"]:
    """Points that more held-out frames look through than see."""
    through, seen = np.zeros(len(points), int), np.ones(len(points), int)
    for other in others:
        z, there = _seen_from(points, world, depths, other)
        limit = 0.05 + CONTRADICTED * sigma
        with np.errstate(invalid="ignore"):
            through += there > z + limit
            seen += np.abs(there - z) <= limit
    return through >= seen
