"""Depth maps to voxels that are free, measured as solid, or never seen."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage

from lyra_sim.data.grid import FREE, SOLID, UNSEEN, FreeSpace
from lyra_sim.data.solid import CarveFacts
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.cameras import CameraPath
from lyra_sim.geometry.depth_noise import oriented
from lyra_sim.meshing.tsdf_kernels import integrate, packed

FRAMES_AT_ONCE = 16
"""Depth frames held in memory with their normals. Convention."""
FRONT_VOXELS, BACK_VOXELS = 3.0, 2.0
"""Truncation in voxels. A short back keeps walls apart that are seen from both sides. Tuned, unrecorded."""
HEARD = 0.1
"""Votes from more than a voxel behind a surface count where nearer ones weigh less than this share of them …
Tuned, unrecorded."""
DEEP_VOXELS = -1.5
"""… and say this distance. Tuned, unrecorded."""
SPECK_LITRES = 0.8
"""Matter smaller than this that floats in free space is noise. Tuned, unrecorded."""
SPECK_VOXELS = 4
"""… and so is, in estimated depth, matter of fewer voxels than this. Tuned, unrecorded."""
NOISE_SIGMAS = 2.0
"""The truncation band holds this many standard deviations of estimated depth. Tuned, unrecorded."""
MIN_SUPPORT = 0.5
"""Estimated depth clears a voxel when the trust of the pixels that see it adds up to this: one measured or two inferred.
Derived."""
UNSEEN_SCORE = -0.5
"""Say of unseen space where the border of estimated free space is smoothed; matter has -1, air 1. Tuned, unrecorded."""
CAMERA_BALL = 0.1
"""Radius around the camera's path that is air because the camera was there [m]. Convention."""
CAMERA_STEP = 0.3
"""Consecutive cameras nearer than this are taken to have moved in a straight line [m]. Convention."""


@dataclass(frozen=True, kw_only=True)
class Carved:
    """A decided grid and the signed distances behind it."""

    free_space: FreeSpace
    distance: Float32[np.ndarray, "nx ny nz"]
    """Signed distance to the surface [m], positive in air, truncated; negative in unseen space too."""
    measured: Bool[np.ndarray, "nx ny nz"]
    """Matter that was measured, and air within a voxel of it; nothing that only drawn frames show."""
    facts: CarveFacts
    drawn_air: Bool[np.ndarray, "nx ny nz"] | None = None
    """FREE voxels that only drawn frames opened; None without any frames."""

    @property
    def measured_space(self) -> FreeSpace:
        """The grid as measurements alone have it: what drawn frames opened is UNSEEN in it."""
        if self.drawn_air is None:
            return self.free_space
        return replace(self.free_space, states=np.where(self.drawn_air, np.uint8(UNSEEN), self.free_space.states))


