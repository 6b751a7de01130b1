"""author: the USD package and its plain twins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lyra_sim.data.stage import StageBundle
from lyra_sim.spec import SceneSpec
from lyra_sim.steps.step import Step


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> StageBundle:
    """Hand the aligned world, its surface, hulls and map to the exporter."""
    from lyra_sim.exporters.isaac import export

    solid, collision = inputs["mesh"], inputs["collide"]
    return export(
        inputs["align"],
        solid.mesh,
        collision.colliders,
        collision.navigation,
        name=cfg.name,
        out=out,
        texture=solid.texture,
        half_splats=cfg.author.half_splats,
    )


def load(folder: Path, inputs: Mapping[str, Any]) -> StageBundle:
    return StageBundle(folder=folder)


STEP = Step(name="author", version=1, needs=("align", "mesh", "collide"), reads=("name", "author"), run=run, load=load)
