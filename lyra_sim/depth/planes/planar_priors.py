"""Blank walls, rugs and ceilings: depth inferred from planes that their surroundings measured, marked as inferred."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from lyra_sim.depth.planes.plane_evidence import collect_evidence
from lyra_sim.depth.planes.plane_finding import find_planes, gather_points, refine_up
from lyra_sim.depth.planes.plane_finding_kernels import local_normals
from lyra_sim.depth.planes.plane_kernels import compare_views
from lyra_sim.depth.planes.plane_labels import COLOUR_STEP, label_view
from lyra_sim.geometry.cameras import CameraPath

CONFIRMED, UNCONFIRMED = 0.6, 0.35
"""Confidence of inferred depth that other views' depth agrees with, and of depth that none contradicts. Convention."""
NORMAL_RADIUS = 7
"""Half window that local normals are fitted in [px at 512 px width]. Tuned, unrecorded."""
NEIGHBOURS = 8
"""Other views that inferred depth is compared with. Convention."""
AGREEMENT = 0.025
"""Relative difference of depths that agree; twice as much contradicts. Tuned, unrecorded."""


def fill(
    rgb: Sequence[Float32[np.ndarray, "h w 3"]],
    cameras: CameraPath,
    z_depths: Sequence[Float32[np.ndarray, "h w"]],
    confidences: Sequence[Float32[np.ndarray, "h w"]],
    *,
    up: Float64[np.ndarray, "3"],
    sky: Sequence[Bool[np.ndarray, "h w"]],
    seed: int = 0,
) -> tuple[list[Float32[np.ndarray, "h w"]], list[Float32[np.ndarray, "h w"]]]:
    """Fill what the sweep left unknown from planes it measured; what it measured stays bit for bit.

    Args:
        rgb: Images of all views, 0..1.
        cameras: Their cameras at this resolution, in the capture frame of any unit.
        z_depths: Measured depth [capture units], NaN where unknown.
        confidences: Trust in it, 0..1.
        up: Unit vector against gravity in the capture frame, as well as it is known.
        sky: Pixels that never get a depth.
        seed: Of the random samples that planes are sought with.

    Returns:
        Depth and confidence of every view; filled pixels stay below ``MEASURED_CONFIDENCE`` of ``lyra_sim.data.depth``.
    """
    depths = [z.copy() for z in z_depths]
    trust = [confidence.copy() for confidence in confidences]
    radius = max(3, round(NORMAL_RADIUS * cameras.width / 512))
    normals = [local_normals(z, radius, K[0, 0], K[1, 1], K[0, 2], K[1, 2]) for z, K in zip(z_depths, cameras.K, strict=True)]
    scene = gather_points(cameras, z_depths, normals, seed=seed)
    planes = find_planes(scene, refine_up(scene, up, seed=seed)) if scene is not None else []
    if scene is None or not planes:
        return depths, trust
    evidence = collect_evidence(planes, cameras, rgb, z_depths, scene_depth=scene.scene_depth, radius=2 * radius)
    inferred = []
    for index, z_depth in enumerate(z_depths):
        K, c2w = cameras.K[index], cameras.c2w[index]
        new = label_view(rgb[index], z_depth, K, c2w, evidence, scene_depth=scene.scene_depth, radius=2 * radius)
        new[sky[index]] = np.nan
        inferred.append(new)
    known = np.stack([np.where(np.isfinite(new), new, z) for new, z in zip(inferred, z_depths, strict=True)])
    w2c = cameras.w2c
    for index, new in enumerate(inferred):
        near = _neighbours(cameras, index, scene.scene_depth)
        agree, against = compare_views(
            new,
            rgb[index],
            cameras.K[index],
            cameras.c2w[index],
            known[near],
            np.stack([rgb[other] for other in near]),
            cameras.K[near],
            w2c[near],
            AGREEMENT,
            2 * COLOUR_STEP,
        )
        kept = np.isfinite(new) & ((against == 0) | (agree >= 2 * against))
        depths[index][kept] = new[kept]
        trust[index][kept] = np.where(agree[kept] >= 2, CONFIRMED, UNCONFIRMED)
    return depths, trust


def _neighbours(cameras: CameraPath, index: int, scene_depth: float) -> Int64[np.ndarray, "k"]:
    """Views that look the same way from nearby, but not from the very spot."""
    axes = cameras.c2w[:, :3, 2]
    turn = np.arccos(np.clip(axes @ axes[index], -1, 1))
    shift = np.linalg.norm(cameras.centres - cameras.centres[index], axis=1) / scene_depth
    cost = turn + shift + np.where(shift < 0.02, 1.0, 0.0)
    cost[index] = np.inf
    return np.sort(np.argsort(cost, kind="stable")[: min(NEIGHBOURS, len(cameras) - 1)]).astype(np.int64)
