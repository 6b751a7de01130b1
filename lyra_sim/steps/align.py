"""align: a reconstruction in its own frame → metres, z-up, main floor at z = 0."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.world import MetricWorld
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> MetricWorld:
    from lyra_sim.alignment.metric_world import to_metric_world

    world = to_metric_world(inputs["depth"], inputs["reconstruct"], cfg)
    world.save(out)
    return world


def load(folder: Path, inputs: Mapping[str, Any]) -> MetricWorld:
    return MetricWorld.load(folder, reconstruction=inputs["reconstruct"])


STEP = Step(name="align", version=5, needs=("depth", "reconstruct"), reads=("scale", "capture", "align"), run=run, load=load)
