"""The CPU default: measured depth fused into one splat per surface cell, no optimisation and no weights."""

import numpy as np
from jaxtyping import Float32, Float64
from scipy.spatial import cKDTree

from lyra_sim.conventions import quats_wxyz_from_xyzw, sh_dc_from_rgb
from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.data.video import GeneratedFrames, WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.depth_noise import oriented, usable
from lyra_sim.reconstructors.surfel_kernels import view_samples
from lyra_sim.reconstructors.surfels import SurfelCloud, Surfels
from lyra_sim.scene.spec import ReconstructConfig

TANGENT_SIGMA = 0.7
"""Standard deviation along the surface, in distances to the nearest neighbours; measured: less leaves gaps, more blurs.
Tuned, unrecorded."""
NEIGHBOURS = 4
"""Neighbours that tell the local spacing. Tuned, unrecorded."""
NORMAL_SIGMA = 0.1
"""Standard deviation across the surface, as a fraction of the one along it. Tuned, unrecorded."""
OPACITY = 0.95
"""Of a placed splat. Convention."""
COARSEST = 0.02
"""Largest spacing where the scale is assumed, as a fraction of the depth. Tuned, unrecorded."""
GROWTH = 1.25
"""Factor the spacing grows by until the splats fit the budget. Convention."""


def reconstruct(capture: Capture, cfg: ReconstructConfig, *, video: WorldVideo | None = None, seed: int = 0) -> Reconstruction:
    """Surface elements of all used views become Gaussians that lie in the surface (surfels: Pfister et al. 2000).

    The frame is the capture's own. Depth passes through unchanged: what was measured is what is meshed. Estimated depth
    weighs what its confidence says, without what moved and without its edges. Generated frames add what no photo measured.
    Nothing is random here: ``seed`` is for those that draw lots.
    """
    used = capture.used
    views, cameras = capture.views.select(used), capture.cameras.select(np.array(used))
    measured = fused(capture, cfg, None)
    drawn = video.frames if video is not None else None
    if drawn is None:
        return Reconstruction(splats=measured, views=views, cameras=cameras, backend="fuse")
    splats = fused(capture, cfg, drawn)
    return Reconstruction(splats=splats, views=views, cameras=cameras, backend="fuse", surface=measured)


def fused(capture: Capture, cfg: ReconstructConfig, drawn: GeneratedFrames | None) -> Splats:
    """One splat a cell of the measured surface, and one a cell that only ``drawn`` frames show.

    Raises:
        GeometryError: No view shows any surface.
    """
    spacing = _spacing(capture, cfg)
    surfels, guesses = _measured(capture, spacing), _drawn(drawn, spacing)
    while len(surfels.means) + len(guesses.means) > cfg.max_splats:
        spacing *= max(GROWTH, np.sqrt((len(surfels.means) + len(guesses.means)) / cfg.max_splats))
        surfels, guesses = _coarser(surfels, spacing), _coarser(guesses, spacing)
    if len(surfels.means) == 0:
        raise GeometryError(
            "fuse", "no surface sample in any view", expected="valid depth", next_step="Look at the capture's z_depth folder."
        )
    return _splats(_joined(surfels, _outside(guesses, surfels, spacing)), spacing)


def _spacing(capture: Capture, cfg: ReconstructConfig) -> float:
    """The spacing asked for in the capture's units; no coarser than depth itself allows where nobody knows those units."""
    spacing = cfg.splat_spacing / capture.world_from_capture.scale
    if not capture.scale.assumed or not capture.views.estimated:
        return spacing
    sample = [float(np.nanmedian(z)) for z in map(capture.views.z_depth, capture.used) if np.isfinite(z).any()]
    return min(spacing, COARSEST * float(np.median(sample))) if sample else spacing


