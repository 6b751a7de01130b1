"""author: the USD package and its plain twins."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.colliders import Collision
from lyra_sim.data.solid import Solid
from lyra_sim.data.stage import StageBundle
from lyra_sim.data.video import WorldVideo
from lyra_sim.data.world import HeldOut, MetricWorld
from lyra_sim.plugins import find_plugin, load_plugin
from lyra_sim.resources import resource_dir
from lyra_sim.scene.spec import AuthorConfig
from lyra_sim.steps.step import step

if TYPE_CHECKING:
    from lyra_sim.exporters.exporter import Exporter


def sources(author: AuthorConfig) -> tuple[Path, ...]:
    """The templates that the stage is made from, robots are the gate's; and files that the exporter's options name."""
    theirs = find_plugin("exporter", author.exporter).sources_of(author.options)
    return (*sorted(resource_dir("usd_templates").glob("*.usda")), *theirs)


def plugins(author: AuthorConfig) -> tuple[str, ...]:
    """The exporter, and what it works with."""
    return find_plugin("exporter", author.exporter).keyed_with(author.options)


@step(version=6, sources=sources, plugins=plugins)
def author(
    capture: Capture,
    generate: WorldVideo,
    align: MetricWorld,
    mesh: Solid,
    collide: Collision,
    *,
    author: AuthorConfig,
    name: str,
    out: Path,
) -> StageBundle:
    """Hand the aligned world, its surface, hulls and map to the exporter, after writing down what others should see in it."""
    from lyra_sim.exporters.predictions import FOLDER as PREDICTIONS
    from lyra_sim.exporters.predictions import write_predictions

    # Before the exporter, whose manifest then lists them with everything else.
    write_predictions(
        StageBundle(folder=out).world / PREDICTIONS,
        mesh=mesh.mesh,
        splats=align.splats,
        navigation=collide.navigation,
    )
    export: Exporter = load_plugin("exporter", author.exporter)
    return export(
        replace(align, held_out=held_out_views(capture, align)),
        mesh.mesh,
        collide.colliders,
        collide.navigation,
        name=name,
        out=out,
        texture=mesh.texture,
        half_splats=author.half_splats,
        usdz=author.usdz,
        options=author.options,
        drawn=None if generate.frames is None else generate.facts,
    )


def held_out_views(capture: Capture, world: MetricWorld) -> HeldOut | None:
    """Views of the capture that were kept out of all geometry, in the metric world; None without any."""
    if not capture.held_out:
        return None
    return HeldOut(
        names=tuple(capture.views.names[index] for index in capture.held_out),
        cameras=capture.cameras.moved(world.world_from_input).select(np.array(capture.held_out)),
    )
