"""Splats whose opacities are 0..1 where 3DGS stores logits: all would be fog."""

import numpy as np

from lyra_sim.data.splats import Splats


def make(folder):
    count = 100
    Splats(
        means=np.random.default_rng(1).uniform(0, 3, (count, 3)).astype(np.float32),
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        log_scales=np.full((count, 3), -3, np.float32),
        opacity_logits=np.linspace(0.05, 0.98, count, dtype=np.float32),
        sh_coeffs=np.zeros((count, 1, 3), np.float32),
    ).save_ply(folder / "scan.ply")