def extent(points: Iterator[np.ndarray], cameras: CameraPath, *, strays: float = 0.001) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corner [m] of what was measured, cameras included: quantiles per axis that leave the share ``strays`` of
    the points out on either side.

    Raises:
        GeometryError: Hardly a point was measured.
    """
    cloud = np.concatenate([block.reshape(-1, 3) for block in points])
    cloud = cloud[np.isfinite(cloud).all(axis=1)]
    if len(cloud) < 100:
        raise GeometryError(
            "depth", f"{len(cloud)} valid points in all views", expected="at least 100", likely="The depth unit is wrong."
        )
    low, high = np.quantile(cloud, [strays, 1 - strays], axis=0)
    return np.minimum(low, cameras.centres.min(0)), np.maximum(high, cameras.centres.max(0))


def choose_voxel_size(low: np.ndarray, high: np.ndarray, *, wanted: float, max_voxels: int, exact: bool = False) -> float:
    """``wanted`` [m], or the least whole millimetre that ``max_voxels`` allows over the extent.

    Raises:
        GeometryError: ``wanted`` was stated by the user (``exact``) and needs more voxels than that.
    """

    def count(edge: float) -> int:
        return int(np.prod(np.ceil((high - low) / edge)))

    if count(wanted) <= max_voxels:
        return wanted
    millimetres = int(np.cbrt(np.prod(high - low) / max_voxels) * 1000)
    while count(millimetres / 1000) > max_voxels:
        millimetres += 1
    allowed = millimetres / 1000
    if exact:
        size = " × ".join(f"{side:.1f}" for side in high - low)
        raise GeometryError(
            "mesh.voxel_size",
            f"{wanted:g} m takes {count(wanted):.3g} voxels over {size} m",
            expected=f"at most mesh.max_voxels, {max_voxels}",
            next_step=f"Raise mesh.max_voxels, or set mesh.voxel_size to {allowed:g} or more, or to auto.",
        )
    return allowed


def carve(
    z_depths: Iterator[Float32[np.ndarray, "h w"]],
    cameras: CameraPath,
    *,
    low: Float64[np.ndarray, "3"],
    high: Float64[np.ndarray, "3"],
    voxel_size: float,
    min_depth: float,
    trusts: Iterator[Float32[np.ndarray, "h w"]] | None = None,
    sigma_relative: float = 0.0,
    one_view: bool = False,
    drawn: tuple[Iterator[Float32[np.ndarray, "hd wd"]], CameraPath] | None = None,
) -> Carved:
    """Fuse depth [m] into a grid over [low, high] and decide every voxel.

    FREE is what was measured as air and is connected to a camera; SOLID lies up to two voxels behind a
    measured surface; everything else is UNSEEN. Pockets of air no camera could have been in become UNSEEN,
    specks of matter under 0.8 L that float in free air become FREE.

    Estimated depth errs, in whole patches at once. Its truncation band is as thick as its noise, so that walls aren't
    dissolved; one inferred pixel clears no voxel, so that a wrong patch digs no tunnel where nothing else is seen; and
    where a camera was there is air, whatever depth says.

    Drawn depth decides only what no measurement reached: it opens air and stops at its own surfaces, but the matter behind
    them stays UNSEEN, for nobody saw it.

    Args:
        z_depths: One image a camera; NaN is no measurement.
        cameras: Of the images.
        low: Corner of the grid [m].
        high: Opposite corner [m].
        voxel_size: Edge [m].
        min_depth: Nearest depth that counts [m].
        trusts: What every pixel weighs, 0..1; None: all the same.
        sigma_relative: Error of the depth as a fraction of it; 0 for measured depth.
        one_view: No second pixel will ever confirm a first.
        drawn: Depth images of generated frames, NaN but where they may add to the world, and their cameras.
    """
    estimated = sigma_relative > 0
    shape = np.ceil((high - low) / voxel_size).astype(int)
    distance, seen, support = _fused(
        z_depths,
        cameras,
        trusts,
        shape=shape,
        low=low,
        voxel_size=voxel_size,
        min_depth=min_depth,
        sigma_relative=sigma_relative,
    )
    if estimated and not one_view:
        seen &= (support >= MIN_SUPPORT) | (distance <= 0)
        distance[~seen] = -FRONT_VOXELS * voxel_size
    del support
    alone = _decide(distance, seen, cameras.centres, low, voxel_size, estimated=estimated)
    if drawn is None:
        return alone
    there, guessed, _ = _fused(
        *drawn, None, shape=shape, low=low, voxel_size=voxel_size, min_depth=min_depth, sigma_relative=0.0
    )
    return _opened(alone, there, guessed)


def _opened(alone: Carved, there: np.ndarray, guessed: np.ndarray) -> Carved:
    """Unseen voxels alone are settled by drawn depth: air that reaches known air opens, the rest stays unseen matter.

    Measurements are decided before and without it, so that no guess moves what they say.
    """
    grid, tiny = alone.free_space, np.float32(0.02 * alone.free_space.voxel_size)
    guessed = guessed & (grid.states == UNSEEN)
    labels, _ = ndimage.label(grid.free | (guessed & (there > 0)))
    air = guessed & (there > 0) & np.isin(labels, np.unique(labels[grid.free]))
    distance = np.where(air, np.maximum(there, tiny), np.where(guessed, np.minimum(there, -tiny), alone.distance))
    states = np.where(air, np.uint8(FREE), grid.states)
    facts = replace(alone.facts, drawn_air_voxels=int(air.sum()))
    return replace(
        alone, free_space=replace(grid, states=states), distance=distance.astype(np.float32), drawn_air=air, facts=facts
    )


def _fused(
    z_depths: Iterator[np.ndarray],
    cameras: CameraPath,
    trusts: Iterator[np.ndarray] | None,
    *,
    shape: np.ndarray,
    low: np.ndarray,
    voxel_size: float,
    min_depth: float,
    sigma_relative: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean distance of every voxel, -front where unseen; whether a pixel saw it; and summed trust if depth is estimated."""
    distance_sum, weight_sum = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    front, back = FRONT_VOXELS * voxel_size, BACK_VOXELS * voxel_size
    measured = sigma_relative == 0  # an estimate's outlines were left out, and its band is noise, not thickness
    deep_sum = np.zeros(shape if measured else (0, 0, 0), np.float32)
    support = np.zeros((0, 0, 0) if measured else shape, np.float32)
    w2c = cameras.w2c
    for start, batch, trust in _batches(z_depths, trusts):
        frames = slice(start, start + len(batch))
        normals = np.stack([oriented(z, k, sigma_relative) for z, k in zip(batch, cameras.K[frames], strict=True)])
        pixels, farthest = packed(batch, normals, trust, cameras.K[frames], measured)
        integrate(
            pixels,
            farthest,
            cameras.K[frames],
            w2c[frames],
            low,
            voxel_size,
            front,
            back,
            NOISE_SIGMAS * sigma_relative,
            min_depth,
            distance_sum,
            weight_sum,
            deep_sum,
            support,
        )
    if measured:  # who looked from far behind is heard where hardly anybody looked from nearer
        behind = weight_sum < np.float32(HEARD) * deep_sum
        np.add(distance_sum, deep_sum * np.float32(DEEP_VOXELS * voxel_size), out=distance_sum, where=behind)
        np.add(weight_sum, deep_sum, out=weight_sum, where=behind)
    seen = weight_sum > 0
    distance = np.full(shape, -front, np.float32)
    np.divide(distance_sum, weight_sum, out=distance, where=seen)
    return distance, seen, support


