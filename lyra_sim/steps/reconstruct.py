"""reconstruct: posed views → splats and depth in their own frame."""

from pathlib import Path
from typing import TYPE_CHECKING

from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import Reconstruction
from lyra_sim.plugins import load_plugin
from lyra_sim.scene.spec import ReconstructConfig
from lyra_sim.steps.step import step

if TYPE_CHECKING:
    from lyra_sim.reconstructors.reconstructor import Reconstructor


def plugins(reconstruct: ReconstructConfig) -> tuple[str, ...]:
    """The backend."""
    return (f"reconstructor:{reconstruct.backend}",)


@step(version=2, plugins=plugins)
def reconstruct(
    depth: PosedDepth, generate: WorldVideo, *, reconstruct: ReconstructConfig, seed: int, out: Path
) -> Reconstruction:
    """Make splats of what the views show; splats that were given stay what they are."""
    if depth.given_splats is not None:
        from lyra_sim.reconstructors.given_splats import keep_given

        reconstruction: Reconstruction = keep_given(depth, reconstruct)
    else:
        backend: Reconstructor = load_plugin("reconstructor", reconstruct.backend)
        reconstruction = backend(depth, reconstruct, video=generate, seed=seed)
    reconstruction.save(out)
    return reconstruction
