"""The work, loaded when a build reaches it."""

import numpy as np

from lyra_sim.conventions import sh_dc_from_rgb
from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.errors import GeometryError, SpecError
from lyra_sim.geometry.cameras import unproject
from lyra_sim.reconstructors.fuse import fused
from lyra_sim.scene.spec import ReconstructConfig
from lyra_sim_dots.declaration import DotsOptions


def reconstruct(capture: Capture, cfg: ReconstructConfig, *, video: WorldVideo | None = None, seed: int = 0) -> Reconstruction:
    """A round splat, half as wide as the way to its neighbour, at every n-th pixel. Drawn frames add nothing.

    Gravity, floor and mesh rest on ``surface``, which is what was measured: round dots would tell no directions.
    """
    options = cfg.options
    if not isinstance(options, DotsOptions):
        raise SpecError("reconstruct.options", "they aren't those of dots", expected="backend: dots")
    means, sizes, colours = [], [], []
    for index in capture.used:
        part = slice(None, None, options.every)
        z, K = capture.views.z_depth(index), capture.cameras.K[index]
        known = np.isfinite(z[part, part])
        means.append(unproject(z, K, capture.cameras.c2w[index])[part, part][known])
        sizes.append(0.5 * options.every * z[part, part][known] / K[0, 0])
        colours.append(capture.views.rgb(index)[part, part][known] / 255.0)
    points = np.concatenate(means).astype(np.float32)
    if len(points) == 0:
        raise GeometryError("dots", "no depth at any n-th pixel", expected="valid depth", next_step="Lower options.every.")
    tinted = np.clip(np.concatenate(colours) * options.tint, 0, 1)
    splats = Splats(
        means=points,
        quats_wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (len(points), 1)),
        log_scales=np.repeat(np.log(np.concatenate(sizes))[:, None], 3, axis=1).astype(np.float32),
        opacity_logits=np.full(len(points), 2.0, np.float32),
        sh_coeffs=sh_dc_from_rgb(tinted)[:, None, :],
    )
    return Reconstruction(
        splats=splats,
        views=capture.views.select(capture.used),
        cameras=capture.cameras.select(np.array(capture.used)),
        backend="dots",
        surface=fused(capture, cfg, None),
    )
