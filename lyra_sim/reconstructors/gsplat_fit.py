"""Splats trained on the photos: seeded from the fused surface, held to its depth, densified by gsplat; CPU or CUDA."""

from dataclasses import replace

import numpy as np
import torch

from lyra_sim.data.capture import Capture
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.depth.resample import working_size
from lyra_sim.errors import GeometryError
from lyra_sim.geometry.rigid import Similarity
from lyra_sim.reconstructors import fuse
from lyra_sim.reconstructors.guessed_depth import guessed_depths
from lyra_sim.reconstructors.splat_seeds import seeds
from lyra_sim.reconstructors.splat_training import train
from lyra_sim.reconstructors.splat_views import TrainingViews
from lyra_sim.scene.spec import ReconstructConfig

SEED_SHARE = 0.85
"""Of the splats trained at most; densification gives the rest to where photos ask for it. Tuned on livingroom."""
CELL_PX = 1.5
"""Edge of the cells the surface is fused in, in pixels of a training image at the median depth. Tuned on livingroom."""


def reconstruct(capture: Capture, cfg: ReconstructConfig, *, video: WorldVideo | None = None, seed: int = 0) -> Reconstruction:
    """Kerbl et al. 2023 from seeds on the measured surface, with its depth as a second teacher (plug-in ``gsplat``).

    The frame is the capture's own; views and cameras are those ``fuse`` gives, so the mesh comes from the same depth. Photos
    teach wherever nothing moved; generated frames teach in pixels that no photo measured.
    """
    unit = _scene_unit(capture)
    cell = CELL_PX * unit / _focal_px(capture, cfg.train_side)
    fine = cfg.model_copy(update={"splat_spacing": cell * capture.world_from_capture.scale})
    surface = fuse.fused(capture, fine, None if video is None else video.frames)
    cell = max(cell, float(np.median(surface.scales[:, 0])) / fuse.TANGENT_SIGMA)  # fuse coarsens to keep max_splats
    guesses = guessed_depths(capture)
    start = seeds(surface, capture, guesses, budget=int(SEED_SHARE * cfg.train_splats), cell=cell)
    unit_from_capture = Similarity(
        scale=1 / unit, rotation=np.eye(3), translation=-np.median(start.means.astype(np.float64), axis=0) / unit
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained = train(
        start.moved(unit_from_capture),
        TrainingViews(capture, video, guesses, unit_from_capture=unit_from_capture, device=device),
        iterations=cfg.iterations,
        side=cfg.train_side,
        depth_weight=cfg.depth_weight,
        most=cfg.train_splats,
        seed=seed,
    )
    measured = fuse.reconstruct(capture, cfg)  # as without training, so that gravity, floor and mesh are too
    splats = trained.splats.moved(unit_from_capture.inverse)
    return replace(measured, splats=splats, surface=measured.splats, backend="gsplat", facts=trained.facts)


def _scene_unit(capture: Capture) -> float:
    """Median depth of the used views [capture units]."""
    found = [float(np.nanmedian(z)) for z in map(capture.views.z_depth, capture.used) if np.isfinite(z).any()]
    if not found:
        raise GeometryError(
            "gsplat", "no view has depth", expected="valid depth", next_step="Look at the depth step's z_depth folder."
        )
    return float(np.median(found))


def _focal_px(capture: Capture, side: int) -> float:
    width, height = working_size(capture.cameras.width, capture.cameras.height, side)
    return float(np.median(capture.cameras.resized(width, height).K[:, 0, 0]))
