"""reconstruct: posed views → splats and depth in their own frame."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyra_sim.data.world import Reconstruction
from lyra_sim.plugins import load_plugin
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

if TYPE_CHECKING:
    from lyra_sim.reconstructors.reconstructor import Reconstructor


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Reconstruction:
    if inputs["depth"].given_splats is not None:
        from lyra_sim.reconstructors.given_splats import keep_given

        reconstruction: Reconstruction = keep_given(inputs["depth"], cfg.reconstruct)
    else:
        backend: Reconstructor = load_plugin("reconstructor", cfg.reconstruct.backend)
        reconstruction = backend(inputs["depth"], cfg.reconstruct, video=inputs["generate"], seed=cfg.seed)
    reconstruction.save(out)
    return reconstruction


def load(folder: Path, inputs: Mapping[str, Any]) -> Reconstruction:
    return Reconstruction.load(folder, captured=inputs["depth"].views)


STEP = Step(
    name="reconstruct",
    version=2,
    needs=("depth", "generate"),
    reads=("reconstruct",),
    run=run,
    load=load,
    plugins=lambda cfg: (f"reconstructor:{cfg.reconstruct.backend}",),
)
