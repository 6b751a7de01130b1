"""author: the USD package and its plain twins."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyra_sim.data.stage import StageBundle
from lyra_sim.plugins import load_plugin
from lyra_sim.resources import resource_dir
from lyra_sim.scene.spec import SceneSpec
from lyra_sim.steps.step import Step

if TYPE_CHECKING:
    from lyra_sim.exporters.exporter import Exporter

EXPORTER = "isaac"
"""The only one so far; a scene key when there is a second."""


def run(inputs: Mapping[str, Any], cfg: SceneSpec, *, out: Path) -> StageBundle:
    """Hand the aligned world, its surface, hulls and map to the exporter, after writing down what others should see in it."""
    from lyra_sim.exporters.predictions import FOLDER as PREDICTIONS
    from lyra_sim.exporters.predictions import write_predictions

    solid, collision = inputs["mesh"], inputs["collide"]
    # Before the exporter, whose manifest then lists them with everything else.
    write_predictions(
        StageBundle(folder=out).world / PREDICTIONS,
        mesh=solid.mesh,
        splats=inputs["align"].splats,
        navigation=collision.navigation,
    )
    export: Exporter = load_plugin("exporter", EXPORTER)
    return export(
        inputs["align"],
        solid.mesh,
        collision.colliders,
        collision.navigation,
        name=cfg.name,
        out=out,
        texture=solid.texture,
        half_splats=cfg.author.half_splats,
        usdz=cfg.author.usdz,
        drawn=None if inputs["generate"].frames is None else inputs["generate"].facts,
    )


def load(folder: Path, inputs: Mapping[str, Any]) -> StageBundle:
    return StageBundle(folder=folder)


def sources(cfg: SceneSpec) -> tuple[Path, ...]:
    """The templates that the stage is made from; robots are the gate's."""
    return tuple(sorted(resource_dir("usd_templates").glob("*.usda")))


STEP = Step(
    name="author",
    version=4,
    needs=("generate", "align", "mesh", "collide"),
    reads=("name", "author"),
    run=run,
    load=load,
    sources=sources,
    plugins=lambda cfg: (f"exporter:{EXPORTER}",),
)
