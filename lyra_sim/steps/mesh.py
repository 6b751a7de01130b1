"""mesh: metric depth → free space, and the closed surface around it."""

from pathlib import Path

from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.solid import Solid
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import MetricWorld
from lyra_sim.scene.spec import CaptureConfig, MeshConfig
from lyra_sim.steps.step import step


@step(version=7)
def mesh(
    align: MetricWorld, depth: PosedDepth, generate: WorldVideo, *, mesh: MeshConfig, capture: CaptureConfig, out: Path
) -> Solid:
    """Carve free space out of matter and close the surface around it."""
    from lyra_sim.meshing.solidify import solidify

    drawn = None if generate.frames is None else generate.frames.moved(align.world_from_input)
    solid = solidify(align, mesh, min_depth=capture.min_depth, depth=depth.depth, drawn=drawn)
    solid.save(out)
    return solid
