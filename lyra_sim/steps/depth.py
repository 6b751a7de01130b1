"""depth: posed views → the same views with depth. What a sensor measured passes through."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lyra_sim.data.capture import Capture
from lyra_sim.data.depth import PosedDepth, write_depth_maps
from lyra_sim.plugins import find_plugin, load_plugin
from lyra_sim.scene.sources import RgbdSource, Source, SplatsSource, SurfaceSource
from lyra_sim.scene.spec import CaptureConfig, DepthConfig
from lyra_sim.steps.step import step

if TYPE_CHECKING:
    from lyra_sim.depth.estimator import DepthEstimator

SEVERAL, ONE = "plane_sweep", "layout"
"""What ``auto`` takes for several photos, and for one."""


def plugins(source: Source, depth: DepthConfig) -> tuple[str, ...]:
    """None where depth comes with the source. ``auto`` depends on how many photos there are, so both may be asked."""
    if isinstance(source, RgbdSource | SurfaceSource | SplatsSource):
        return ()
    names = (SEVERAL, ONE) if depth.backend == "auto" else (depth.backend,)
    return tuple(key for name in names for key in find_plugin("depth", name).keyed_with(depth.options))


def sources(source: Source, depth: DepthConfig) -> tuple[Path, ...]:
    """Files that the provider's options name."""
    if not plugins(source, depth) or depth.options is None:
        return ()
    return find_plugin("depth", depth.backend).sources_of(depth.options)


@step(version=2, sources=sources, plugins=plugins)
def depth(capture: Capture, *, depth: DepthConfig, capture_: CaptureConfig, out: Path) -> PosedDepth:
    """Estimate depth where the capture came without."""
    if capture.views.has_depth:
        posed = PosedDepth.of(capture)
    else:
        backend = depth.backend
        if backend == "auto":
            backend = SEVERAL if len(capture.used) > 1 else ONE
        estimator: DepthEstimator = load_plugin("depth", backend)
        estimate = estimator(capture, depth, limits=capture_)
        facts = estimate.facts
        if _from_one_spot(capture) and not facts.guessed:
            facts = replace(facts, kind="one photo")
        per_count = write_depth_maps(out, capture.views.names, estimate.maps)
        posed = PosedDepth.estimated(capture, facts, backend=backend, folder=out, units_per_depth_count=per_count)
    posed.save(out)
    return posed


def _from_one_spot(capture: Capture) -> bool:
    """One photo, or several without any parallax: what a provider makes of them is a guess, whatever it calls it."""
    return not np.ptp(capture.cameras.centres[list(capture.used)], axis=0).any()
