"""mesh: metric depth → free space, and the closed surface around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.solid import Solid
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> Solid:
    from lyra_sim.meshing.solidify import solidify

    world = inputs["align"]
    drawn = inputs["generate"].frames
    if drawn is not None:
        drawn = drawn.moved(world.world_from_input)
    solid = solidify(world, cfg.mesh, min_depth=cfg.capture.min_depth, depth=inputs["depth"].depth, drawn=drawn)
    solid.save(out)
    return solid


def load(folder: Path, inputs: Mapping[str, Any]) -> Solid:
    return Solid.load(folder)


STEP = Step(name="mesh", version=7, needs=("align", "depth", "generate"), reads=("mesh", "capture"), run=run, load=load)
