"""align: a reconstruction in its own frame → metres, z-up, main floor at z = 0."""

from pathlib import Path

from lyra_sim.data.depth import PosedDepth
from lyra_sim.data.world import MetricWorld, Reconstruction
from lyra_sim.scene.sources import Scale
from lyra_sim.scene.spec import AlignConfig, CaptureConfig
from lyra_sim.steps.step import step


@step(version=5)
def align(
    depth: PosedDepth,
    reconstruct: Reconstruction,
    *,
    scale: Scale,
    capture: CaptureConfig,
    align: AlignConfig,
    name: str,
    out: Path,
) -> MetricWorld:
    """Find gravity and floor, settle the scale, and put the origin on free floor."""
    from lyra_sim.alignment.metric_world import to_metric_world

    world = to_metric_world(
        depth, reconstruct, scale=scale, config=align, assumed_camera_height=capture.assumed_camera_height, scene=name
    )
    world.save(out)
    return world
