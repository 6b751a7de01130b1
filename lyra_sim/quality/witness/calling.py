"""Which witness a world has, by where its views come from."""

from dataclasses import dataclass

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.report import Metric
from lyra_sim.data.world import MetricWorld
from lyra_sim.quality.witness.footing import footing_metric
from lyra_sim.quality.witness.given_surface import given_witness, read_again, reading_metric
from lyra_sim.quality.witness.held_out_views import WithDepth, held_out_witness
from lyra_sim.quality.witness.rays import Witness
from lyra_sim.scene.sources import Source, SurfaceSource


@dataclass(frozen=True, kw_only=True)
class Called:
    """A witness, or why there is none."""

    witness: Witness | None
    why: str = ""
    reading: Metric | None = None
    """Of given meshes, how far two readings of their files differ."""
    footing: Metric | None = None
    """… and what speaks against the floor that was found in them."""
    capture: Capture | None = None
    """Of a finished package, what it was built from, where that was named."""


def call_witness(source: Source, capture: Capture, world: MetricWorld, *, reach: float, seed: int) -> Called:
    """The witness of a world, in the metric world.

    Args:
        source: Where its views come from.
        capture: What was captured.
        world: With all views, held-out ones too.
        reach: Matter of given meshes farther from a camera than this was never captured [m].
        seed: Of rays that are drawn.

    Raises:
        InputError: A given mesh can't be read any more.
    """
    if isinstance(source, SurfaceSource):
        reading = read_again(source.files).moved(world.world_from_input)
        witness = given_witness(reading, world.cameras.centres, reach=reach, seed=seed)
        footing = footing_metric(
            reading, world.cameras.centres, start=source.start is not None, cameras=source.cameras is not None, seed=seed
        )
        return Called(witness=witness, reading=reading_metric(reading), footing=footing)
    return witness_of_views(capture, world, seed=seed)


def witness_of_views(capture: Capture, world: WithDepth, *, seed: int) -> Called:
    """The witness that a capture of photos or frames keeps apart, in the metric world.

    Args:
        capture: What was captured.
        world: Its views, held-out ones too.
        seed: Of rays that are drawn.
    """
    if capture.depth is not None and not capture.depth.estimated:
        if not capture.held_out:
            return Called(witness=None, why="no view was held out (capture.hold_out_every)")
        found = held_out_witness(world, capture.held_out, seed=seed)
        return Called(witness=found, why="" if found else "held-out views have no depth that agrees")
    if capture.kept_back is None:
        return Called(witness=None, why="nothing but estimates tells what stands where")
    from lyra_sim.quality.witness.found_points import found_points
    from lyra_sim.quality.witness.kept_back_points import kept_back_witness

    kept_back = capture.kept_back
    if len(kept_back.points):
        sights = kept_back.points[kept_back.point_index] - capture.cameras.centres[kept_back.view_index]
        reach = float(np.median(np.linalg.norm(sights, axis=1)))
        kept_back = kept_back.and_those(found_points(capture.views, capture.cameras, capture.sparse, reach=reach))
    points = kept_back_witness(kept_back, capture.cameras)
    moved = None if points is None else points.moved(world.world_from_input)
    return Called(witness=moved, why="" if moved else "too few feature points that three photos share")
