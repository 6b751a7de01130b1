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
from lyra_sim.spec import ReconstructConfig

TANGENT_SIGMA = 0.7
"""Standard deviation along the surface, in distances to the nearest neighbours; measured: less leaves gaps, more blurs."""
NEIGHBOURS = 4
"""Neighbours that tell the local spacing."""
NORMAL_SIGMA = 0.1
"""Standard deviation across the surface, as a fraction of the one along it."""
OPACITY = 0.95
COARSEST = 0.02
"""Largest spacing where the scale is assumed, as a fraction of the depth."""
GROWTH = 1.25
"""Factor the spacing grows by until the splats fit the budget."""


DRAWN_TRUST = 0.2
"""What a drawn sample weighs beside a measured one."""
DRAWN_EVERY = 8
"""Every n-th generated frame is used."""


def reconstruct(capture: Capture, cfg: ReconstructConfig, *, video: WorldVideo | None = None) -> Reconstruction:
    """Surface elements of all used views become Gaussians that lie in the surface (surfels: Pfister et al. 2000).

    The frame is the capture's own. Depth passes through unchanged: what was measured is what is meshed. Estimated depth
    weighs what its confidence says, without what moved and without its edges. Generated frames add what no photo measured.
    """
    used = capture.used
    views, cameras = capture.views.select(used), capture.cameras.select(np.array(used))
    measured = _fused(capture, cfg, None)
    drawn = video.frames if video is not None else None
    if drawn is None:
        return Reconstruction(splats=measured, views=views, cameras=cameras, backend="fuse")
    splats = _fused(capture, cfg, drawn)
    return Reconstruction(splats=splats, views=views, cameras=cameras, backend="fuse", surface=measured)


def _fused(capture: Capture, cfg: ReconstructConfig, drawn: GeneratedFrames | None) -> Splats:
    spacing = _spacing(capture, cfg)
    surfels = _collect(capture, drawn, views_used=capture.used, cell=spacing)
    while len(surfels.means) > cfg.max_splats:
        spacing *= max(GROWTH, np.sqrt(len(surfels.means) / cfg.max_splats))
        surfels = _coarser(surfels, spacing)
    if len(surfels.means) == 0:
        raise GeometryError(
            "fuse", "no surface sample in any view", expected="valid depth", next_step="Look at the capture's z_depth folder."
        )
    return _splats(surfels, spacing)


def _spacing(capture: Capture, cfg: ReconstructConfig) -> float:
    """The spacing asked for in the capture's units; no coarser than depth itself allows where nobody knows those units."""
    spacing = cfg.splat_spacing / capture.world_from_capture.scale
    if not capture.scale.assumed or capture.views.depth_folder is None:
        return spacing
    sample = [float(np.nanmedian(z)) for z in map(capture.views.z_depth, capture.used) if np.isfinite(z).any()]
    return min(spacing, COARSEST * float(np.median(sample))) if sample else spacing


def _collect(capture: Capture, drawn: GeneratedFrames | None, *, views_used: tuple[int, ...], cell: float) -> Surfels:
    cloud = SurfelCloud(cell)
    views, estimated = capture.views, capture.views.depth_folder is not None
    noise = capture.depth.noise if capture.depth is not None else 0.0
    for index in views_used:
        z, K, valid = views.z_depth(index), capture.cameras.K[index], views.valid(index)
        trust = views.confidence(index) if estimated else np.ones(z.shape, np.float32)
        if estimated:
            z = usable(z, views.static(index))
        lens = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
        normals = oriented(z, K, noise)
        cloud.add(*view_samples(z, normals, views.rgb(index), valid, trust, *lens, capture.cameras.c2w[index]))
    if drawn is None:
        return cloud.surfels()
    for index in range(0, len(drawn), DRAWN_EVERY):
        z, K = drawn.new_z_depth(index), drawn.cameras.K[index]
        new, lens = np.isfinite(z), (K[0, 0], K[1, 1], K[0, 2], K[1, 2])
        trust = np.full(z.shape, DRAWN_TRUST, np.float32)
        cloud.add(*view_samples(z, oriented(z, K, noise), drawn.rgb(index), new, trust, *lens, drawn.cameras.c2w[index]))
    return cloud.surfels()


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