def _batches(
    z_depths: Iterator[np.ndarray], trusts: Iterator[np.ndarray] | None
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    start, pending, weighed, nothing = 0, [], [], np.zeros((0, 0, 0), np.float32)
    for z in z_depths:
        pending.append(z)
        if trusts is not None:
            weighed.append(next(trusts))
        if len(pending) == FRAMES_AT_ONCE:
            yield start, np.stack(pending), np.stack(weighed) if weighed else nothing
            start, pending, weighed = start + len(pending), [], []
    if pending:
        yield start, np.stack(pending), np.stack(weighed) if weighed else nothing


def _decide(
    distance: np.ndarray, seen: np.ndarray, centres: np.ndarray, low: np.ndarray, voxel_size: float, *, estimated: bool
) -> Carved:
    tiny = np.float32(0.02 * voxel_size)
    measured = seen & (distance <= np.float32(voxel_size))
    at_camera = _balls(distance.shape, (_path_points(centres) - low) / voxel_size, CAMERA_BALL / voxel_size)
    free = (seen & (distance > 0)) | (at_camera & (estimated | ~seen))
    blocked = int((at_camera & seen & (distance <= 0)).sum())
    if estimated:
        free = _without_slivers(free, seen & (distance <= 0)) | at_camera
    labels, _ = ndimage.label(free)
    index = np.clip(((centres - low) / voxel_size).astype(int), 0, np.array(distance.shape) - 1)
    entered = np.unique(labels[tuple(index.T)])
    entered = entered[entered > 0]
    if len(entered) == 0:
        raise GeometryError(
            "free space",
            "no camera centre lies in air",
            expected="cameras in measured free space",
            likely="Depth unit, camera convention or scale is wrong.",
        )
    wanted = np.zeros(labels.max() + 1, bool)
    wanted[entered] = True
    reached = wanted[labels]
    pockets = int(free.sum()) - int(reached.sum())
    specks, speck_voxels = _specks(~reached, voxel_size, least=SPECK_VOXELS if estimated else 0)
    reached |= specks
    states = np.full(distance.shape, UNSEEN, np.uint8)
    states[seen & ~reached & (distance <= 0)] = SOLID
    states[reached] = FREE
    np.clip(distance, None, -tiny, out=distance, where=~reached)
    np.clip(distance, tiny, None, out=distance, where=reached)
    facts = CarveFacts(
        voxels=int(states.size),
        free_voxels=int(reached.sum()),
        solid_voxels=int((states == SOLID).sum()),
        pocket_voxels_closed=pockets,
        speck_voxels_dropped=speck_voxels,
        camera_voxels_in_matter=blocked,
        free_components=len(entered),
    )
    grid = FreeSpace(states=states, origin=np.asarray(low, np.float64), voxel_size=float(voxel_size))
    return Carved(free_space=grid, distance=distance, measured=measured, facts=facts)


def _without_slivers(free: Bool[np.ndarray, "nx ny nz"], matter: Bool[np.ndarray, "nx ny nz"]) -> np.ndarray:
    """Free space smoothed over a voxel, measured matter kept.

    Estimated depth has holes: rays of air a voxel thin through unseen space, and threads of unseen space through air.
    Neither is anything. What is unseen counts half, so that air thinner than three voxels goes and a thread of two closes.
    """
    score = np.where(free, np.float32(1), np.where(matter, np.float32(-1), np.float32(UNSEEN_SCORE)))
    return (ndimage.gaussian_filter(score, 1.0, truncate=2.0) > 0) & ~matter


def _path_points(centres: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "m 3"]:
    """Camera centres, and points every half ball between those that follow each other closely."""
    steps = np.diff(centres, axis=0)
    near = np.flatnonzero(np.linalg.norm(steps, axis=1) < CAMERA_STEP)
    parts = np.arange(CAMERA_BALL / 2, CAMERA_STEP, CAMERA_BALL / 2) / CAMERA_STEP
    between = centres[near][:, None] + parts[None, :, None] * steps[near][:, None]
    return np.concatenate([centres, between.reshape(-1, 3)])


def _balls(shape: tuple[int, ...], centres: np.ndarray, radius: float) -> Bool[np.ndarray, "nx ny nz"]:
    """Voxels whose centre lies within ``radius`` of any of ``centres`` (all in voxels)."""
    mask, reach = np.zeros(shape, bool), int(np.ceil(radius)) + 1
    for centre in centres:
        start = np.maximum(np.floor(centre).astype(int) - reach, 0)
        stop = np.minimum(np.floor(centre).astype(int) + reach + 1, shape)
        if (stop <= start).any():
            continue
        axes = np.meshgrid(*[np.arange(a, b) + 0.5 - c for a, b, c in zip(start, stop, centre, strict=True)], indexing="ij")
        near = sum(axis**2 for axis in axes) <= max(radius, 0.87) ** 2
        mask[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] |= near
    return mask


def _specks(matter: Bool[np.ndarray, "nx ny nz"], voxel_size: float, *, least: int) -> tuple[np.ndarray, int]:
    labels, _ = ndimage.label(matter)
    sizes = np.bincount(labels.ravel())
    small = (sizes * voxel_size**3 * 1000 < SPECK_LITRES) | (sizes < least)
    small[0] = False
    mask = small[labels]
    return mask, int(mask.sum())