def _measured(capture: Capture, cell: float) -> Surfels:
    cloud = SurfelCloud(cell)
    views, estimated = capture.views, capture.views.estimated
    noise = capture.depth.noise if capture.depth is not None else 0.0
    for index in capture.used:
        z, K, valid = views.z_depth(index), capture.cameras.K[index], views.valid(index)
        trust = views.confidence(index) if estimated else np.ones(z.shape, np.float32)
        if estimated:
            z = usable(z, views.static(index))
        lens = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
        normals = oriented(z, K, noise)
        cloud.add(*view_samples(z, normals, views.rgb(index), valid, trust, *lens, capture.cameras.c2w[index]))
    return cloud.surfels()


def _drawn(frames: GeneratedFrames | None, cell: float) -> Surfels:
    """Of the pixels that no photo measured."""
    cloud = SurfelCloud(cell)
    if frames is None:
        return cloud.surfels()
    for index in frames.adding:
        z, K = frames.new_z_depth(index), frames.cameras.K[index]
        lens = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
        trust = np.ones(z.shape, np.float32)
        samples = view_samples(
            z, oriented(z, K, 0.0), frames.rgb(index), np.isfinite(z), trust, *lens, frames.cameras.c2w[index]
        )
        cloud.add(*samples)
    return cloud.surfels()


def _outside(surfels: Surfels, taken: Surfels, cell: float) -> Surfels:
    """Those in cells where ``taken`` has none: what was measured isn't averaged with a guess."""
    cells = lambda means: np.floor(means / cell).astype(np.int64)  # noqa: E731
    both = np.concatenate([cells(taken.means), cells(surfels.means)])
    _, number = np.unique(both, axis=0, return_inverse=True)
    free = ~np.isin(number[len(taken.means) :], number[: len(taken.means)])
    return Surfels(means=surfels.means[free], normals=surfels.normals[free], rgb=surfels.rgb[free])


def _joined(a: Surfels, b: Surfels) -> Surfels:
    return Surfels(
        means=np.concatenate([a.means, b.means]),
        normals=np.concatenate([a.normals, b.normals]),
        rgb=np.concatenate([a.rgb, b.rgb]),
    )


def _coarser(surfels: Surfels, cell: float) -> Surfels:
    cloud = SurfelCloud(cell)
    cloud.add(surfels.means, surfels.normals, surfels.rgb, np.ones(len(surfels.means)))
    return cloud.surfels()


def _splats(surfels: Surfels, spacing: float) -> Splats:
    tangent = TANGENT_SIGMA * _local_spacing(surfels.means, spacing)
    log_scales = np.log(np.stack([tangent, tangent, NORMAL_SIGMA * tangent], axis=1)).astype(np.float32)
    logit = np.float32(np.log(OPACITY / (1 - OPACITY)))
    return Splats(
        means=surfels.means.astype(np.float32),
        quats_wxyz=_quats_wxyz_with_third_axis(surfels.normals),
        log_scales=log_scales,
        opacity_logits=np.full(len(tangent), logit, np.float32),
        sh_coeffs=sh_dc_from_rgb(surfels.rgb)[:, None, :],
    )


def _local_spacing(means: Float64[np.ndarray, "n 3"], spacing: float) -> Float64[np.ndarray, "n"]:
    """Root mean square distance to the nearest neighbours, within half and four times the cell edge."""
    if len(means) <= NEIGHBOURS:
        return np.full(len(means), spacing)
    distances, _ = cKDTree(means).query(means, k=NEIGHBOURS + 1, workers=-1)
    return np.clip(np.sqrt((distances[:, 1:] ** 2).mean(axis=1)), 0.5 * spacing, 4 * spacing)


def _quats_wxyz_with_third_axis(normals: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 4"]:
    """Smallest rotations that take +z to the given unit directions."""
    n = normals.astype(np.float64)
    xyzw = np.stack([-n[:, 1], n[:, 0], np.zeros(len(n)), 1 + n[:, 2]], axis=1)
    xyzw[n[:, 2] < -1 + 1e-9] = [1, 0, 0, 0]
    xyzw /= np.linalg.norm(xyzw, axis=1, keepdims=True)
    return quats_wxyz_from_xyzw(xyzw).astype(np.float32)
