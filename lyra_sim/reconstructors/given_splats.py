"""Splats that were given stay as they are; only the surface that gravity and mesh rest on is fused from their depth."""

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.splats import Splats
from lyra_sim.data.world import KeptFacts, Reconstruction
from lyra_sim.errors import StoreError
from lyra_sim.reconstructors.fuse import fused
from lyra_sim.scene.spec import ReconstructConfig


def keep_given(capture: Capture, cfg: ReconstructConfig) -> Reconstruction:
    """The capture's own splats beside the surface its views show, in the capture's frame.

    Raises:
        StoreError: The capture holds no given splats.
    """
    if capture.given_splats is None:
        raise StoreError("capture", "it holds no given splats", expected="a capture of a 'splats' source")
    used = capture.used
    return Reconstruction(
        splats=Splats.load_ply(capture.given_splats),
        views=capture.views.select(used),
        cameras=capture.cameras.select(np.array(used)),
        backend="given",
        surface=fused(capture, cfg, None),
        facts=KeptFacts(given=() if capture.given is None else capture.given.files),
    )
